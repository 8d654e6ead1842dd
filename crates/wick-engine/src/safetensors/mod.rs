//! Reads a model folder as the Hub ships it: `config.json` and one safetensors file or several. What comes out is a
//! [`ValidatedSafetensors`], checked as strictly as a GGUF file and spoken of in GGUF's words: its keys, its names of
//! tensors, its order of dimensions.

mod config;
mod fields;
mod header;
mod index;
mod info;
mod json;
mod names;
mod rope;
mod ternary;

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::{Read, Seek, SeekFrom},
    ops::Range,
    path::{Path, PathBuf},
};

pub use config::{Config, architecture_of, parse_config};
pub use header::{Dtype, HeaderTensor, parse_header};
pub use index::{WeightMap, parse_index};
pub use names::{Role, role_of};
use serde_json::{Map, Value};

use crate::{
    Error, Result,
    gguf::{
        Metadata, TensorType,
        cross_check::{Flaw, TensorProblem, check_hyper_parameters, check_tensors},
        label,
    },
};
use json::malformed;

const MAX_CONFIG_BYTES: u64 = 1 << 20;
/// Largest dimension of a tensor.
const MAX_DIMENSION: u64 = 1 << 31;

/// A model folder that has passed every rule. Only [`ValidatedSafetensors::open`] makes one.
#[derive(Debug, Clone)]
pub struct ValidatedSafetensors {
    folder: PathBuf,
    architecture: &'static str,
    metadata: Metadata,
    shards: Vec<Shard>,
    tensors: Vec<StoredTensor>,
    computed: Vec<ComputedTensor>,
}

/// One file of weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The file.
    pub path: PathBuf,
    /// Its length when it was checked.
    pub file_bytes: u64,
}

/// A tensor in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTensor {
    /// Its name in GGUF. Experts are apart: `blk.3.ffn_gate_exps.17.weight`.
    pub name: String,
    /// Its name in the file.
    pub stored_name: String,
    /// Its dimensions, the fastest varying first; of a packed matrix, those of its weights.
    pub dims: Vec<usize>,
    /// How its weights are stored; of a packed matrix, what [`ValidatedSafetensors::tensor_bytes`] makes of it.
    pub tensor_type: TensorType,
    /// Which file it is in.
    pub shard: usize,
    /// Where in that file, from its start.
    pub range: Range<u64>,
    /// Whether four ternary weights share a byte, so that the bytes of the file are of no use as they are.
    pub is_packed: bool,
}

/// A tensor that GGUF files have and folders do not: one row of F32.
#[derive(Debug, Clone, PartialEq)]
pub struct ComputedTensor {
    /// Its name in GGUF.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<f32>,
}

impl ValidatedSafetensors {
    /// Reads and checks what the folder says of its model; weights are not read.
    pub fn open(folder: &Path) -> Result<Self> {
        let (model, problems) = Self::open_with_problems(folder)?;
        match problems.into_iter().next() {
            None => Ok(model),
            Some(problem) => Err(model.error_of(&problem)),
        }
    }

    /// As [`ValidatedSafetensors::open`], with all that is wrong with the tensors.
    pub(crate) fn open_with_problems(folder: &Path) -> Result<(Self, Vec<TensorProblem>)> {
        let config = json::read(&folder.join(fields::CONFIG), MAX_CONFIG_BYTES)?;
        let config = parse_config(&config)?;
        check_hyper_parameters(config.architecture, &config.metadata)?;
        let mut model = Self {
            folder: folder.to_owned(),
            architecture: config.architecture,
            metadata: config.metadata.clone(),
            shards: Vec::new(),
            tensors: Vec::new(),
            computed: Vec::new(),
        };
        let computed = config.rope_factors.0.iter();
        model.computed = computed
            .map(|(name, values)| ComputedTensor {
                name,
                values: values.clone(),
            })
            .collect();
        let mut problems = Vec::new();
        for (path, listed) in index::files(folder)? {
            let (described, file_bytes) = header::read_header(&path)?;
            let described = match listed {
                Some(listed) => only_listed(&path, described, &listed)?,
                None => described,
            };
            model.add_shard(path, file_bytes, described, &config, &mut problems)?;
        }
        if !config.is_tied && !model.tensors.iter().any(|t| t.name == "output.weight") {
            problems.push(missing("output.weight"));
        }
        problems.extend(model.check_tensors()?);
        Ok((model, problems))
    }

