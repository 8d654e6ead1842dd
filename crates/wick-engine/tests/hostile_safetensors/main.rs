//! Model folders made to break their reader: each must be refused, by the rule it breaks and with the file and field
//! that break it. And good ones, which must say what they say.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

mod config;
mod folder;
mod good;
mod header;
mod index;
mod tensors;

use std::collections::HashSet;

use folder::{Folder, good};
use wick_engine::safetensors::{parse_config, parse_header, parse_index};

/// A bad folder: what is wrong with it, its files, and texts that the error must have.
type Case = (&'static str, Folder, &'static [&'static str]);

#[test]
fn refuses_every_bad_folder_by_the_rule_it_breaks() {
    let cases = [
        header::cases(),
        index::cases(),
        config::cases(),
        tensors::cases(),
    ]
    .concat();
    println!("{} bad folders", cases.len());
    assert!(cases.len() >= 60, "{}", cases.len());
    let names: HashSet<_> = cases.iter().map(|case| case.0).collect();
    assert_eq!(names.len(), cases.len());
    let mut wrong = Vec::new();
    for (name, folder, said) in cases {
        match folder.open() {
            Ok(_) => wrong.push(format!("{name}: opened")),
            Err(error) => {
                let error = error.to_string();
                if !said.iter().all(|part| error.contains(part)) {
                    wrong.push(format!("{name}: expected {said:?}, got {error}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_file_of_weights_cut_short_anywhere_is_refused() {
    let whole = good();
    let bytes = whole.0["model.safetensors"].clone();
    // Every byte of the header, and of the data a few.
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for length in (0..header).chain([header, bytes.len() - 1]) {
        let cut = whole.clone().with("model.safetensors", &bytes[..length]);
        let error = cut.open().unwrap_err().to_string();
        assert!(error.contains("model.safetensors"), "{length}: {error}");
        assert!(error.contains("cut short"), "{length}: {error}");
    }
}

#[test]
fn one_changed_byte_never_panics() {
    let folder = folder::sharded();
    for (name, bytes) in &folder.0 {
        let is_weights = name.ends_with(".safetensors");
        let header = match is_weights {
            true => 8..8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize,
            false => 0..bytes.len(),
        };
        for offset in header.clone() {
            for with in [0, b'"', b'9', b'}', 0xFF] {
                let mut changed = bytes[header.clone()].to_vec();
                changed[offset - header.start] = with;
                if is_weights {
                    let _ = parse_header(name, &changed, bytes.len() as u64);
                } else {
                    let _ = (parse_config(&changed), parse_index(&changed));
                }
            }
        }
    }
}
