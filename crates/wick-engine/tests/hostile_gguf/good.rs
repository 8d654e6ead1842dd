//! What is read from a good file is what it says.

use wick_engine::{Error, gguf::TensorType};

use crate::files::*;

#[test]
fn a_good_file_keeps_what_it_says() {
    let gguf = open(&good().bytes()).unwrap();
    let metadata = gguf.metadata();
    assert_eq!(gguf.architecture(), "tiny");
    assert_eq!(metadata.u32("tiny.context_length"), Ok(Some(9000)));
    assert_eq!(metadata.u32("tiny.some_u64"), Ok(Some(7)));
    assert_eq!(metadata.u32("absent"), Ok(None));
    assert_eq!(metadata.f32("tiny.rope.freq_base"), Ok(Some(10_000.0)));
    assert_eq!(
        metadata.bool("tokenizer.ggml.add_bos_token"),
        Ok(Some(true))
    );
    assert_eq!(
        metadata.str("tokenizer.chat_template"),
        Ok(Some("{{ messages }}"))
    );
    assert_eq!(
        metadata.strings("tokenizer.ggml.tokens"),
        Ok(Some(&tokens(3)[..]))
    );
    assert_eq!(
        metadata.f32s("tokenizer.ggml.scores"),
        Ok(Some(&[0.0, 1.0, 2.0][..]))
    );
    assert_eq!(
        metadata.i32s("tokenizer.ggml.token_type"),
        Ok(Some(vec![1, 1, -1]))
    );
    assert_eq!(metadata.i32s("tiny.some_u16s"), Ok(Some(vec![1, 2])));
    assert!(metadata.u32("tiny.some_i8").is_err());
    assert!(metadata.u32("general.name").is_err());
    assert!(metadata.str("tiny.block_count").is_err());
    assert!(metadata.bool("tiny.block_count").is_err());
    assert!(metadata.strings("tokenizer.ggml.scores").is_err());
    assert!(metadata.f32s("tokenizer.ggml.tokens").is_err());
    assert!(metadata.i32s("tokenizer.ggml.scores").is_err());

    let shapes: Vec<_> = gguf
        .tensors()
        .iter()
        .map(|t| (t.name.as_str(), t.dims.as_slice(), t.bytes, t.offset))
        .collect();
    assert_eq!(
        shapes,
        [
            ("token_embd.weight", &[32, 3][..], 60, 0),
            ("blk.0.attn_q.weight", &[32, 32][..], 1088, 64),
            ("output_norm.weight", &[32][..], 128, 1152),
        ]
    );

    let info = gguf.model_info().unwrap();
    assert_eq!(info.name, "Tiny model");
    assert_eq!(
        (info.architecture.as_str(), info.quantization.as_str()),
        ("tiny", "Q4_1")
    );
    assert_eq!(info.parameters, 96 + 1024 + 32);
    assert_eq!(
        (info.trained_context_length, info.context_length),
        (9000, 8192)
    );
    assert!(info.has_chat_template);
}

#[test]
fn every_type_has_the_sizes_that_candle_and_the_kernels_give_it() {
    for tensor_type in TensorType::ALL.iter().copied() {
        let (weights, bytes) = (tensor_type.block_size(), tensor_type.block_bytes());
        assert_eq!(TensorType::from_id(tensor_type.id()), Some(tensor_type));
        if let Some(dtype) = tensor_type.to_candle() {
            let theirs = (dtype.block_size() as u64, dtype.type_size() as u64);
            assert_eq!(theirs, (weights, bytes), "{tensor_type}");
        }
        if let Some(format) = tensor_type.format() {
            let theirs = (format.block_size() as u64, format.block_bytes() as u64);
            assert_eq!(theirs, (weights, bytes), "{tensor_type}");
        }
    }
}

#[test]
fn a_type_that_cannot_be_computed_with_is_refused_by_name() {
    for tensor_type in TensorType::ALL.iter().copied() {
        let (weights, bytes) = (tensor_type.block_size(), tensor_type.block_bytes());
        let mut writer = header();
        writer.tensor(
            "w",
            &[weights as usize],
            tensor_type,
            &vec![0; bytes as usize],
        );
        let found = open(&writer.bytes()).unwrap().check_tensor_types();
        match tensor_type.format() {
            Some(_) => assert_eq!(found, Ok(())),
            None => assert_eq!(
                found,
                Err(Error::UnsupportedTensorType {
                    tensor: "w".into(),
                    tensor_type: tensor_type.name().into(),
                })
            ),
        }
    }
}

#[test]
fn a_model_without_names_is_described_by_its_weights() {
    let mut writer = header();
    writer
        .u32("tiny.context_length", 2048)
        .tensor("a", &[64], TensorType::F32, &[0; 256])
        .tensor("b", &[256, 4], TensorType::Q6K, &[0; 840]);
    let info = open(&writer.bytes()).unwrap().model_info().unwrap();
    assert_eq!(
        (info.name.as_str(), info.quantization.as_str()),
        ("", "Q6_K")
    );
    assert_eq!(
        (info.trained_context_length, info.context_length),
        (2048, 2048)
    );
    assert!(!info.has_chat_template);
    let error = open(&header().bytes()).unwrap().model_info().err();
    assert!(
        matches!(error, Some(Error::Malformed { field, .. }) if field == "tiny.context_length")
    );
    let long = header()
        .u32("tiny.context_length", 1)
        .string("general.name", &"é".repeat(500))
        .bytes();
    assert_eq!(
        open(&long)
            .unwrap()
            .model_info()
            .unwrap()
            .name
            .chars()
            .count(),
        200
    );
}

#[test]
fn tensors_may_be_described_in_any_order_and_with_gaps() {
    let mut writer = header();
    writer
        .tensor_info("b", &[1], 0, 128)
        .tensor_info("a", &[1], 0, 32);
    let mut bytes = writer.bytes();
    bytes.extend([0; 132]);
    assert_eq!(open(&bytes).unwrap().tensors().len(), 2);
}

#[test]
fn version_2_reads_as_version_3() {
    let gguf = open(&at(4, &[2])).unwrap();
    assert_eq!(gguf.tensors().len(), 3);
}

#[test]
fn a_quantization_that_no_tensor_has_is_not_believed() {
    let named = |file_type: u32, tensor_type: TensorType| {
        let bytes = vec![0; tensor_type.block_bytes() as usize * 8];
        let dims = [tensor_type.block_size() as usize * 8];
        let mut writer = header();
        writer
            .u32("tiny.context_length", 1)
            .u32("general.file_type", file_type)
            .tensor("a", &dims, tensor_type, &bytes)
            .tensor("b", &[1], TensorType::F32, &[0; 4]);
        let info = open(&writer.bytes()).unwrap().model_info().unwrap();
        info.quantization
    };
    // An F16 header kept by a file that was quantized.
    assert_eq!(named(1, TensorType::Q4_1), "Q4_1");
    assert_eq!(named(15, TensorType::Q8_0), "Q8_0");
    assert_eq!(named(999, TensorType::Q8_0), "Q8_0");
    assert_eq!(named(15, TensorType::Q4K), "Q4_K_M");
    assert_eq!(named(12, TensorType::Q3K), "Q3_K_M");
    assert_eq!(named(29, TensorType::Iq2S), "IQ2_M");
    assert_eq!(named(18, TensorType::Q6K), "Q6_K");
}
