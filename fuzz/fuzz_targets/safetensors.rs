//! What a model folder is made of: the header of a file of weights, the index of several, `config.json`. The first byte
//! says which.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wick_engine::safetensors::{parse_config, parse_header, parse_index, role_of};

fuzz_target!(|bytes: &[u8]| {
    let Some((which, bytes)) = bytes.split_first() else {
        return;
    };
    match which % 3 {
        0 => header(bytes),
        1 => {
            for file in parse_index(bytes).unwrap_or_default().keys() {
                assert!(!file.contains(['/', '\\', ':', '\0']) && !file.contains(".."));
            }
        }
        _ => {
            let _ = parse_config(bytes);
        }
    }
});

/// The last two bytes say how long the data after the header are.
fn header(bytes: &[u8]) {
    let Some((header, &length)) = bytes.split_last_chunk::<2>() else {
        return;
    };
    let data_offset = 8 + header.len() as u64;
    let file_bytes = data_offset + u64::from(u16::from_le_bytes(length));
    let Ok(tensors) = parse_header("model.safetensors", header, file_bytes) else {
        return;
    };
    let mut end = data_offset;
    for tensor in tensors {
        assert_eq!(tensor.range.start, end);
        let elements: u64 = tensor.shape.iter().product();
        assert_eq!(elements * tensor.dtype.bytes(), tensor.range.end - end);
        end = tensor.range.end;
        let _ = role_of("gemma3", &tensor.name);
    }
    assert_eq!(end, file_bytes);
}
