//! Good model folders, and ways to spoil them.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use wick_engine::{Error, safetensors::ValidatedSafetensors};

/// Files by name.
#[derive(Clone, Default)]
pub struct Folder(pub BTreeMap<String, Vec<u8>>);

/// A safetensors file of the tensors: name, type, shape. The data are zeros.
pub fn safetensors(tensors: &[(&str, &str, &[u64])]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, dtype, shape) in tensors {
        let element = match *dtype {
            "U8" | "I8" | "F8_E4M3" => 1,
            "F32" | "I32" => 4,
            "I64" => 8,
            _ => 2,
        };
        let begin = end;
        end += element * shape.iter().product::<u64>();
        let described = json!({ "dtype": dtype, "shape": shape, "data_offsets": [begin, end] });
        header.insert((*name).to_owned(), described);
    }
    file(Value::Object(header).to_string().as_bytes(), end as usize)
}

/// A file with this header and so many bytes of data.
pub fn file(header: &[u8], data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header, &vec![0; data]].concat()
}

/// The tensors of a llama of one layer, 8 wide, with 2 heads of 4 and 3 tokens.
pub const TENSORS: [(&str, &str, &[u64]); 12] = [
    ("model.embed_tokens.weight", "BF16", &[3, 8]),
    ("model.norm.weight", "F32", &[8]),
    ("lm_head.weight", "F16", &[3, 8]),
    ("model.layers.0.input_layernorm.weight", "F32", &[8]),
    ("model.layers.0.self_attn.q_proj.weight", "BF16", &[8, 8]),
    ("model.layers.0.self_attn.k_proj.weight", "BF16", &[4, 8]),
    ("model.layers.0.self_attn.v_proj.weight", "BF16", &[4, 8]),
    ("model.layers.0.self_attn.o_proj.weight", "BF16", &[8, 8]),
    (
        "model.layers.0.post_attention_layernorm.weight",
        "F32",
        &[8],
    ),
    ("model.layers.0.mlp.gate_proj.weight", "BF16", &[16, 8]),
    ("model.layers.0.mlp.up_proj.weight", "BF16", &[16, 8]),
    ("model.layers.0.mlp.down_proj.weight", "BF16", &[8, 16]),
];

pub fn llama_config() -> Value {
    json!({
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "hidden_size": 8,
        "intermediate_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "vocab_size": 3,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "tie_word_embeddings": false,
    })
}

pub fn good() -> Folder {
    Folder::default()
        .with("config.json", llama_config().to_string().as_bytes())
        .with("model.safetensors", &safetensors(&TENSORS))
}

/// The same model over two files.
pub fn sharded() -> Folder {
    let (one, two) = TENSORS.split_at(5);
    let in_file = |file: &str, tensors: &[(&str, &str, &[u64])]| -> Vec<(String, Value)> {
        let names = tensors.iter().map(|(name, ..)| (*name).to_owned());
        names.map(|name| (name, Value::from(file))).collect()
    };
    let weights = [
        in_file("model-00001-of-00002.safetensors", one),
        in_file("model-00002-of-00002.safetensors", two),
    ];
    let weights: serde_json::Map<_, _> = weights.concat().into_iter().collect();
    Folder::default()
        .with("config.json", llama_config().to_string().as_bytes())
        .with("model-00001-of-00002.safetensors", &safetensors(one))
        .with("model-00002-of-00002.safetensors", &safetensors(two))
        .with(
            "model.safetensors.index.json",
            json!({ "metadata": { "total_size": 1 }, "weight_map": weights })
                .to_string()
                .as_bytes(),
        )
}

impl Folder {
    pub fn with(mut self, name: &str, bytes: &[u8]) -> Self {
        self.0.insert(name.to_owned(), bytes.to_vec());
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        assert!(self.0.remove(name).is_some(), "{name}");
        self
    }

    /// Changes a field of `config.json`, or takes it away.
    pub fn config(self, field: &str, value: impl Into<Option<Value>>) -> Self {
        let mut config: Value = serde_json::from_slice(&self.0["config.json"]).unwrap();
        let object = config.as_object_mut().unwrap();
        match value.into() {
            Some(value) => object.insert(field.to_owned(), value),
            None => object.remove(field),
        };
        let config = config.to_string();
        self.with("config.json", config.as_bytes())
    }

    /// The good file of weights with a tensor changed, added or taken away.
    pub fn tensor(self, name: &str, changed: Option<(&str, &[u64])>) -> Self {
        let mut tensors: Vec<_> = TENSORS.to_vec();
        match (tensors.iter().position(|known| known.0 == name), changed) {
            (Some(at), Some((dtype, shape))) => tensors[at] = (name, dtype, shape),
            (Some(at), None) => _ = tensors.remove(at),
            (None, Some((dtype, shape))) => tensors.push((name, dtype, shape)),
            (None, None) => panic!("there is no {name}"),
        }
        self.with("model.safetensors", &safetensors(&tensors))
    }

    /// Writes the folder and opens it.
    pub fn open(&self) -> Result<ValidatedSafetensors, Error> {
        let directory = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.0 {
            fs::write(directory.path().join(name), bytes).unwrap();
        }
        ValidatedSafetensors::open(directory.path())
    }
}
