//! The tensor types of ggml: number, name, and how many bytes a block of how many weights takes.

use candle_core::quantized::GgmlDType;
use wick_kernels::Format;

macro_rules! tensor_types {
    ($($variant:ident = $id:literal, $name:literal, $block:literal, $bytes:literal, $candle:expr;)+) => {
        /// How the weights of one tensor are stored.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum TensorType {
            $(#[doc = concat!("`", $name, "`, number ", stringify!($id), ".")] $variant,)+
        }

        impl TensorType {
            /// Every type, by number.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The type with this number in a file; `None` for numbers never given out, or withdrawn.
            pub fn from_id(id: u32) -> Option<Self> {
                match id {
                    $($id => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// Its number in a file.
            pub fn id(self) -> u32 {
                match self {
                    $(Self::$variant => $id,)+
                }
            }

            /// Its name, as llama.cpp writes it.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Weights in a block.
            pub fn block_size(self) -> u64 {
                match self {
                    $(Self::$variant => $block,)+
                }
            }

            /// Bytes of a block.
            pub fn block_bytes(self) -> u64 {
                match self {
                    $(Self::$variant => $bytes,)+
                }
            }

            /// The same type in candle, where candle can load it.
            pub fn to_candle(self) -> Option<GgmlDType> {
                match self {
                    $(Self::$variant => $candle,)+
                }
            }
        }
    };
}

tensor_types! {
    F32 = 0, "F32", 1, 4, Some(GgmlDType::F32);
    F16 = 1, "F16", 1, 2, Some(GgmlDType::F16);
    Q4_0 = 2, "Q4_0", 32, 18, Some(GgmlDType::Q4_0);
    Q4_1 = 3, "Q4_1", 32, 20, Some(GgmlDType::Q4_1);
    Q5_0 = 6, "Q5_0", 32, 22, Some(GgmlDType::Q5_0);
    Q5_1 = 7, "Q5_1", 32, 24, Some(GgmlDType::Q5_1);
    Q8_0 = 8, "Q8_0", 32, 34, Some(GgmlDType::Q8_0);
    Q8_1 = 9, "Q8_1", 32, 36, None;
    Q2K = 10, "Q2_K", 256, 84, Some(GgmlDType::Q2K);
    Q3K = 11, "Q3_K", 256, 110, Some(GgmlDType::Q3K);
    Q4K = 12, "Q4_K", 256, 144, Some(GgmlDType::Q4K);
    Q5K = 13, "Q5_K", 256, 176, Some(GgmlDType::Q5K);
    Q6K = 14, "Q6_K", 256, 210, Some(GgmlDType::Q6K);
    Q8K = 15, "Q8_K", 256, 292, None;
    Iq2Xxs = 16, "IQ2_XXS", 256, 66, None;
    Iq2Xs = 17, "IQ2_XS", 256, 74, None;
    Iq3Xxs = 18, "IQ3_XXS", 256, 98, None;
    Iq1S = 19, "IQ1_S", 256, 50, None;
    Iq4Nl = 20, "IQ4_NL", 32, 18, None;
    Iq3S = 21, "IQ3_S", 256, 110, None;
    Iq2S = 22, "IQ2_S", 256, 82, None;
    Iq4Xs = 23, "IQ4_XS", 256, 136, None;
    I8 = 24, "I8", 1, 1, None;
    I16 = 25, "I16", 1, 2, None;
    I32 = 26, "I32", 1, 4, None;
    I64 = 27, "I64", 1, 8, None;
    F64 = 28, "F64", 1, 8, None;
    Iq1M = 29, "IQ1_M", 256, 56, None;
    Bf16 = 30, "BF16", 1, 2, Some(GgmlDType::BF16);
    Tq1_0 = 34, "TQ1_0", 256, 54, None;
    Tq2_0 = 35, "TQ2_0", 256, 66, None;
    Mxfp4 = 39, "MXFP4", 32, 17, None;
}

impl TensorType {
    /// The same type in the kernels, where they can compute with it.
    pub fn format(self) -> Option<Format> {
        let format = Format::ALL
            .iter()
            .find(|format| format.name() == self.name());
        format.copied()
    }
}

impl std::fmt::Display for TensorType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The name llama.cpp gives a file with this `general.file_type`.
pub(super) fn file_type_name(file_type: u32) -> Option<&'static str> {
    const GUESSED: u32 = 1024;
    Some(match file_type & !GUESSED {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        7 => "Q8_0",
        8 => "Q5_0",
        9 => "Q5_1",
        10 => "Q2_K",
        11 => "Q3_K_S",
        12 => "Q3_K_M",
        13 => "Q3_K_L",
        14 => "Q4_K_S",
        15 => "Q4_K_M",
        16 => "Q5_K_S",
        17 => "Q5_K_M",
        18 => "Q6_K",
        19 => "IQ2_XXS",
        20 => "IQ2_XS",
        21 => "Q2_K_S",
        22 => "IQ3_XS",
        23 => "IQ3_XXS",
        24 => "IQ1_S",
        25 => "IQ4_NL",
        26 => "IQ3_S",
        27 => "IQ3_M",
        28 => "IQ2_S",
        29 => "IQ2_M",
        30 => "IQ4_XS",
        31 => "IQ1_M",
        32 => "BF16",
        36 => "TQ1_0",
        37 => "TQ2_0",
        38 => "MXFP4_MOE",
        _ => return None,
    })
}
