//! Models split over several files: sets that do not hold together.

use std::{fs, path::PathBuf};

use wick_engine::{
    Error,
    gguf::{TensorType, ValidatedGguf},
    testkit::GgufWriter,
};

use crate::complete::complete;

/// A part in the making: its place in the set, and its tensors.
#[derive(Clone, Default)]
pub struct PartWriter(pub GgufWriter);

pub fn part(number: u16, count: u16, tensors: i32) -> PartWriter {
    let mut writer = GgufWriter::new();
    writer
        .value("split.no", 2, &number.to_le_bytes())
        .value("split.count", 2, &count.to_le_bytes())
        .value("split.tensors.count", 5, &tensors.to_le_bytes());
    PartWriter(writer)
}

impl PartWriter {
    pub fn first(mut self) -> Self {
        self.0.string("general.architecture", "tiny");
        self
    }

    pub fn tensor(mut self, name: &str) -> Self {
        self.0.tensor(name, &[8], TensorType::F32, &[7; 32]);
        self
    }

    fn and(mut self, edit: impl FnOnce(&mut GgufWriter)) -> Self {
        edit(&mut self.0);
        self
    }
}

/// Files of a set, by the numbers in their names.
type Files = Vec<(&'static str, Vec<u8>)>;

pub struct SplitCase {
    pub name: &'static str,
    files: Files,
    asked_for: &'static str,
    /// Texts that the error must have.
    said: &'static [&'static str],
}

const ONE: &str = "m-00001-of-00003.gguf";
const TWO: &str = "m-00002-of-00003.gguf";
const THREE: &str = "m-00003-of-00003.gguf";

/// A good set of three.
fn good() -> Files {
    vec![
        (ONE, part(0, 3, 3).first().tensor("a").0.bytes()),
        (TWO, part(1, 3, 3).tensor("b").0.bytes()),
        (THREE, part(2, 3, 3).tensor("c").0.bytes()),
    ]
}

fn open(files: &Files, asked_for: &str) -> Result<ValidatedGguf, Error> {
    let directory = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(directory.path().join(name), bytes).unwrap();
    }
    ValidatedGguf::open(&directory.path().join(asked_for))
}

impl SplitCase {
    /// What went otherwise than it should.
    pub fn failure(&self) -> Option<String> {
        let error = match open(&self.files, self.asked_for) {
            Ok(_) => return Some(format!("{}: opened", self.name)),
            Err(error) => error.to_string(),
        };
        let all_said = self.said.iter().all(|part| error.contains(part));
        (!all_said).then(|| format!("{}: expected {:?}, got {error}", self.name, self.said))
    }
}

/// The good set with a file in another's place.
fn replaced(
    name: &'static str,
    file: &'static str,
    bytes: Vec<u8>,
    said: &'static [&'static str],
) -> SplitCase {
    let mut files = good();
    files.retain(|(known, _)| *known != file);
    files.push((file, bytes));
    SplitCase {
        name,
        files,
        asked_for: ONE,
        said,
    }
}

/// The good set without a file.
fn without(
    name: &'static str,
    file: &str,
    asked_for: &'static str,
    said: &'static [&'static str],
) -> SplitCase {
    let mut files = good();
    files.retain(|(known, _)| *known != file);
    SplitCase {
        name,
        files,
        asked_for,
        said,
    }
}

/// One file under a name.
fn alone(
    name: &'static str,
    file: &'static str,
    part: PartWriter,
    said: &'static [&'static str],
) -> SplitCase {
    SplitCase {
        name,
        files: vec![(file, part.0.bytes())],
        asked_for: file,
        said,
    }
}