    fn add_shard(
        &mut self,
        path: PathBuf,
        file_bytes: u64,
        described: Vec<HeaderTensor>,
        config: &Config,
        problems: &mut Vec<TensorProblem>,
    ) -> Result<()> {
        let shard = self.shards.len();
        let file = json::file_name(&path);
        self.shards.push(Shard { path, file_bytes });
        for tensor in described {
            match role_of(self.architecture, &tensor.name) {
                // Of no use beside an embedding that is used twice.
                Role::Tensor(name) if config.is_tied && name == "output.weight" => {}
                Role::Tensor(name) => {
                    let stored = stored_tensor(&file, name, tensor, shard, config.is_packed)?;
                    self.tensors.push(stored);
                }
                Role::Unused => {}
                Role::Unknown => problems.push(TensorProblem {
                    tensor: label(&tensor.name),
                    flaw: Flaw::Name,
                    reason: format!("{} models have no such tensor", self.architecture),
                }),
            }
        }
        if self.tensors.len() > header::MAX_TENSORS {
            let reason = format!("the model has more than {} tensors", header::MAX_TENSORS);
            return Err(malformed(&file, "header", reason));
        }
        Ok(())
    }

    fn check_tensors(&self) -> Result<Vec<TensorProblem>> {
        let mut names = HashSet::new();
        if let Some(twice) = self
            .tensors
            .iter()
            .find(|tensor| !names.insert(&tensor.name))
        {
            let file = json::file_name(&self.shards[twice.shard].path);
            let field = format!("name of tensor {}", twice.stored_name);
            return Err(malformed(&file, &field, "is there twice"));
        }
        let lengths: Vec<_> = self.computed.iter().map(|c| [c.values.len()]).collect();
        let computed = self.computed.iter().map(|computed| computed.name);
        let computed = computed.zip(lengths.iter().map(|length| &length[..]));
        let stored = self.tensors.iter();
        let stored = stored.map(|tensor| (tensor.name.as_str(), &tensor.dims[..]));
        let packed = self.tensors.iter().filter(|tensor| tensor.is_packed);
        let scales = packed.map(|tensor| tensor.name.replace(".weight", ".scale"));
        let without_scale = scales.filter(|scale| !names.contains(scale));
        let mut problems: Vec<_> = without_scale.map(|scale| missing(&scale)).collect();
        problems.extend(check_tensors(
            self.architecture,
            &self.metadata,
            computed.chain(stored),
        )?);
        Ok(problems)
    }

    /// The problem as an error that names the file, and the tensor as the file has it.
    pub(crate) fn error_of(&self, problem: &TensorProblem) -> Error {
        let stored = self
            .tensors
            .iter()
            .find(|tensor| tensor.name == problem.tensor);
        let (file, mut problem) = match stored {
            Some(tensor) => (
                json::file_name(&self.shards[tensor.shard].path),
                problem.clone(),
            ),
            None if self.computed.iter().any(|c| c.name == problem.tensor) => {
                (fields::CONFIG.to_owned(), problem.clone())
            }
            None => (self.folder.display().to_string(), problem.clone()),
        };
        if let Some(tensor) = stored {
            problem.tensor.clone_from(&tensor.stored_name);
        }
        malformed(&file, &problem.field(), problem.reason)
    }

    /// The folder, which also holds the tokenizer and the chat template.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// GGUF's name of the architecture.
    pub fn architecture(&self) -> &str {
        self.architecture
    }

    /// What `config.json` says, under GGUF's keys; see [`Config::metadata`] for Wick's own.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The files of weights.
    pub fn shards(&self) -> &[Shard] {
        &self.shards
    }

