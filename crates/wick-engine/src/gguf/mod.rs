//! Reads the header of a GGUF file by strict rules. What comes out is a [`ValidatedGguf`]: every count,
//! length, offset and shape in it has been checked against the format, the file and each other, so the
//! parts that compute may rely on them. Model files come from strangers; nothing in one is believed.

mod metadata;
mod tensor_type;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fs::File,
    io::{BufReader, ErrorKind, Read},
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use candle_core::quantized::gguf_file::{Content, TensorInfo as CandleTensorInfo, VersionedMagic};

pub use metadata::Metadata;
pub use tensor_type::TensorType;

use crate::{
    Error, Result,
    process::protocol::{LoadOptions, ModelInfo},
};

/// Longest header: ten times the largest seen.
const MAX_HEADER_BYTES: u64 = 256 << 20;
/// Most keys, and most tensors.
const MAX_COUNT: u64 = 65_536;
/// Longest name of a tensor; llama.cpp stops at 63.
const MAX_TENSOR_NAME_BYTES: u64 = 255;
/// Largest dimension of a tensor.
const MAX_DIMENSION: u64 = 1 << 31;
/// No file is longer; an offset past it is damage, not an unfinished download.
const MAX_FILE_BYTES: u64 = 1 << 44;
/// Longest name of a model, in characters.
const MAX_MODEL_NAME: usize = 200;

/// Where one tensor lies, and what it holds.
#[derive(Debug, Clone)]
pub struct TensorInfo {
    /// Its name.
    pub name: String,
    /// Its dimensions, 1 to 4 of them, the fastest varying first (candle's are the other way round).
    pub dims: Vec<usize>,
    /// How its weights are stored.
    pub tensor_type: TensorType,
    /// Where it starts, from the start of the file's tensor data.
    pub offset: u64,
    /// How many bytes it takes.
    pub bytes: u64,
    /// Where the header describes it.
    described_at: u64,
}

impl TensorInfo {
    /// How many weights it holds.
    pub fn elements(&self) -> u64 {
        self.dims.iter().map(|dim| *dim as u64).product()
    }
}

/// A GGUF file whose header has passed every rule. Only [`ValidatedGguf::open`] makes one.
#[derive(Debug, Clone)]
pub struct ValidatedGguf {
    path: PathBuf,
    version: u32,
    file_bytes: u64,
    data_offset: u64,
    architecture: String,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
}

impl ValidatedGguf {
    /// Reads and checks the header of the file; its weights are not read.
    pub fn open(path: &Path) -> Result<Self> {
        let read_error = |error| Error::read(path, &error);
        // Asked before opening: opening a pipe would wait for its other end.
        let is_file = std::fs::metadata(path).map_err(read_error)?.is_file();
        let file = File::open(path).map_err(read_error)?;
        let found = file.metadata().map_err(read_error)?;
        if !is_file || !found.is_file() {
            return Err(Error::Read {
                path: path.display().to_string(),
                reason: "it is not a file".to_owned(),
            });
        }
        let length = found.len();
        let reader = Reader {
            inner: BufReader::with_capacity(256 << 10, file),
            path,
            position: 0,
            length,
        };
        Self::read(reader)
    }