pub fn cases() -> Vec<SplitCase> {
    let two = |edit: &dyn Fn(PartWriter) -> PartWriter| edit(part(1, 3, 3)).0.bytes();
    let cut = |by: usize| {
        let mut bytes = part(1, 3, 3).tensor("b").0.bytes();
        bytes.truncate(bytes.len() - by);
        bytes
    };
    vec![
        without(
            "second part missing",
            TWO,
            ONE,
            &[TWO, "part 2 of 3", "missing"],
        ),
        without(
            "last part missing",
            THREE,
            ONE,
            &[THREE, "part 3 of 3", "missing"],
        ),
        without(
            "first part missing",
            ONE,
            TWO,
            &[ONE, "part 1 of 3", "missing"],
        ),
        without("part asked for missing", TWO, TWO, &[TWO, "cannot read"]),
        alone(
            "a name without a number",
            "model.gguf",
            part(0, 3, 3).first(),
            &["split.count", "-00001-of-00003.gguf"],
        ),
        alone(
            "a name with a short number",
            "m-1-of-3.gguf",
            part(0, 3, 3).first(),
            &["split.count", "must end in"],
        ),
        alone(
            "a name of another set",
            "m-00001-of-00002.gguf",
            part(0, 3, 3).first(),
            &["part 1 of 3", "part 1 of 2"],
        ),
        alone(
            "a name of another part",
            TWO,
            part(0, 3, 3).first(),
            &["part 1 of 3", "part 2 of 3"],
        ),
        alone(
            "no number",
            ONE,
            PartWriter::default()
                .and(|w| _ = w.u32("split.count", 3).u32("split.tensors.count", 3)),
            &["split.no", "missing"],
        ),
        alone(
            "no number of tensors",
            ONE,
            PartWriter::default().and(|w| _ = w.u32("split.count", 3).u32("split.no", 0)),
            &["split.tensors.count", "missing"],
        ),
        alone(
            "a number past the last",
            ONE,
            part(3, 3, 3).first(),
            &["split.no", "only 3"],
        ),
        alone(
            "more parts than allowed",
            "m-00001-of-02000.gguf",
            part(0, 2000, 3).first(),
            &["split.count", "at most 1024"],
        ),
        alone(
            "a count that is text",
            ONE,
            PartWriter::default().and(|w| _ = w.string("split.count", "3")),
            &["split.count", "whole number"],
        ),
        alone(
            "a negative count",
            ONE,
            PartWriter::default().and(|w| _ = w.value("split.count", 5, &[0xFF; 4])),
            &["split.count", "is -1"],
        ),
        alone(
            "a number that is a float",
            ONE,
            PartWriter::default().and(|w| {
                _ = w
                    .u32("split.count", 3)
                    .f32("split.no", 0.0)
                    .u32("split.tensors.count", 3)
            }),
            &["split.no", "whole number"],
        ),
        alone(
            "-1 tensors",
            ONE,
            part(0, 3, -1).first(),
            &["split.tensors.count", "is -1"],
        ),
        alone(
            "tensors beyond number",
            ONE,
            part(0, 3, 70_000).first(),
            &["split.tensors.count", "65536"],
        ),
        replaced(
            "the same part twice",
            TWO,
            part(0, 3, 3).first().tensor("b").0.bytes(),
            &[TWO, "does not agree"],
        ),
        replaced(
            "a part of a longer set",
            TWO,
            part(1, 4, 3).tensor("b").0.bytes(),
            &[TWO, "does not agree"],
        ),
        replaced(
            "a part of a set with other tensors",
            TWO,
            part(1, 3, 4).tensor("b").0.bytes(),
            &[TWO, "does not agree"],
        ),
        replaced(
            "a part that is a model of its own",
            TWO,
            PartWriter::default().first().tensor("b").0.bytes(),
            &[TWO, "does not agree"],
        ),
        replaced(
            "a tensor in two parts",
            TWO,
            two(&|p| p.tensor("a")),
            &[TWO, "name of tensor a", "earlier part"],
        ),
        replaced(
            "a tensor twice in a part",
            TWO,
            two(&|p| p.tensor("b").tensor("b")),
            &[TWO, "name of tensor b", "twice"],
        ),
        replaced(
            "a tensor too few",
            TWO,
            two(&|p| p),
            &["split.tensors.count", "2 tensors"],
        ),
        replaced(
            "a tensor too many",
            TWO,
            two(&|p| p.tensor("b").tensor("d").tensor("e")),
            &["split.tensors.count", "is 3"],
        ),
        replaced(
            "a part cut short in its tensors",
            TWO,
            cut(1),
            &[TWO, "cut short"],
        ),
        replaced(
            "a part cut short in its header",
            TWO,
            cut(90),
            &[TWO, "cut short"],
        ),
        replaced(
            "a part that is a web page",
            TWO,
            b"<html>".to_vec(),
            &[TWO, "web page"],
        ),
        replaced("an empty part", TWO, Vec::new(), &[TWO, "empty"]),
        replaced(
            "a part of version 9",
            TWO,
            {
                let mut bytes = cut(0);
                bytes[4] = 9;
                bytes
            },
            &["version 9"],
        ),
        replaced(
            "a part with odd alignment",
            TWO,
            two(&|p| p.and(|w| _ = w.u32("general.alignment", 3)).tensor("b")),
            &[TWO, "general.alignment", "power of two"],
        ),
        replaced(
            "a part with overlapping tensors",
            TWO,
            two(&|p| p.tensor("b").and(|w| _ = w.tensor_info("d", &[8], 0, 0))),
            &[TWO, "offset of tensor", "ends at"],
        ),
        replaced(
            "a tensor of no known type",
            TWO,
            two(&|p| p.and(|w| _ = w.tensor_info("b", &[8], 999, 0))),
            &[TWO, "type of tensor b"],
        ),
        replaced(
            "a layer past the last in another part",
            ONE,
            part(0, 3, 3)
                .first()
                .and(|w| _ = w.u32("tiny.block_count", 1))
                .tensor("blk.7.a")
                .0
                .bytes(),
            &["name of tensor blk.7.a", "only 1"],
        ),
        replaced(
            "no architecture in the first part",
            ONE,
            part(0, 3, 3).tensor("a").0.bytes(),
            &["general.architecture", "missing"],
        ),
        SplitCase {
            name: "an architecture's tensor in no part",
            files: {
                let whole = complete("llama").without("blk.0.ffn_up.weight");
                let count = whole.tensors().len() as i32;
                let first = whole.and(|w| {
                    w.value("split.no", 2, &[0, 0])
                        .value("split.count", 2, &[2, 0]);
                    w.value("split.tensors.count", 5, &count.to_le_bytes());
                });
                vec![
                    ("m-00001-of-00002.gguf", first.bytes()),
                    ("m-00002-of-00002.gguf", part(1, 2, count).0.bytes()),
                ]
            },
            asked_for: "m-00001-of-00002.gguf",
            said: &["blk.0.ffn_up.weight", "missing"],
        },
    ]
}