    /// The tensors in the files.
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }

    /// The tensors that are not in the files.
    pub fn computed(&self) -> &[ComputedTensor] {
        &self.computed
    }

    /// Length of all files of weights when they were checked.
    pub fn file_bytes(&self) -> u64 {
        self.shards.iter().map(|shard| shard.file_bytes).sum()
    }

    /// Reads a tensor as its `tensor_type` has it: what a packed matrix needs, and others can be mapped instead.
    pub fn tensor_bytes(&self, tensor: &StoredTensor) -> Result<Vec<u8>> {
        let path = &self.shards[tensor.shard].path;
        let length = (tensor.range.end - tensor.range.start) as usize;
        let read = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(tensor.range.start))?;
            let mut bytes = vec![0; length];
            file.read_exact(&mut bytes).map(|()| bytes)
        };
        let bytes = read().map_err(|error| Error::read(path, &error))?;
        Ok(match (tensor.is_packed, &tensor.dims[..]) {
            (true, &[columns, rows]) => ternary::to_tq2_0(&bytes, rows, columns),
            _ => bytes,
        })
    }
}

impl StoredTensor {
    /// Bytes it takes as its `tensor_type` has it.
    pub fn bytes(&self) -> u64 {
        let elements: u64 = self.dims.iter().map(|dim| *dim as u64).product();
        elements / self.tensor_type.block_size() * self.tensor_type.block_bytes()
    }
}

/// The JSON object in one of the folder's smaller files.
pub(crate) fn read_object(path: &Path) -> Result<Map<String, Value>> {
    const MAX_BYTES: u64 = 16 << 20;
    const MAX_VALUES: usize = 1 << 20;
    let bytes = json::read(path, MAX_BYTES)?;
    json::parse_object(&json::file_name(path), &bytes, MAX_VALUES)
}

fn missing(tensor: &str) -> TensorProblem {
    TensorProblem {
        tensor: tensor.to_owned(),
        flaw: Flaw::Missing,
        reason: "is missing".to_owned(),
    }
}

/// The tensors that the index gives to the file; it must have all of them.
fn only_listed(
    path: &Path,
    described: Vec<HeaderTensor>,
    listed: &[String],
) -> Result<Vec<HeaderTensor>> {
    let mut by_name: HashMap<String, HeaderTensor> = described
        .into_iter()
        .map(|tensor| (tensor.name.clone(), tensor))
        .collect();
    let take = |name: &String| {
        by_name.remove(name).ok_or_else(|| {
            let field = format!("tensor {name}");
            malformed(
                &json::file_name(path),
                &field,
                "is missing, and the index says it is here",
            )
        })
    };
    listed.iter().map(take).collect()
}

/// The tensor in GGUF's words.
fn stored_tensor(
    file: &str,
    name: String,
    tensor: HeaderTensor,
    shard: usize,
    may_be_packed: bool,
) -> Result<StoredTensor> {
    let wrong = |reason: String| malformed(file, &format!("shape of {}", tensor.name), reason);
    if !(1..=4).contains(&tensor.shape.len()) {
        let reason = format!("has {} dimensions; must be 1 to 4", tensor.shape.len());
        return Err(wrong(reason));
    }
    if let Some(dim) = tensor
        .shape
        .iter()
        .find(|dim| !(1..=MAX_DIMENSION).contains(*dim))
    {
        return Err(wrong(format!("has {dim}; must be 1 to {MAX_DIMENSION}")));
    }
    let mut dims: Vec<usize> = tensor.shape.iter().rev().map(|dim| *dim as usize).collect();
    let is_packed = may_be_packed && tensor.dtype == Dtype::U8 && dims.len() == 2;
    let tensor_type = match tensor.dtype {
        Dtype::F16 => TensorType::F16,
        Dtype::Bf16 => TensorType::Bf16,
        Dtype::F32 => TensorType::F32,
        Dtype::U8 if is_packed => {
            let block = TensorType::Tq2_0.block_size() as usize;
            if !dims[0].is_multiple_of(block) {
                let reason = format!("has rows of {}; must be a multiple of {block}", dims[0]);
                return Err(wrong(reason));
            }
            dims[1] *= 4;
            TensorType::Tq2_0
        }
        other => {
            return Err(Error::UnsupportedTensorType {
                tensor: label(&tensor.name),
                tensor_type: other.name().to_owned(),
            });
        }
    };
    Ok(StoredTensor {
        name,
        dims,
        tensor_type,
        shard,
        range: tensor.range,
        is_packed,
        stored_name: tensor.name,
    })
}