    fn read(mut reader: Reader<'_, impl Read>) -> Result<Self> {
        let magic = reader.start()?;
        if !magic.starts_with(b"GGUF") {
            return Err(Error::NotGguf {
                path: reader.path.display().to_string(),
                found: describe_start(&magic),
            });
        }
        let version = reader.u32()?;
        if !matches!(version, 2 | 3) {
            return Err(Error::UnsupportedVersion { version });
        }
        let tensor_count = reader.count("tensor_count")?;
        let metadata_count = reader.count("metadata_kv_count")?;
        let metadata = Metadata::read(&mut reader, metadata_count)?;
        let alignment = metadata.alignment()?;
        let tensors = read_tensors(&mut reader, tensor_count, alignment)?;
        let header_end = reader.position;
        let data_offset = header_end.next_multiple_of(alignment);
        check_ranges(&tensors, data_offset, reader.length)?;

        let architecture = metadata
            .str("general.architecture")?
            .ok_or_else(|| malformed(header_end, "general.architecture", "is missing"))?
            .to_owned();
        let named_well = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        if !(1..=64).contains(&architecture.len()) || !architecture.bytes().all(named_well) {
            return Err(metadata.malformed(
                "general.architecture",
                "must be 1 to 64 letters, digits, dots, dashes or underscores",
            ));
        }
        check_model(&architecture, &metadata, &tensors)?;
        Ok(Self {
            path: reader.path.to_owned(),
            version,
            file_bytes: reader.length,
            data_offset,
            architecture,
            metadata,
            tensors,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The keys and values of the header.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The tensors, as the header lists them.
    pub fn tensors(&self) -> &[TensorInfo] {
        &self.tensors
    }

    /// `general.architecture`.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Where the tensor data starts in the file.
    pub fn data_offset(&self) -> u64 {
        self.data_offset
    }

    /// Length of the file when it was checked.
    pub fn file_bytes(&self) -> u64 {
        self.file_bytes
    }

    /// The same header as candle's loaders take it. Refuses tensor types that candle cannot load.
    pub fn to_candle(&self) -> Result<Content> {
        let tensor_infos =
            self.tensors
                .iter()
                .map(|tensor| {
                    let ggml_dtype = tensor.tensor_type.to_candle().ok_or_else(|| {
                        Error::UnsupportedTensorType {
                            tensor: label(&tensor.name),
                            tensor_type: tensor.tensor_type.name().to_owned(),
                        }
                    })?;
                    let shape: Vec<usize> = tensor.dims.iter().rev().copied().collect();
                    let info = CandleTensorInfo {
                        ggml_dtype,
                        shape: shape.into(),
                        offset: tensor.offset,
                    };
                    Ok((tensor.name.clone(), info))
                })
                .collect::<Result<HashMap<_, _>>>()?;
        Ok(Content {
            magic: match self.version {
                2 => VersionedMagic::GgufV2,
                _ => VersionedMagic::GgufV3,
            },
            metadata: self.metadata.to_candle(),
            tensor_infos,
            tensor_data_offset: self.data_offset,
        })
    }

    /// The model as a person wants to see it. `name` is empty where the file gives none.
    pub fn model_info(&self) -> Result<ModelInfo> {
        let metadata = &self.metadata;
        let context_key = format!("{}.context_length", self.architecture);
        let trained_context_length = metadata
            .u32(&context_key)?
            .ok_or_else(|| malformed(self.data_offset, context_key, "is missing"))?;
        let quantization = match metadata
            .u32("general.file_type")?
            .and_then(tensor_type::file_type_name)
        {
            Some(name) => name,
            None => {
                let mut bytes = BTreeMap::<TensorType, u64>::new();
                for tensor in &self.tensors {
                    *bytes.entry(tensor.tensor_type).or_default() += tensor.bytes;
                }
                let most = bytes.into_iter().max_by_key(|(_, bytes)| *bytes);
                most.map_or("unknown", |(tensor_type, _)| tensor_type.name())
            }
        };
        Ok(ModelInfo {
            name: clean_name(metadata.str("general.name")?.unwrap_or_default()),
            architecture: self.architecture.clone(),
            quantization: quantization.to_owned(),
            parameters: self.tensors.iter().map(TensorInfo::elements).sum(),
            trained_context_length,
            context_length: trained_context_length.min(LoadOptions::DEFAULT_CONTEXT_LENGTH),
            has_chat_template: metadata.str("tokenizer.chat_template")?.is_some(),
        })
    }
}

/// A name fit to be shown: one line, no characters that hide or reorder others, not too long.
fn clean_name(name: &str) -> String {
    let hidden = |c: &char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
    };
    let name: String = name
        .chars()
        .filter(|c| !hidden(c))
        .take(MAX_MODEL_NAME)
        .collect();
    name.trim().to_owned()
}

/// A key or name from the file, fit for an error message.
fn label(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut label: String = name
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '\u{FFFD}' } else { c })
        .collect();
    if name.chars().nth(LONGEST).is_some() {
        label.push('…');
    }
    label
}

