//! What is no GGUF file at all, and versions and counts that cannot be.

use crate::{
    Case,
    Expected::{Field, NotGguf, Truncated, Version},
    files::*,
};

pub fn cases() -> Vec<Case> {
    let hello = |prefix: &[u8]| [prefix, &[0; 100]].concat();
    vec![
        // What is no GGUF file at all
        ("empty", vec![], NotGguf("empty")),
        (
            "web page",
            b"\n <!DOCTYPE HTML><html>".to_vec(),
            NotGguf("web page"),
        ),
        ("html", b"<html lang=en>".to_vec(), NotGguf("web page")),
        ("xml", b"<?xml version=1>".to_vec(), NotGguf("XML")),
        ("json", b"{\"error\":1}".to_vec(), NotGguf("JSON")),
        ("zip", hello(b"PK\x03\x04"), NotGguf("ZIP")),
        (
            "torch zip",
            hello(b"PK\x03\x04xxarchive/data.pkl"),
            NotGguf("PyTorch"),
        ),
        ("torch pickle", hello(b"\x80\x02}q"), NotGguf("PyTorch")),
        (
            "safetensors",
            hello(b"\x40\0\0\0\0\0\0\0{\"a\":{}}"),
            NotGguf("safetensors"),
        ),
        ("ggml", hello(b"lmgg"), NotGguf("GGML legacy")),
        ("ggjt", hello(b"tjgg"), NotGguf("GGML legacy")),
        ("big-endian magic", hello(b"FUGG"), NotGguf("big-endian")),
        (
            "lfs pointer",
            b"version https://git-lfs.github.com/spec/v1".to_vec(),
            NotGguf("Git LFS"),
        ),
        (
            "text",
            b"Not Found".to_vec(),
            NotGguf("the text \"Not Found\""),
        ),
        ("zeros", vec![0; 64], NotGguf("zeros")),
        (
            "noise",
            hello(&[0xDE, 0xAD, 0xBE, 0xEF]),
            NotGguf("de ad be ef"),
        ),
        ("one byte", vec![7], NotGguf("07")),
        ("lower case magic", hello(b"gguf"), NotGguf("67 67 75 66")),
        ("half a magic", b"GG".to_vec(), Truncated),
        ("magic alone", b"GGUF".to_vec(), Truncated),
        // Version and counts
        ("version 0", at(4, &[0]), Version(0)),
        ("version 1", at(4, &[1]), Version(1)),
        ("version 4", at(4, &[4]), Version(4)),
        ("big-endian version", at(4, &[0, 0, 0, 3]), Version(3 << 24)),
        (
            "tensors over the limit",
            at(8, &le(65_537)),
            Field("tensor_count", "65537"),
        ),
        (
            "tensors 2^64-1",
            at(8, &le(u64::MAX)),
            Field("tensor_count", "at most"),
        ),
        (
            "keys over the limit",
            at(16, &le(65_537)),
            Field("metadata_kv_count", "65537"),
        ),
        (
            "keys 2^63",
            at(16, &le(1 << 63)),
            Field("metadata_kv_count", "at most"),
        ),
        (
            "more keys than bytes",
            with(&|_| ())[..69].to_vec().tap(16, &le(65_536)),
            Truncated,
        ),
        (
            "more tensors than bytes",
            with(&|_| ())[..69].to_vec().tap(8, &le(65_536)),
            Truncated,
        ),
    ]
}
