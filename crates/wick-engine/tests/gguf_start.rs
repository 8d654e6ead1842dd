//! Headers of which only the first bytes are there.
#![allow(
    clippy::unwrap_used,
    reason = "a test may end at what it did not expect"
)]

use wick_engine::{
    Error,
    check::{CheckOptions, StartReport, check_start},
    estimate::{ModelShape, Plan},
    gguf::{FirstBytes, Start, ValidatedGguf},
    testkit::{GgufWriter, tiny_model},
};

/// Asks for as much as is wanted until the header is whole; returns how much that took.
fn read_whole(file: &[u8]) -> (ValidatedGguf, Vec<u64>) {
    let mut asked = vec![];
    let mut first: &[u8] = &[];
    loop {
        match ValidatedGguf::from_start(first, file.len() as u64).unwrap() {
            Start::Header(header) => return (*header, asked),
            Start::Wants { bytes } => {
                assert!(bytes > first.len() as u64 && bytes <= file.len() as u64);
                asked.push(bytes);
                first = &file[..bytes as usize];
            }
        }
    }
}

#[test]
fn the_first_bytes_tell_what_the_whole_file_tells() {
    let mut model = tiny_model("qwen3").writer().unwrap();
    // A header of several megabytes, and weights after it.
    let long = "a".repeat(5 << 20);
    let file = model.string("general.description", &long).bytes();
    let (header, asked) = read_whole(&file);
    assert_eq!(asked.len(), 4, "{asked:?}");
    let whole = ValidatedGguf::from_bytes(&file).unwrap();
    let shape = |gguf| ModelShape::of_gguf(gguf).unwrap();
    assert_eq!(shape(&header), shape(&whole));
    assert!(shape(&header).memory(&Plan::on_processor(512)).is_ok());
}

#[test]
fn every_beginning_is_either_enough_or_too_little() {
    let file = tiny_model("llama").writer().unwrap().bytes();
    let (header, _) = read_whole(&file);
    let header_bytes = header.data_offset() as usize;
    for length in (0..header_bytes).step_by(97) {
        let start = ValidatedGguf::from_start(&file[..length], file.len() as u64).unwrap();
        let tells = matches!(start, Start::Header(_));
        // What stands between the last tensor's line and the data is nothing.
        assert!(
            !tells || header_bytes - length < 32,
            "{length} of {header_bytes}"
        );
    }
}

#[test]
fn damage_is_told_as_soon_as_it_is_seen() {
    let length = 1 << 30;
    let page = b"<html><body>Not found</body></html>";
    let error = ValidatedGguf::from_start(page, page.len() as u64).unwrap_err();
    assert!(matches!(error, Error::NotGguf { .. }), "{error}");
    let mut file = tiny_model("llama").writer().unwrap().bytes();
    file[4] = 9;
    let error = ValidatedGguf::from_start(&file[..64], length).unwrap_err();
    assert!(matches!(error, Error::UnsupportedVersion { version: 9 }));
    // The whole file is there, and shorter than its tensors need.
    let file = tiny_model("llama").writer().unwrap().bytes();
    let cut = &file[..file.len() - 4096];
    let error = ValidatedGguf::from_start(cut, cut.len() as u64).unwrap_err();
    assert!(matches!(error, Error::Truncated { .. }), "{error}");
}

#[test]
fn a_part_of_a_split_model_cannot_be_told_by_itself() {
    let mut model = GgufWriter::new();
    let file = model
        .string("general.architecture", "llama")
        .u32("split.count", 2)
        .u32("split.no", 0)
        .u32("split.tensors.count", 1)
        .bytes();
    assert!(ValidatedGguf::from_start(&file, file.len() as u64).is_err());
}

#[test]
fn the_parts_of_a_split_model_are_told_together() {
    let plain = tiny_model("llama").writer().unwrap().bytes();
    let tensors = ValidatedGguf::from_bytes(&plain).unwrap().tensors().len() as u32;
    let split = |writer: &mut GgufWriter, number| {
        let writer = writer.u32("split.count", 2).u32("split.no", number);
        writer.u32("split.tensors.count", tensors).bytes()
    };
    let first = split(&mut tiny_model("llama").writer().unwrap(), 0);
    let mut second = GgufWriter::new();
    let second = split(second.string("general.architecture", "llama"), 1);
    let check = |of_first: usize, of_second: usize| {
        let files = [
            FirstBytes {
                name: "a-00001-of-00002.gguf",
                bytes: &first[..of_first],
                file_bytes: first.len() as u64,
            },
            FirstBytes {
                name: "a-00002-of-00002.gguf",
                bytes: &second[..of_second],
                file_bytes: second.len() as u64,
            },
        ];
        check_start(&files, CheckOptions::default())
    };
    let wants = |report| match report {
        StartReport::Wants { file, bytes } => (file, bytes),
        StartReport::Report(report) => panic!("{report:?}"),
    };
    assert_eq!(wants(check(0, 0).unwrap()), (0, first.len() as u64));
    assert_eq!(
        wants(check(first.len(), 0).unwrap()),
        (1, second.len() as u64)
    );
    let StartReport::Report(report) = check(first.len(), second.len()).unwrap() else {
        panic!("too little");
    };
    assert_eq!(report.files.len(), 2);
    assert_eq!(report.architecture, "llama");
    assert!(report.shape.is_some());
    assert!(check_start(&[], CheckOptions::default()).is_err());
}
