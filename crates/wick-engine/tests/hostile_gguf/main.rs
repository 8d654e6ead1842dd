//! Model files made to break the reader: each must be refused, by the rule it breaks.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

mod architectures;
mod complete;
mod files;
mod good;
mod metadata;
mod model;
mod split;
mod start;
mod tensors;

use std::{
    collections::HashSet,
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
};

use wick_engine::{
    Error,
    gguf::{ValidatedGguf, cross_check::expected_tensors},
};

use Expected::{Field, NotGguf, Truncated, Version};
use complete::{ARCHITECTURES, complete};
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
        architectures::cases(),
    ]
    .concat();
    let sets = split::cases();
    let count = cases.len() + sets.len();
    println!("{count} bad files and sets of files");
    assert!(count >= 200, "{count}");
    let names = cases
        .iter()
        .map(|case| case.0)
        .chain(sets.iter().map(|set| set.name));
    assert_eq!(names.collect::<HashSet<_>>().len(), count);
    let mut wrong: Vec<String> = sets.iter().filter_map(|set| set.failure()).collect();
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
fn a_whole_model_of_each_architecture_opens_until_any_tensor_is_wrong() {
    for architecture in ARCHITECTURES {
        let whole = complete(architecture);
        assert!(open(&whole.bytes()).is_ok(), "{architecture}");
        let table = expected_tensors(architecture).unwrap();
        for (index, (name, dims)) in whole.tensors().iter().enumerate() {
            let removed = open(&whole.clone().without(name).bytes());
            assert_eq!(
                removed.is_err(),
                table[index].required,
                "{architecture}: {name}"
            );
            for axis in 0..dims.len() {
                let mut wrong = dims.clone();
                wrong[axis] += 1;
                let error = open(&whole.clone().tensor(name, &wrong).bytes()).err();
                let field = format!("dims of tensor {name}");
                let named = matches!(&error, Some(Error::Malformed { field: found, .. }) if *found == field);
                assert!(named, "{architecture}: {name}: {error:?}");
            }
        }
    }
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
                let _ = (gguf.check_tensor_types(), gguf.model_info());
            }
        }
    }
}

#[test]
fn a_header_may_not_be_endless() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("model.gguf");
    // Each array alone is allowed, both together are not. The file is sparse.
    let mut first = value("a", 9, &[&[0; 4]]);
    first.truncate(first.iter().rposition(|byte| *byte == 9).unwrap() + 8);
    first.extend(le(200 << 20));
    let length = first.len() as u64;
    let second = [&le(1)[..], b"b", &[9, 0, 0, 0], &[0; 4], &le(100 << 20)].concat();
    fs::write(&path, first.tap(16, &le(3))).unwrap();
    let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(length + (200 << 20))).unwrap();
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