fn malformed(offset: u64, field: impl Into<String>, reason: impl Into<String>) -> Error {
    Error::Malformed {
        offset,
        field: field.into(),
        reason: reason.into(),
    }
}

/// Reads little-endian values and knows where it is. Before anything is allocated, its size is compared
/// with what the file still has.
struct Reader<'a, R> {
    inner: R,
    path: &'a Path,
    position: u64,
    length: u64,
}

impl<R: Read> Reader<'_, R> {
    fn position(&self) -> u64 {
        self.position
    }

    /// Bytes a header may still take.
    fn header_left(&self) -> u64 {
        MAX_HEADER_BYTES.saturating_sub(self.position)
    }

    /// Fails if the file or the header cannot have this many more bytes.
    fn require(&self, bytes: u64) -> Result<()> {
        if bytes > self.header_left() {
            return Err(malformed(self.position, "header", "is longer than 256 MiB"));
        }
        let needed = self.position + bytes;
        if needed > self.length {
            return Err(Error::Truncated {
                needed,
                actual: self.length,
            });
        }
        Ok(())
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Result<()> {
        self.require(buffer.len() as u64)?;
        self.inner.read_exact(buffer).map_err(|error| {
            if error.kind() == ErrorKind::UnexpectedEof {
                // The file became shorter while it was read.
                Error::Truncated {
                    needed: self.length,
                    actual: self.position,
                }
            } else {
                Error::read(self.path, &error)
            }
        })?;
        self.position += buffer.len() as u64;
        Ok(())
    }

    /// The magic number; where it is not GGUF's, up to 512 bytes to tell what the file is instead.
    fn start(&mut self) -> Result<Vec<u8>> {
        let mut start = vec![0; self.length.min(4) as usize];
        self.fill(&mut start)?;
        if start == b"GGUF" {
            return Ok(start);
        }
        if !start.is_empty() && b"GGUF".starts_with(&start) {
            return Err(Error::Truncated {
                needed: 24,
                actual: self.length,
            });
        }
        start.resize(self.length.min(512) as usize, 0);
        let read = start.len().min(4);
        self.fill(&mut start[read..])?;
        Ok(start)
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        self.require(count as u64)?;
        let mut bytes = vec![0; count];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32> {
        let mut bytes = [0; 4];
        self.fill(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Result<u64> {
        let mut bytes = [0; 8];
        self.fill(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn count(&mut self, field: &str) -> Result<u64> {
        let offset = self.position;
        let count = self.u64()?;
        if count > MAX_COUNT {
            let reason = format!("is {count}; at most {MAX_COUNT} are allowed");
            return Err(malformed(offset, field, reason));
        }
        Ok(count)
    }

    fn string(&mut self, field: &str, longest: u64) -> Result<String> {
        let offset = self.position;
        self.string_in(longest)
            .map_err(|error| error.unwrap_or_else(|reason| malformed(offset, field, reason)))
    }

    /// A string; the error is `Err(reason)` where the string itself breaks a rule, so that a caller that
    /// reads many puts names together only for the one that fails.
    fn string_in(&mut self, longest: u64) -> Result<String, Result<Error, String>> {
        let length = self.u64().map_err(Ok)?;
        if length > longest {
            return Err(Err(format!(
                "has a length of {length} bytes; at most {longest} are allowed"
            )));
        }
        let bytes = self.bytes(length as usize).map_err(Ok)?;
        String::from_utf8(bytes).map_err(|_| Err("is not valid UTF-8".to_owned()))
    }
}

fn read_tensors(
    reader: &mut Reader<impl Read>,
    count: u64,
    alignment: u64,
) -> Result<Vec<TensorInfo>> {
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for index in 0..count {
        let described_at = reader.position;
        let name = reader.string(&format!("name of tensor {index}"), MAX_TENSOR_NAME_BYTES)?;
        if name.is_empty() {
            let field = format!("name of tensor {index}");
            return Err(malformed(described_at, field, "is empty"));
        }
        let field = |part: &str| format!("{part} of tensor {}", label(&name));
        if !names.insert(name.clone()) {
            return Err(malformed(described_at, field("name"), "is there twice"));
        }
        let at = reader.position;
        let rank = reader.u32()?;
        if !(1..=4).contains(&rank) {
            let reason = format!("is {rank}; must be 1 to 4");
            return Err(malformed(at, field("n_dims"), reason));
        }
        let dims_at = reader.position;
        let mut dims = Vec::with_capacity(rank as usize);
        for axis in 0..rank {
            let at = reader.position;
            let dim = reader.u64()?;
            if !(1..=MAX_DIMENSION).contains(&dim) {
                let reason = format!("is {dim}; must be 1 to {MAX_DIMENSION}");
                return Err(malformed(at, field(&format!("dims[{axis}]")), reason));
            }
            dims.push(dim);
        }
        let at = reader.position;
        let id = reader.u32()?;
        let Some(tensor_type) = TensorType::from_id(id) else {
            if id > 255 {
                return Err(malformed(
                    at,
                    field("type"),
                    format!("is {id}; no such type"),
                ));
            }
            return Err(Error::UnsupportedTensorType {
                tensor: label(&name),
                tensor_type: format!("number {id}"),
            });
        };
        let block = tensor_type.block_size();
        if dims[0] % block != 0 {
            let reason = format!("is {}; {tensor_type} needs a multiple of {block}", dims[0]);
            return Err(malformed(dims_at, field("dims[0]"), reason));
        }
        let bytes = dims
            .iter()
            .try_fold(1u64, |product, dim| product.checked_mul(*dim))
            .and_then(|elements| (elements / block).checked_mul(tensor_type.block_bytes()))
            .filter(|bytes| *bytes <= MAX_FILE_BYTES)
            .ok_or_else(|| malformed(dims_at, field("dims"), "the tensor is impossibly large"))?;
        let at = reader.position;
        let offset = reader.u64()?;
        if offset % alignment != 0 {
            let reason = format!("is {offset}; must be a multiple of {alignment}");
            return Err(malformed(at, field("offset"), reason));
        }
        if offset > MAX_FILE_BYTES {
            let reason = format!("is {offset}; no file is that long");
            return Err(malformed(at, field("offset"), reason));
        }
        tensors.push(TensorInfo {
            dims: dims.iter().map(|dim| *dim as usize).collect(),
            name,
            tensor_type,
            offset,
            bytes,
            described_at,
        });
    }
    Ok(tensors)
}

/// No two tensors share a byte, and all lie in the file.
fn check_ranges(tensors: &[TensorInfo], data_offset: u64, length: u64) -> Result<()> {
    let mut sorted: Vec<&TensorInfo> = tensors.iter().collect();
    sorted.sort_by_key(|tensor| tensor.offset);
    for pair in sorted.windows(2) {
        if let [before, after] = pair
            && after.offset < before.offset + before.bytes
        {
            let field = format!("offset of tensor {}", label(&after.name));
            let reason = format!(
                "is {}; tensor {} ends at {}",
                after.offset,
                label(&before.name),
                before.offset + before.bytes
            );
            return Err(malformed(after.described_at, field, reason));
        }
    }
    if let Some(last) = sorted.last() {
        let needed = data_offset + last.offset + last.bytes;
        if needed > length {
            return Err(Error::Truncated {
                needed,
                actual: length,
            });
        }
    }
    Ok(())
}

/// Architectures whose layers have the plain shapes that [`check_shapes`] knows.
const PLAIN: [&str; 7] = [
    "llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "smollm3",
];

/// The numbers that shape a model, where the file gives one number for all layers.
#[derive(Default)]
struct Sizes {
    layers: Option<u32>,
    embedding: Option<u32>,
    feed_forward: Option<u32>,
    heads: Option<u32>,
    kv_heads: Option<u32>,
    key_length: Option<u32>,
    value_length: Option<u32>,
}

/// Hyper-parameters within bounds, and in agreement with each other, the vocabulary and the tensors.
fn check_model(architecture: &str, metadata: &Metadata, tensors: &[TensorInfo]) -> Result<()> {
    let key = |suffix: &str| format!("{architecture}.{suffix}");
    let bounded = |suffix: &str, bounds: RangeInclusive<u32>| -> Result<Option<u32>> {
        let key = key(suffix);
        let check = |value: i64| {
            if (i64::from(*bounds.start())..=i64::from(*bounds.end())).contains(&value) {
                return Ok(());
            }
            let (from, to) = bounds.clone().into_inner();
            Err(metadata.malformed(&key, format!("is {value}; must be {from} to {to}")))
        };
        if metadata.is_array(&key) {
            // One number a layer, as a few architectures have it.
            for value in metadata.i32s(&key)?.into_iter().flatten() {
                check(i64::from(value))?;
            }
            return Ok(None);
        }
        let value = metadata.u32(&key)?;
        value.map_or(Ok(()), |value| check(i64::from(value)))?;
        Ok(value)
    };

    if let Some(parts) = metadata.u32("split.count")?
        && parts > 1
    {
        let reason =
            format!("the model is split over {parts} files; Wick reads models of one file");
        return Err(metadata.malformed("split.count", reason));
    }

    // Models without attention say 0.
    let recurrent = architecture.starts_with("mamba") || architecture.starts_with("rwkv");
    let least = u32::from(!recurrent);
    bounded("context_length", 1..=1 << 27)?;
    let sizes = Sizes {
        layers: bounded("block_count", 1..=512)?,
        embedding: bounded("embedding_length", 1..=1 << 20)?,
        feed_forward: bounded("feed_forward_length", least..=1 << 20)?,
        heads: bounded("attention.head_count", least..=4096)?,
        kv_heads: bounded("attention.head_count_kv", least..=4096)?,
        key_length: bounded("attention.key_length", 1..=1 << 16)?,
        value_length: bounded("attention.value_length", 1..=1 << 16)?,
    };
    let rope = bounded("rope.dimension_count", 1..=1 << 16)?;
    let vocabulary = bounded("vocab_size", 1..=1 << 24)?;
    let experts = bounded("expert_count", 0..=4096)?;
    let used_experts = bounded("expert_used_count", 0..=4096)?;
    for (suffix, least, most) in [
        ("rope.freq_base", 1.0, 1e12),
        ("attention.layer_norm_rms_epsilon", 0.0, 1.0),
        ("attention.layer_norm_epsilon", 0.0, 1.0),
    ] {
        let key = key(suffix);
        if let Some(value) = metadata.f32(&key)?
            && !(least..=most).contains(&value)
        {
            let reason = format!("is {value}; must be {least} to {most}");
            return Err(metadata.malformed(&key, reason));
        }
    }
    if let (Some(experts), Some(used)) = (experts, used_experts)
        && used > experts
    {
        let reason = format!("is {used}, more than the {experts} experts there are");
        return Err(metadata.malformed(&key("expert_used_count"), reason));
    }
    if let (Some(heads @ 1..), Some(kv_heads @ 1..)) = (sizes.heads, sizes.kv_heads)
        && heads % kv_heads != 0
    {
        let reason = format!("is {kv_heads}, which does not divide the {heads} heads");
        return Err(metadata.malformed(&key("attention.head_count_kv"), reason));
    }
    if let (Some(embedding), Some(heads @ 1..), None) =
        (sizes.embedding, sizes.heads, sizes.key_length)
        && embedding % heads != 0
    {
        let reason = format!("is {heads}, which does not divide the embedding length {embedding}");
        return Err(metadata.malformed(&key("attention.head_count"), reason));
    }

    const TOKENS: &str = "tokenizer.ggml.tokens";
    let tokens = metadata.strings(TOKENS)?.map(<[String]>::len);
    if let Some(tokens) = tokens {
        if tokens == 0 {
            return Err(metadata.malformed(TOKENS, "is empty"));
        }
        let scores = metadata.f32s("tokenizer.ggml.scores")?.map(<[f32]>::len);
        let kinds = metadata.i32s("tokenizer.ggml.token_type")?.map(|t| t.len());
        for (name, found) in [
            ("tokenizer.ggml.scores", scores),
            ("tokenizer.ggml.token_type", kinds),
            (key("vocab_size").as_str(), vocabulary.map(|v| v as usize)),
        ] {
            let what = if name.starts_with("tokenizer") {
                "has a length of"
            } else {
                "is"
            };
            if let Some(found) = found
                && found != tokens
            {
                let reason = format!("{what} {found}; there are {tokens} tokens");
                return Err(metadata.malformed(name, reason));
            }
        }
    }
    let head_length = sizes.head_length();
    if PLAIN.contains(&architecture)
        && let (Some(rope), Some(head_length)) = (rope, head_length)
        && (rope > head_length || rope % 2 != 0)
    {
        let reason =
            format!("is {rope}; must be even and at most {head_length}, the length of a head");
        return Err(metadata.malformed(&key("rope.dimension_count"), reason));
    }
    check_shapes(architecture, &sizes, tokens, tensors)
}

impl Sizes {
    fn head_length(&self) -> Option<u32> {
        match (self.key_length, self.embedding, self.heads) {
            (Some(length), _, _) => Some(length),
            (None, Some(embedding), Some(heads @ 1..)) => Some(embedding / heads),
            _ => None,
        }
    }
}

/// The shapes that follow from the hyper-parameters.
fn check_shapes(
    architecture: &str,
    sizes: &Sizes,
    tokens: Option<usize>,
    tensors: &[TensorInfo],
) -> Result<()> {
    let plain = PLAIN.contains(&architecture);
    let size = |size: Option<u32>| size.map(|size| size as usize);
    let times = |a: Option<u32>, b: Option<u32>| Some(a? as usize * b? as usize);
    let key = sizes.head_length();
    let value = sizes.value_length.or(key);
    let kv_heads = sizes.kv_heads.or(sizes.heads);
    let embedding = size(sizes.embedding);
    let feed_forward = size(sizes.feed_forward);
    for tensor in tensors {
        let check = |expected: &[Option<usize>]| {
            let agrees = |(axis, size): (usize, &Option<usize>)| {
                size.is_none_or(|size| tensor.dims.get(axis) == Some(&size))
            };
            if tensor.dims.len() == expected.len() && expected.iter().enumerate().all(agrees) {
                return Ok(());
            }
            let expected: Vec<String> = expected
                .iter()
                .map(|size| size.map_or("any".to_owned(), |size| size.to_string()))
                .collect();
            let field = format!("dims of tensor {}", label(&tensor.name));
            let reason = format!("are {:?}; must be [{}]", tensor.dims, expected.join(", "));
            Err(malformed(tensor.described_at, field, reason))
        };
        if tensor.name == "token_embd.weight" {
            check(&[embedding, tokens])?;
            continue;
        }
        let Some((layer, part)) = tensor
            .name
            .strip_prefix("blk.")
            .and_then(|rest| rest.split_once('.'))
        else {
            match tensor.name.as_str() {
                "output.weight" if plain => check(&[embedding, tokens])?,
                "output_norm.weight" if plain => check(&[embedding])?,
                _ => {}
            }
            continue;
        };
        let index: Option<u32> = layer.parse().ok();
        if index.is_none() || index.zip(sizes.layers).is_some_and(|(i, n)| i >= n) {
            let field = format!("name of tensor {}", label(&tensor.name));
            let reason = match sizes.layers {
                Some(layers) => format!("there are only {layers} layers"),
                None => "does not number its layer".to_owned(),
            };
            return Err(malformed(tensor.described_at, field, reason));
        }
        if !plain {
            continue;
        }
        match part {
            "attn_norm.weight" | "ffn_norm.weight" => check(&[embedding])?,
            "attn_q.weight" => check(&[embedding, times(sizes.heads, key)])?,
            "attn_k.weight" => check(&[embedding, times(kv_heads, key)])?,
            "attn_v.weight" => check(&[embedding, times(kv_heads, value)])?,
            "attn_q.bias" => check(&[times(sizes.heads, key)])?,
            "attn_k.bias" => check(&[times(kv_heads, key)])?,
            "attn_v.bias" => check(&[times(kv_heads, value)])?,
            "attn_q_norm.weight" | "attn_k_norm.weight" => check(&[size(key)])?,
            "attn_output.weight" => check(&[times(sizes.heads, value), embedding])?,
            "ffn_gate.weight" | "ffn_up.weight" => check(&[embedding, feed_forward])?,
            "ffn_down.weight" => check(&[feed_forward, embedding])?,
            _ => {}
        }
    }
    Ok(())
}

/// What a file that is not GGUF seems to be, from its first bytes.
fn describe_start(start: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 18] = [
        (b"FUGG", "FUGG: a big-endian GGUF file"),
        (b"lmgg", "the mark of a GGML legacy file, from before GGUF"),
        (b"fmgg", "the mark of a GGML legacy file, from before GGUF"),
        (b"tjgg", "the mark of a GGML legacy file, from before GGUF"),
        (b"PK\x03\x04", "the mark of a ZIP archive"),
        (b"\x1f\x8b", "the mark of a gzip archive"),
        (b"7z\xbc\xaf\x27\x1c", "the mark of a 7-Zip archive"),
        (b"Rar!", "the mark of a RAR archive"),
        (b"\x28\xb5\x2f\xfd", "the mark of a Zstandard archive"),
        (b"\x89HDF", "the mark of an HDF5 file"),
        (b"%PDF", "the mark of a PDF document"),
        (b"\x7fELF", "the mark of a program"),
        (b"MZ", "the mark of a Windows program"),
        (b"\x89PNG", "the mark of a picture"),
        (b"\xff\xd8\xff", "the mark of a picture"),
        (
            b"version https://git-lfs",
            "a Git LFS pointer: the model itself was not downloaded",
        ),
        (b"\x80\x02", "the mark of a PyTorch checkpoint"),
        (b"\x80\x04", "the mark of a PyTorch checkpoint"),
    ];
    if start.is_empty() {
        return "nothing: the file is empty".to_owned();
    }
    if start.starts_with(b"PK\x03\x04") && start.windows(8).any(|part| part == b"data.pkl") {
        return "the mark of a PyTorch checkpoint".to_owned();
    }
    if let Some((_, name)) = KNOWN.iter().find(|(mark, _)| start.starts_with(mark)) {
        return (*name).to_owned();
    }
    if start.get(8) == Some(&b'{') && start[4..8] == [0; 4] {
        return "the header of a safetensors file".to_owned();
    }
    if start.iter().all(|byte| *byte == 0) {
        return "zeros, as an unfinished download does".to_owned();
    }
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return "HTML: it is a web page".to_owned();
    }
    if lower.starts_with("<?xml") {
        return "XML".to_owned();
    }
    if lower.starts_with('{') || lower.starts_with("[{") {
        return "JSON".to_owned();
    }
    let head: String = text.chars().take(24).collect();
    let printable = |c: char| !c.is_control() && c != '\u{FFFD}' || c.is_whitespace();
    if !head.is_empty() && head.chars().all(printable) {
        return format!(
            "the text \"{}\"",
            head.split_whitespace().collect::<Vec<_>>().join(" ")
        );
    }
    let bytes: Vec<String> = start.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("the bytes {}", bytes.join(" "))
}
