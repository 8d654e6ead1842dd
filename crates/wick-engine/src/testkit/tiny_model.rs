//! A whole model of two small layers: it loads and answers like a real one, and says nothing of sense.

use candle_core::{Device, Tensor, quantized::QTensor};

use super::GgufWriter;
use crate::{Result, gguf::TensorType};

const LAYERS: usize = 2;
const EMBEDDING: usize = 64;
const FEED_FORWARD: usize = 128;
const HEADS: usize = 4;
const KV_HEADS: usize = 2;

const CHATML: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + \
    message['content'] + '<|im_end|>' + '\n' }}{% endfor %}\
    {% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// Pairs that the vocabulary joins, best first.
const MERGES: &str = "t h|h e|i n|e r|a n|r e|o n|a t|e n|n d|t i|e s|o r|t e|o f|e d|i s|i t|a l|a r|s t|t o|n t|\
    n g|s e|h a|a s|o u|i o|l e|v e|c o|m e|d e|h i|r i|r o|i c|th e|in g|an d";

const CONTROL: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// Describes a tiny model of `llama`, `qwen2` or `qwen3` (other names give a file that only looks like one): weights
/// from a fixed sequence of pseudo-random numbers, a vocabulary of 300 byte-level tokens, and ChatML. It writes
/// printable ASCII only and never ends its turn by itself while the most likely token is taken.
pub fn tiny_model(architecture: &str) -> TinyModel {
    TinyModel {
        architecture: architecture.into(),
        context_length: 512,
        stored_as: TensorType::F32,
        rounded_to: None,
        damaged: false,
    }
}

/// A tiny model about to be written.
#[derive(Debug, Clone)]
pub struct TinyModel {
    architecture: String,
    context_length: u32,
    stored_as: TensorType,
    rounded_to: Option<TensorType>,
    damaged: bool,
}

impl TinyModel {
    /// Tokens of context the model claims to be trained for; 512 where this is not said.
    pub fn context_length(mut self, tokens: u32) -> Self {
        self.context_length = tokens;
        self
    }

    /// Stores the matrices quantized: a type that candle writes, of blocks of at most 32 weights.
    pub fn stored_as(mut self, tensor_type: TensorType) -> Self {
        self.stored_as = tensor_type;
        self
    }

    /// Gives the matrices the values they would have if they were stored as this type.
    pub fn rounded_to(mut self, tensor_type: TensorType) -> Self {
        self.rounded_to = Some(tensor_type);
        self
    }

    /// Puts weights that are no numbers into the first layer.
    pub fn damaged(mut self) -> Self {
        self.damaged = true;
        self
    }

    /// The file, to which more can be added. Fails where candle cannot quantize.
    pub fn writer(&self) -> Result<GgufWriter> {
        let mut writer = GgufWriter::new();
        self.put_parameters(&mut writer);
        put_tokenizer(&mut writer);
        self.put_tensors(&mut writer)?;
        Ok(writer)
    }

    /// Length of a head. Qwen 3 has wider ones than an even share of the embedding.
    fn head_length(&self) -> usize {
        match self.architecture.as_str() {
            "qwen3" => 32,
            _ => EMBEDDING / HEADS,
        }
    }

    fn put_parameters(&self, writer: &mut GgufWriter) {
        let key = |suffix: &str| format!("{}.{suffix}", self.architecture);
        writer
            .string("general.architecture", &self.architecture)
            .string("general.name", "Tiny")
            .u32(&key("context_length"), self.context_length)
            .f32(&key("rope.freq_base"), 10_000.0)
            .f32(&key("attention.layer_norm_rms_epsilon"), 1e-5);
        for (suffix, value) in [
            ("block_count", LAYERS),
            ("embedding_length", EMBEDDING),
            ("feed_forward_length", FEED_FORWARD),
            ("attention.head_count", HEADS),
            ("attention.head_count_kv", KV_HEADS),
            ("attention.key_length", self.head_length()),
            ("attention.value_length", self.head_length()),
            ("rope.dimension_count", self.head_length()),
        ] {
            writer.u32(&key(suffix), value as u32);
        }
    }

    fn put_tensors(&self, writer: &mut GgufWriter) -> Result<()> {
        let mut random = Random(0x5DEECE66D);
        let tokens = vocabulary();
        let (queries, keys) = (HEADS * self.head_length(), KV_HEADS * self.head_length());
        let embedding = random.weights(EMBEDDING * tokens.len(), 1.7);
        self.put_matrix(writer, "token_embd.weight", EMBEDDING, &embedding)?;
        for layer in 0..LAYERS {
            let name = |part: &str| format!("blk.{layer}.{part}");
            for norm in ["attn_norm.weight", "ffn_norm.weight"] {
                let mut weights = random.norm(EMBEDDING);
                if self.damaged && layer == 0 {
                    weights.fill(f32::NAN);
                }
                put_vector(writer, &name(norm), &weights);
            }
            for (part, inputs, outputs) in [
                ("attn_q.weight", EMBEDDING, queries),
                ("attn_k.weight", EMBEDDING, keys),
                ("attn_v.weight", EMBEDDING, keys),
                ("attn_output.weight", queries, EMBEDDING),
                ("ffn_gate.weight", EMBEDDING, FEED_FORWARD),
                ("ffn_up.weight", EMBEDDING, FEED_FORWARD),
                ("ffn_down.weight", FEED_FORWARD, EMBEDDING),
            ] {
                let reach = (6.0 / inputs as f32).sqrt();
                let weights = random.weights(inputs * outputs, reach);
                self.put_matrix(writer, &name(part), inputs, &weights)?;
            }
            match self.architecture.as_str() {
                "qwen2" => {
                    for (part, count) in [("q", queries), ("k", keys), ("v", keys)] {
                        let bias = random.weights(count, 0.5);
                        put_vector(writer, &name(&format!("attn_{part}.bias")), &bias);
                    }
                }
                "qwen3" => {
                    for part in ["attn_q_norm.weight", "attn_k_norm.weight"] {
                        put_vector(writer, &name(part), &random.norm(self.head_length()));
                    }
                }
                _ => {}
            }
        }
        put_vector(writer, "output_norm.weight", &random.norm(EMBEDDING));
        let mut output = random.weights(EMBEDDING * tokens.len(), 0.5);
        for (row, token) in output.chunks_mut(EMBEDDING).zip(&tokens) {
            let printable = token.chars().all(|c| c.is_ascii_graphic());
            if !printable || CONTROL.contains(&token.as_str()) {
                row.fill(0.0);
            }
        }
        self.put_matrix(writer, "output.weight", EMBEDDING, &output)
    }

    fn put_matrix(
        &self,
        writer: &mut GgufWriter,
        name: &str,
        inputs: usize,
        weights: &[f32],
    ) -> Result<()> {
        let outputs = weights.len() / inputs;
        let mut matrix = Tensor::from_slice(weights, (outputs, inputs), &Device::Cpu)?;
        if let Some(dtype) = self.rounded_to.and_then(TensorType::to_candle) {
            matrix = QTensor::quantize(&matrix, dtype)?.dequantize(&Device::Cpu)?;
        }
        let dtype = self.stored_as.to_candle().ok_or_else(|| {
            let reason = format!("candle does not write {}", self.stored_as);
            crate::Error::Compute { reason }
        })?;
        let stored = QTensor::quantize(&matrix, dtype)?;
        writer.tensor(name, &[inputs, outputs], self.stored_as, &stored.data()?);
        Ok(())
    }
}

fn put_vector(writer: &mut GgufWriter, name: &str, weights: &[f32]) {
    let bytes: Vec<u8> = weights.iter().flat_map(|w| w.to_le_bytes()).collect();
    writer.tensor(name, &[weights.len()], TensorType::F32, &bytes);
}

fn put_tokenizer(writer: &mut GgufWriter) {
    let tokens = vocabulary();
    let merges: Vec<String> = MERGES.split('|').map(str::to_owned).collect();
    let (normal, control) = (tokens.len() - CONTROL.len(), CONTROL.len());
    let types = [vec![1; normal], vec![3; control]].concat();
    writer
        .string("tokenizer.ggml.model", "gpt2")
        .string("tokenizer.ggml.pre", "gpt-2")
        .strings("tokenizer.ggml.tokens", &tokens)
        .i32s("tokenizer.ggml.token_type", &types)
        .strings("tokenizer.ggml.merges", &merges)
        .u32("tokenizer.ggml.bos_token_id", normal as u32)
        .u32("tokenizer.ggml.eos_token_id", normal as u32 + 2)
        .bool("tokenizer.ggml.add_bos_token", false)
        .string("tokenizer.chat_template", CHATML);
}

/// The 256 bytes in the alphabet of byte-level vocabularies, the merged pairs, the control tokens.
fn vocabulary() -> Vec<String> {
    let bytes = ('!'..='~')
        .chain('\u{A1}'..='\u{AC}')
        .chain('\u{AE}'..='\u{143}');
    bytes
        .map(String::from)
        .chain(MERGES.split('|').map(|pair| pair.replace(' ', "")))
        .chain(CONTROL.map(str::to_owned))
        .collect()
}

/// A linear congruential generator: the same numbers everywhere.
struct Random(u64);

impl Random {
    /// From -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// From `-reach` to `reach`.
    fn weights(&mut self, count: usize, reach: f32) -> Vec<f32> {
        (0..count).map(|_| self.next() * reach).collect()
    }

    /// Around 1.
    fn norm(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| 1.0 + self.next() * 0.2).collect()
    }
}
