//! Model files made to break the reader: each must be refused, by the rule it breaks.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

mod files;
mod good;
mod metadata;
mod model;
mod start;
mod tensors;

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use wick_engine::{Error, gguf::ValidatedGguf};

use Expected::{Field, NotGguf, Truncated, Version};
use files::*;

/// A bad file: what is wrong with it, its bytes, and how it is refused.
type Case = (&'static str, Vec<u8>, Expected);

#[derive(Debug, Clone)]
enum Expected {
    /// `Malformed`, with this field and a reason that holds this text.
    Field(&'static str, &'static str),
    Truncated,
    NotGguf(&'static str),
    Version(u32),
    TensorType(&'static str),
}

#[test]
fn refuses_every_bad_file_by_the_rule_it_breaks() {
    let cases = [
        start::cases(),
        metadata::cases(),
        tensors::cases(),
        model::cases(),
    ]
    .concat();
    assert!(cases.len() >= 60);
    let mut wrong = Vec::new();
    for (name, bytes, expected) in cases {
        let error = open(&bytes).err();
        let right = match (&error, &expected) {
            (
                Some(Error::Malformed {
                    offset,
                    field,
                    reason,
                }),
                Field(wanted, part),
            ) => field == wanted && reason.contains(part) && *offset <= bytes.len() as u64,
            (Some(Error::Truncated { needed, actual }), Truncated) => {
                needed > actual && *actual == bytes.len() as u64
            }
            (Some(Error::NotGguf { found, .. }), NotGguf(part)) => found.contains(part),
            (Some(Error::UnsupportedVersion { version }), Version(wanted)) => version == wanted,
            (
                Some(Error::UnsupportedTensorType {
                    tensor,
                    tensor_type,
                }),
                Expected::TensorType(wanted),
            ) => tensor == "w" && tensor_type == wanted,
            _ => false,
        };
        if !right {
            wrong.push(format!("{name}: expected {expected:?}, got {error:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_say_where_the_damage_is() {
    assert_eq!(
        open(&at(24, &le(65_536))).err(),
        Some(Error::Malformed {
            offset: 24,
            field: "key 0".to_owned(),
            reason: "has a length of 65536 bytes; at most 65535 are allowed".to_owned(),
        })
    );
    let bytes = good().bytes();
    let name = bytes
        .windows(18)
        .position(|window| window == b"output_norm.weight");
    let dims = name.unwrap() + 18;
    let broken = bytes.tap(dims + 4, &le(0));
    let error = open(&broken).err();
    assert!(
        matches!(&error, Some(Error::Malformed { offset, .. }) if *offset == dims as u64 + 4),
        "{error:?}"
    );
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let bytes = good().bytes();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    fs::write(&path, &bytes).unwrap();
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    assert!(ValidatedGguf::open(&path).is_ok());
    for length in (0..bytes.len() as u64).rev() {
        file.set_len(length).unwrap();
        match ValidatedGguf::open(&path).err() {
            Some(Error::Truncated { needed, actual }) => {
                assert!(needed > actual && actual == length)
            }
            Some(Error::NotGguf { .. }) if length == 0 => {}
            other => panic!("{length} bytes: {other:?}"),
        }
    }
}

#[test]
fn one_changed_byte_never_panics() {
    let good = good().bytes();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    // The weights themselves are not read.
    for offset in 0..good.len() - 1280 {
        for with in [0, 0x7F, 0xFF] {
            let mut bytes = good.clone();
            bytes[offset] = with;
            fs::write(&path, &bytes).unwrap();
            if let Ok(gguf) = ValidatedGguf::open(&path) {
                let _ = (gguf.to_candle(), gguf.model_info());
            }
        }
    }
}

#[test]
fn a_header_may_not_be_endless() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    // Each array alone is allowed, both together are not. The file is sparse.
    let first = value("a", 9, &[&[0; 4], &le(200 << 20)])[..94].to_vec();
    let second = [&le(1)[..], b"b", &[9, 0, 0, 0], &[0; 4], &le(100 << 20)].concat();
    fs::write(&path, first.tap(16, &le(3))).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(94 + (200 << 20))).unwrap();
    file.write_all(&second).unwrap();
    file.set_len(400 << 20).unwrap();
    let error = ValidatedGguf::open(&path).err();
    assert!(
        matches!(&error, Some(Error::Malformed { field, .. }) if field == "length of b"),
        "{error:?}"
    );
}

#[test]
fn what_is_no_file_is_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |path: &Path| matches!(ValidatedGguf::open(path), Err(Error::Read { .. }));
    assert!(refused(directory.path()));
    assert!(refused(&directory.path().join("absent.gguf")));
}
