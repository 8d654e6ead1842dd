//! Which type each tensor has in a file of a level such as `Q4_K_M`: the rules by which llama.cpp's quantizer mixes
//! types, for the families that Wick runs.

use serde::{Deserialize, Serialize};

use crate::gguf::TensorType;

/// A level of quantization, by the name that files have it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
#[allow(missing_docs, reason = "the variants are the levels' own names")]
pub enum Mixture {
    #[serde(rename = "Q2_K")]
    Q2K,
    #[serde(rename = "Q3_K_M")]
    Q3KM,
    #[serde(rename = "Q4_0")]
    Q4_0,
    #[serde(rename = "Q4_1")]
    Q4_1,
    #[serde(rename = "Q4_K_S")]
    Q4KS,
    #[serde(rename = "Q4_K_M")]
    Q4KM,
    #[serde(rename = "Q5_0")]
    Q5_0,
    #[serde(rename = "Q5_1")]
    Q5_1,
    #[serde(rename = "Q5_K_S")]
    Q5KS,
    #[serde(rename = "Q5_K_M")]
    Q5KM,
    #[serde(rename = "Q6_K")]
    Q6K,
    #[serde(rename = "Q8_0")]
    Q8_0,
    F16,
    BF16,
    /// BitNet as its makers ship it: a folder with three-valued weights packed, and the embedding in BF16.
    #[serde(rename = "1.58-bit")]
    Ternary,
}

/// What a tensor's type depends on beside its name and level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The layer it is in.
    pub layer: usize,
    /// Layers there are.
    pub layers: usize,
    /// Query heads that share a key.
    pub group: usize,
    /// Length of its rows.
    pub columns: usize,
    /// Whether the embedding is the output as well.
    pub is_output_tied: bool,
}

impl Mixture {
    /// Every level, the smallest first.
    pub const ALL: &[Self] = &[
        Self::Ternary,
        Self::Q2K,
        Self::Q3KM,
        Self::Q4_0,
        Self::Q4KS,
        Self::Q4KM,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5KS,
        Self::Q5KM,
        Self::Q5_1,
        Self::Q6K,
        Self::Q8_0,
        Self::F16,
        Self::BF16,
    ];

    /// Its name, as files have it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q2K => "Q2_K",
            Self::Q3KM => "Q3_K_M",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q4KS => "Q4_K_S",
            Self::Q4KM => "Q4_K_M",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q5KS => "Q5_K_S",
            Self::Q5KM => "Q5_K_M",
            Self::Q6K => "Q6_K",
            Self::Q8_0 => "Q8_0",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Ternary => "1.58-bit",
        }
    }

    /// The type that most tensors have.
    pub fn main_type(self) -> TensorType {
        match self {
            Self::Q2K => TensorType::Q2K,
            Self::Q3KM => TensorType::Q3K,
            Self::Q4_0 => TensorType::Q4_0,
            Self::Q4_1 => TensorType::Q4_1,
            Self::Q4KS | Self::Q4KM => TensorType::Q4K,
            Self::Q5_0 => TensorType::Q5_0,
            Self::Q5_1 => TensorType::Q5_1,
            Self::Q5KS | Self::Q5KM => TensorType::Q5K,
            Self::Q6K => TensorType::Q6K,
            Self::Q8_0 => TensorType::Q8_0,
            Self::F16 => TensorType::F16,
            Self::BF16 => TensorType::Bf16,
            Self::Ternary => TensorType::Tq2_0,
        }
    }

    /// Bits of a weight of the type that most tensors have.
    pub fn bits(self) -> f64 {
        let main = self.main_type();
        8.0 * main.block_bytes() as f64 / main.block_size() as f64
    }

    /// The type of a matrix, by its GGUF name.
    pub(super) fn type_of(self, name: &str, place: &Place) -> TensorType {
        let main = self.main_type();
        let is_embedding = name == "token_embd.weight";
        let is_output = name == "output.weight" || is_embedding && place.is_output_tied;
        if name.ends_with("ffn_gate_inp.weight") {
            return TensorType::F32;
        }
        match self {
            Self::F16 | Self::BF16 => return main,
            Self::Ternary if is_output || is_embedding => return TensorType::Bf16,
            Self::Ternary => return main,
            _ => {}
        }
        let columns = place.columns as u64;
        if is_output {
            let has_whole_blocks = columns.is_multiple_of(main.block_size());
            return match has_whole_blocks && main != TensorType::Q8_0 {
                true => fitting(TensorType::Q6K, columns),
                false => TensorType::Q8_0,
            };
        }
        let part = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let part = part.rsplit('.').next().unwrap_or(part);
        fitting(self.of_layer(part, place).unwrap_or(main), columns)
    }

    /// The type of a part of a layer, where it is another than most have.
    fn of_layer(self, part: &str, place: &Place) -> Option<TensorType> {
        use TensorType::{Q3K, Q4K, Q5K, Q6K};
        let Place { layer, layers, .. } = *place;
        let is_sensitive = layer < layers / 8
            || layer >= 7 * layers / 8
            || (layer.saturating_sub(layers / 8)) % 3 == 2;
        let is_value = matches!(part, "attn_v" | "attn_qkv");
        let is_down = matches!(part, "ffn_down" | "ffn_down_exps");
        let is_output = part == "attn_output";
        Some(match self {
            Self::Q2K if is_value && place.group >= 4 => Q4K,
            Self::Q2K if is_value || is_down || is_output => Q3K,
            Self::Q3KM if is_value && layer < 2 => Q5K,
            Self::Q3KM if is_down && layer < layers / 16 => Q5K,
            Self::Q3KM if is_value || is_down || is_output => Q4K,
            Self::Q4KS if is_value && layer < 4 => Q5K,
            Self::Q4KS if is_down && layer < layers / 8 => Q5K,
            Self::Q4KM | Self::Q5KM if is_sensitive && (is_value || is_down) => Q6K,
            _ => return None,
        })
    }
}

/// The type, or what stands in for it where rows are no whole number of its blocks.
fn fitting(wanted: TensorType, columns: u64) -> TensorType {
    if columns.is_multiple_of(wanted.block_size()) {
        return wanted;
    }
    let instead = match wanted {
        TensorType::Q2K | TensorType::Q3K => TensorType::Iq4Nl,
        TensorType::Q4K => TensorType::Q5_0,
        TensorType::Q5K => TensorType::Q5_1,
        TensorType::Q6K => TensorType::Q8_0,
        _ => TensorType::F16,
    };
    match columns.is_multiple_of(instead.block_size()) {
        true => instead,
        false => TensorType::F16,
    }
}