#[test]
fn any_part_opens_the_whole_set() {
    for asked_for in [ONE, TWO, THREE] {
        let gguf = open(&good(), asked_for).unwrap();
        let tensors: Vec<_> = gguf
            .tensors()
            .iter()
            .map(|tensor| (tensor.name.as_str(), tensor.part, tensor.offset))
            .collect();
        assert_eq!(tensors, [("a", 0, 0), ("b", 1, 0), ("c", 2, 0)]);
        assert_eq!(gguf.architecture(), "tiny");
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        let names: Vec<_> = gguf.parts().iter().map(|part| name(&part.path)).collect();
        assert_eq!(names, [ONE, TWO, THREE]);
        let sizes: Vec<_> = good().iter().map(|(_, bytes)| bytes.len() as u64).collect();
        let found: Vec<_> = gguf.parts().iter().map(|part| part.file_bytes).collect();
        assert_eq!(found, sizes);
        assert_eq!(gguf.file_bytes(), sizes.iter().sum::<u64>());
        for part in gguf.parts() {
            assert_eq!(part.data_offset + 32, part.file_bytes);
        }
    }
}

#[test]
fn a_set_of_one_part_needs_no_number_in_its_name() {
    let only = part(0, 1, 1).first().tensor("a").0.bytes();
    let gguf = open(&vec![("model.gguf", only)], "model.gguf").unwrap();
    assert_eq!((gguf.parts().len(), gguf.tensors().len()), (1, 1));
}

#[test]
fn the_first_part_may_have_no_tensors() {
    let mut files = good();
    files[0].1 = part(0, 3, 2).first().0.bytes();
    files[1].1 = part(1, 3, 2).tensor("b").0.bytes();
    files[2].1 = part(2, 3, 2).tensor("c").0.bytes();
    assert_eq!(open(&files, ONE).unwrap().tensors().len(), 2);
}
