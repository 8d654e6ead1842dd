//! Reads the file of a small model as if its weights were stored as F32.
//!
//! candle's quantized products round activations to 8 bits. Large models do not mind; in SmolLM2-135M it tips whole
//! answers over (it no longer knows the capital of France), where F32 weights give the same logits however the
//! prompt is cut.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
};

use candle_core::{
    Device,
    quantized::{GgmlDType, QTensor, gguf_file::Content},
};

/// A view of the file in which every tensor has a place of its own. Holds one converted tensor at a time.
pub(super) struct Dequantized {
    file: BufReader<File>,
    /// What the file says.
    original: Content,
    /// Tensors by where they begin in the view.
    tensors: BTreeMap<u64, Place>,
    position: u64,
    converted: Option<(u64, Vec<u8>)>,
}

struct Place {
    name: String,
    bytes: u64,
    is_converted: bool,
}

/// Models with fewer weights than this are computed in F32: at most two gigabytes of weights.
const FEWEST_WEIGHTS_QUANTIZED: usize = 500_000_000;

/// The type a tensor is shown with.
fn shown_type(dtype: GgmlDType, is_small: bool) -> GgmlDType {
    match is_small && dtype != GgmlDType::F32 {
        true => GgmlDType::F32,
        false => dtype,
    }
}

impl Dequantized {
    /// The view, and the header that describes it.
    pub(super) fn new(file: BufReader<File>, original: Content) -> (Self, Content) {
        let mut shown = Content {
            magic: original.magic,
            metadata: original.metadata.clone(),
            tensor_infos: Default::default(),
            tensor_data_offset: 0,
        };
        let weights = original
            .tensor_infos
            .values()
            .map(|info| info.shape.elem_count());
        let is_small = weights.sum::<usize>() < FEWEST_WEIGHTS_QUANTIZED;
        let (mut tensors, mut end) = (BTreeMap::new(), 0u64);
        for (name, info) in &original.tensor_infos {
            let dtype = shown_type(info.ggml_dtype, is_small);
            let bytes = (info.shape.elem_count() / dtype.block_size() * dtype.type_size()) as u64;
            let shown_info = candle_core::quantized::gguf_file::TensorInfo {
                ggml_dtype: dtype,
                shape: info.shape.clone(),
                offset: end,
            };
            shown.tensor_infos.insert(name.clone(), shown_info);
            let name = name.clone();
            let is_converted = dtype != info.ggml_dtype;
            tensors.insert(
                end,
                Place {
                    name,
                    bytes,
                    is_converted,
                },
            );
            end += bytes;
        }
        let view = Self {
            file,
            original,
            tensors,
            position: 0,
            converted: None,
        };
        (view, shown)
    }

    fn convert(&mut self, name: &str) -> candle_core::Result<Vec<u8>> {
        let tensor = self.original.tensor(&mut self.file, name, &Device::Cpu)?;
        let tensor = tensor.dequantize(&Device::Cpu)?;
        let tensor = QTensor::quantize(&tensor, GgmlDType::F32)?;
        Ok(tensor.data()?.into_owned())
    }
}

impl Read for Dequantized {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some((&start, place)) = self.tensors.range(..=self.position).next_back() else {
            return Ok(0);
        };
        let at = self.position - start;
        let count = (place.bytes.saturating_sub(at)).min(buffer.len() as u64) as usize;
        let (name, is_converted) = (place.name.clone(), place.is_converted);
        let Some(info) = self.original.tensor_infos.get(&name) else {
            return Ok(0);
        };
        if !is_converted {
            let from = self.original.tensor_data_offset + info.offset + at;
            self.file.seek(SeekFrom::Start(from))?;
            self.file.read_exact(&mut buffer[..count])?;
        } else {
            if self.converted.as_ref().is_none_or(|(of, _)| *of != start) {
                let bytes = self.convert(&name).map_err(io::Error::other)?;
                self.converted = Some((start, bytes));
            }
            if let Some((_, bytes)) = &self.converted {
                let at = at as usize;
                buffer[..count].copy_from_slice(&bytes[at..at + count]);
            }
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Dequantized {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = self.tensors.last_key_value();
        let end = end.map_or(0, |(start, place)| start + place.bytes);
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
            SeekFrom::End(offset) => end.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
