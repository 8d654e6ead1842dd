//! The header of a GGUF file, whatever its bytes: accepted or refused, never a panic and never much memory. What is
//! accepted keeps its promises.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wick_engine::gguf::ValidatedGguf;

fuzz_target!(|bytes: &[u8]| {
    let Ok(gguf) = ValidatedGguf::from_bytes(bytes) else {
        return;
    };
    let data = bytes.len() as u64 - gguf.data_offset().min(bytes.len() as u64);
    let mut end = 0;
    let mut tensors: Vec<_> = gguf.tensors().iter().collect();
    tensors.sort_by_key(|tensor| tensor.offset);
    for tensor in tensors {
        assert!(tensor.offset >= end, "tensors overlap");
        end = tensor.offset + tensor.bytes;
        let blocks = tensor.elements() / tensor.tensor_type.block_size();
        assert_eq!(blocks * tensor.tensor_type.block_bytes(), tensor.bytes);
    }
    assert!(end <= data, "a tensor ends past the file");
    let _ = gguf.model_info();
});
