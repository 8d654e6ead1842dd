//! Headers of safetensors files that break the rules of the format.

use crate::{
    Case,
    folder::{TENSORS, file, good, safetensors},
};

/// The good folder with this file of weights.
fn weights(name: &'static str, bytes: Vec<u8>, said: &'static [&'static str]) -> Case {
    (name, good().with("model.safetensors", &bytes), said)
}

/// The good folder with a file of this header and so many bytes of data.
fn header(name: &'static str, header: &str, data: usize, said: &'static [&'static str]) -> Case {
    weights(name, file(header.as_bytes(), data), said)
}

pub fn cases() -> Vec<Case> {
    let with_length = |length: u64| {
        let mut bytes = safetensors(&TENSORS);
        bytes[..8].copy_from_slice(&length.to_le_bytes());
        bytes
    };
    let one = |described: &str| format!(r#"{{"w":{described}}}"#);
    let longest = "n".repeat(513);
    vec![
        weights("empty file", vec![], &["model.safetensors", "cut short"]),
        weights(
            "seven bytes",
            vec![1; 7],
            &["model.safetensors", "cut short"],
        ),
        weights(
            "header of 2^64-1 bytes",
            with_length(u64::MAX),
            &["model.safetensors", "header length", "at most 25000000"],
        ),
        weights(
            "header of 25 MB and a byte",
            with_length(25_000_001),
            &["header length", "is 25000001"],
        ),
        weights(
            "header longer than the file",
            with_length(20_000_000),
            &["model.safetensors", "cut short"],
        ),
        weights(
            "header of no bytes",
            with_length(0),
            &["header", "begin with {"],
        ),
        weights(
            "a Git LFS pointer",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            &["Git LFS"],
        ),
        weights(
            "a web page",
            b"<!DOCTYPE html><html></html>".to_vec(),
            &["header length"],
        ),
        weights(
            "a GGUF file",
            b"GGUF\x03\0\0\0\0\0\0\0".to_vec(),
            &["header length"],
        ),
        weights(
            "a byte too many",
            [safetensors(&TENSORS), vec![0]].concat(),
            &["model.safetensors", "length", "end at byte"],
        ),
        header(
            "header that begins with a space",
            " {}",
            0,
            &["header", "begin with {"],
        ),
        header(
            "header that is a list",
            "[]",
            0,
            &["header", "begin with {"],
        ),
        header(
            "header that is no JSON",
            "{\"w\":}",
            0,
            &["model.safetensors", "JSON", "column"],
        ),
        header(
            "header with something after it",
            "{} x",
            0,
            &["model.safetensors", "JSON", "trailing"],
        ),
        weights(
            "header that is not UTF-8",
            file(b"{\"\xFF\":1}", 0),
            &["model.safetensors", "JSON"],
        ),
        header(
            "a tensor twice",
            r#"{"w":{"dtype":"F16","shape":[],"data_offsets":[0,2]},"w":{"dtype":"F16","shape":[],"data_offsets":[2,4]}}"#,
            4,
            &["JSON", "\"w\" is there twice"],
        ),
        header(
            "a field twice",
            &one(r#"{"dtype":"F16","dtype":"F32","shape":[],"data_offsets":[0,2]}"#),
            2,
            &["JSON", "\"dtype\" is there twice"],
        ),
        header(
            "lists in lists without end",
            &"{\"w\":".repeat(200),
            0,
            &["JSON", "recursion"],
        ),
        header(
            "more values than allowed",
            &format!("{{\"w\":[{}0]}}", "0,".repeat(1 << 20)),
            0,
            &["JSON", "too many values"],
        ),
        header(
            "more tensors than allowed",
            &{
                let tensors: Vec<String> = (0..65_537)
                    .map(|n| format!(r#""{n}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}"#))
                    .collect();
                format!("{{{}}}", tensors.join(","))
            },
            0,
            &["header", "65536 tensors"],
        ),
        header(
            "notes that are a list",
            r#"{"__metadata__":[]}"#,
            0,
            &["__metadata__", "no object"],
        ),
        header(
            "a note that is a number",
            r#"{"__metadata__":{"format":1}}"#,
            0,
            &["__metadata__", "a number", "format"],
        ),
        header(
            "a tensor that is a number",
            &one("1"),
            0,
            &["description of w", "a number"],
        ),
        header(
            "a tensor without a name",
            r#"{"":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}"#,
            2,
            &["name of tensor", "control"],
        ),
        header(
            "a tensor with a line break for a name",
            r#"{"a\nb":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}"#,
            2,
            &["name of tensor", "control"],
        ),
        header(
            "a name of 513 bytes",
            &format!(r#"{{"{longest}":{{"dtype":"F16","shape":[],"data_offsets":[0,2]}}}}"#),
            2,
            &["name of tensor", "512"],
        ),
        header(
            "no type",
            &one(r#"{"shape":[],"data_offsets":[0,2]}"#),
            2,
            &["dtype of w", "missing"],
        ),
        header(
            "a type that is a number",
            &one(r#"{"dtype":16,"shape":[],"data_offsets":[0,2]}"#),
            2,
            &["dtype of w", "a number"],
        ),
        header(
            "a type nobody knows",
            &one(r#"{"dtype":"F4","shape":[],"data_offsets":[0,2]}"#),
            2,
            &["tensor w", "F4", "not supported"],
        ),
        header(
            "a type in small letters",
            &one(r#"{"dtype":"bf16","shape":[],"data_offsets":[0,2]}"#),
            2,
            &["tensor w", "bf16"],
        ),
        header(
            "no shape",
            &one(r#"{"dtype":"F16","data_offsets":[0,2]}"#),
            2,
            &["shape of w", "missing"],
        ),
        header(
            "a shape that is a number",
            &one(r#"{"dtype":"F16","shape":1,"data_offsets":[0,2]}"#),
            2,
            &["shape of w", "must be a list"],
        ),
        header(
            "a negative dimension",
            &one(r#"{"dtype":"F16","shape":[-1],"data_offsets":[0,2]}"#),
            2,
            &["shape of w", "-1"],
        ),
        header(
            "a dimension of one and a half",
            &one(r#"{"dtype":"F16","shape":[1.5],"data_offsets":[0,3]}"#),
            3,
            &["shape of w", "1.5"],
        ),
        header(
            "nine dimensions",
            &one(r#"{"dtype":"F16","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,2]}"#),
            2,
            &["shape of w", "9 dimensions"],
        ),
        header(
            "dimensions whose product wraps to 0",
            &one(r#"{"dtype":"F16","shape":[4294967296,4294967296],"data_offsets":[0,0]}"#),
            0,
            &["shape of w", "impossibly large"],
        ),
        header(
            "2^63 elements of two bytes",
            &one(r#"{"dtype":"F16","shape":[9223372036854775808],"data_offsets":[0,0]}"#),
            0,
            &["shape of w", "impossibly large"],
        ),
        header(
            "no place",
            &one(r#"{"dtype":"F16","shape":[]}"#),
            2,
            &["data_offsets of w", "missing"],
        ),
        header(
            "a place of one number",
            &one(r#"{"dtype":"F16","shape":[],"data_offsets":[0]}"#),
            2,
            &["data_offsets of w", "1 numbers"],
        ),
        header(
            "a place that ends before it begins",
            &one(r#"{"dtype":"F16","shape":[1],"data_offsets":[2,0]}"#),
            2,
            &["data_offsets of w", "takes 2 bytes"],
        ),
        header(
            "a place of another size",
            &one(r#"{"dtype":"F16","shape":[2],"data_offsets":[0,2]}"#),
            2,
            &["data_offsets of w", "takes 4 bytes"],
        ),
        header(
            "a place past the end of any file",
            &one(
                r#"{"dtype":"F16","shape":[1],"data_offsets":[18446744073709551613,18446744073709551615]}"#,
            ),
            2,
            &["data_offsets of w", "past the end"],
        ),
        header(
            "a place past the end of the file",
            &one(r#"{"dtype":"F16","shape":[4],"data_offsets":[0,8]}"#),
            2,
            &["model.safetensors", "cut short"],
        ),
        header(
            "eight tensors of 2^61-1 bytes",
            &{
                let size = (1u64 << 61) - 1;
                let tensors: Vec<String> = (0..8)
                    .map(|n| {
                        format!(
                            r#""{n}":{{"dtype":"U8","shape":[{size}],"data_offsets":[{},{}]}}"#,
                            n * size,
                            (n + 1) * size
                        )
                    })
                    .collect();
                format!("{{{}}}", tensors.join(","))
            },
            0,
            &["model.safetensors"],
        ),
        header(
            "a hole before the first tensor",
            &one(r#"{"dtype":"F16","shape":[1],"data_offsets":[2,4]}"#),
            4,
            &["data_offsets of w", "begin at 2", "ends at 0"],
        ),
        header(
            "a hole between tensors",
            r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"F16","shape":[1],"data_offsets":[4,6]}}"#,
            6,
            &["data_offsets of b", "begin at 4", "ends at 2"],
        ),
        header(
            "tensors that overlap",
            r#"{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},"b":{"dtype":"F16","shape":[1],"data_offsets":[2,4]}}"#,
            4,
            &["data_offsets of b", "begin at 2"],
        ),
        header(
            "tensors in one place",
            r#"{"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},"b":{"dtype":"F16","shape":[1],"data_offsets":[0,2]}}"#,
            2,
            &["data_offsets of", "begin at 0"],
        ),
        header(
            "a field that tensors do not have",
            &one(r#"{"dtype":"F16","shape":[1],"data_offsets":[0,2],"file":"/etc/passwd"}"#),
            2,
            &["file of w", "not a field"],
        ),
    ]
}
