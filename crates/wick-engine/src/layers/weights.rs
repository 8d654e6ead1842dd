//! From a source's tensors to layers. Shapes are checked against what the family says before anything is computed.

use std::{borrow::Cow, cell::RefCell, sync::Arc};

use candle_core::{
    DType, Tensor,
    quantized::{QMatMul, QStorage, QTensor},
};
use wick_kernels::{Format, Matrix, MatrixPart, WeightBytes, dequantize};

use super::{
    Block, Compute, Embedding, Linear, RmsNorm,
    linear::{Beside, Weight},
    precise,
};
use crate::{
    Error, Result,
    source::{ModelSource, SourceTensor},
};

/// Makes layers of the tensors of a source.
pub struct Weights<'a> {
    source: &'a ModelSource,
    compute: Compute,
    progress: RefCell<&'a mut dyn FnMut(f32)>,
}

impl<'a> Weights<'a> {
    /// For layers that compute as said; `progress` hears fractions from 0 to 1.
    pub fn new(
        source: &'a ModelSource,
        compute: Compute,
        progress: &'a mut dyn FnMut(f32),
    ) -> Self {
        Self {
            source,
            compute,
            progress: RefCell::new(progress),
        }
    }

    /// The layers of a model, one after another.
    pub fn blocks(
        &self,
        count: usize,
        block: impl Fn(usize) -> Result<Block>,
    ) -> Result<Vec<Block>> {
        let blocks = (0..count).map(|layer| {
            let block = block(layer)?;
            self.progress.borrow_mut()((layer + 1) as f32 / count as f32);
            Ok(block)
        });
        blocks.collect()
    }

    /// Where the tensors come from.
    pub fn source(&self) -> &'a ModelSource {
        self.source
    }

    /// How the layers compute.
    pub fn compute(&self) -> &Compute {
        &self.compute
    }

    /// The token embeddings.
    pub fn embedding(&self, name: &str) -> Result<Embedding> {
        let table = self.source.tensor(name)?.clone();
        let format = format_of(name, &table)?;
        Embedding::new(table, format, self.compute.clone())
    }

    /// One product, or several of one input stacked in this order; `columns` and `rows` (of each) are checked.
    pub fn linear(&self, columns: usize, parts: &[(&str, usize)]) -> Result<Linear> {
        let scale = self.beside(parts, "scale", 1.0)?;
        let bias = self.beside(parts, "bias", 0.0)?;
        let tensors = parts.iter().map(|(name, rows)| {
            let tensor = self.source.tensor(name)?;
            match tensor.dims[..] == [columns, *rows] {
                true => Ok((*name, tensor.clone())),
                false => Err(wrong_shape(name, &tensor.dims)),
            }
        });
        let weight = self.product(tensors.collect::<Result<_>>()?)?;
        let rows = parts.iter().map(|(_, rows)| *rows).collect();
        Ok(Linear::new(weight, rows, scale, bias))
    }

    /// A product of one tensor whose rows are the results of several, `rows` of each (Phi 3's queries, keys and values).
    pub fn linear_cut(&self, columns: usize, name: &str, rows: &[usize]) -> Result<Linear> {
        let whole = self.source.tensor(name)?;
        let total: usize = rows.iter().sum();
        if whole.dims[..] != [columns, total] {
            return Err(wrong_shape(name, &whole.dims));
        }
        let row_bytes = (whole.data.as_ref().len() / total.max(1)) as u64;
        let mut first = 0;
        let parts = rows.iter().map(|rows| {
            let start = first;
            first += *rows as u64 * row_bytes;
            let part = SourceTensor {
                tensor_type: whole.tensor_type,
                dims: vec![columns, *rows],
                data: whole.data.slice(start..first)?,
            };
            Ok((name, part))
        });
        let weight = self.product(parts.collect::<Result<_>>()?)?;
        let scale = self.beside(&[(name, total)], "scale", 1.0)?;
        let bias = self.beside(&[(name, total)], "bias", 0.0)?;
        Ok(Linear::new(weight, rows.to_vec(), scale, bias))
    }

    /// One expert of several stacks of matrices. Folders have a tensor for each expert: `x.17.weight` for `x.weight`.
    pub(super) fn expert(
        &self,
        (expert, experts): (usize, usize),
        columns: usize,
        parts: &[(&str, usize)],
    ) -> Result<Linear> {
        let tensors = parts.iter().map(|(name, rows)| {
            let stem = name.strip_suffix("weight").unwrap_or(name);
            let own = self.source.find(&format!("{stem}{expert}.weight"));
            let tensor = match own {
                Some(own) => own.clone(),
                None => self.slice_of(name, expert, experts)?,
            };
            match tensor.dims[..] == [columns, *rows] {
                true => Ok((*name, tensor)),
                false => Err(wrong_shape(name, &tensor.dims)),
            }
        });
        let weight = self.product(tensors.collect::<Result<_>>()?)?;
        let rows = parts.iter().map(|(_, rows)| *rows).collect();
        Ok(Linear::new(weight, rows, None, None))
    }

    /// One matrix of a stack.
    fn slice_of(&self, name: &str, index: usize, count: usize) -> Result<SourceTensor> {
        let stack = self.source.tensor(name)?;
        let [columns, rows, depth] = stack.dims[..] else {
            return Err(wrong_shape(name, &stack.dims));
        };
        if depth != count {
            return Err(wrong_shape(name, &stack.dims));
        }
        let bytes = (stack.data.as_ref().len() / count) as u64;
        let start = index as u64 * bytes;
        Ok(SourceTensor {
            tensor_type: stack.tensor_type,
            dims: vec![columns, rows],
            data: stack.data.slice(start..start + bytes)?,
        })
    }

    /// A norm over rows of `width` numbers.
    pub fn norm(&self, name: &str, width: usize, epsilon: f32) -> Result<RmsNorm> {
        let mut weight = self.vector(name, width)?;
        // Gemma as the Hub ships it stores the distance from 1; GGUF files have 1 added.
        let offset = self.source.metadata().f32("wick.norm_weight_offset")?;
        if let Some(offset) = offset {
            weight.iter_mut().for_each(|weight| *weight += offset);
        }
        RmsNorm::new(weight, epsilon, &self.compute)
    }

    /// All numbers of a tensor of one dimension.
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        let tensor = self.source.tensor(name)?;
        if tensor.dims[..] != [length] {
            return Err(wrong_shape(name, &tensor.dims));
        }
        numbers(name, tensor)
    }

    /// As [`Weights::vector`], where the tensor is there.
    pub fn optional_vector(&self, name: &str, length: usize) -> Result<Option<Vec<f32>>> {
        match self.source.find(name) {
            Some(_) => Ok(Some(self.vector(name, length)?)),
            None => Ok(None),
        }
    }

    /// What stands beside the matrices of a stacked product, one number a row: `x.weight` → `x.bias` of as many numbers
    /// as rows, or `x.scale` of one number for all. `absent` stands for those a part lacks; none where all do.
    fn beside(&self, parts: &[(&str, usize)], kind: &str, absent: f32) -> Result<Option<Beside>> {
        let mut all = Vec::new();
        let mut is_there = false;
        for (name, rows) in parts {
            let stem = name.strip_suffix("weight").unwrap_or(name);
            let name = format!("{stem}{kind}");
            let Some(tensor) = self.source.find(&name) else {
                all.resize(all.len() + rows, absent);
                continue;
            };
            is_there = true;
            match tensor.dims[..] {
                [1] => all.resize(all.len() + rows, numbers(&name, tensor)?[0]),
                _ => all.extend(self.vector(&name, *rows)?),
            }
        }
        match is_there {
            true => Ok(Some(match &self.compute {
                Compute::Host(_) => Beside::Host(all),
                Compute::Candle(device) => {
                    let rows = all.len();
                    Beside::Candle(Tensor::from_vec(all, rows, device)?)
                }
            })),
            false => Ok(None),
        }
    }

    fn product(&self, parts: Vec<(&str, SourceTensor)>) -> Result<Weight> {
        Ok(match &self.compute {
            Compute::Host(host) => {
                let parts = parts.into_iter().map(|(name, tensor)| {
                    Ok(MatrixPart {
                        format: format_of(name, &tensor)?,
                        rows: tensor.dims[1],
                        columns: tensor.dims[0],
                        data: Arc::new(tensor.data),
                    })
                });
                let parts: Vec<MatrixPart> = parts.collect::<Result<_>>()?;
                let is_plain = parts.iter().all(|part| part.format.is_float());
                let is_small = precise::is_computed_precisely(self.source.weights() as u64);
                let matrix = Matrix::new(parts, host.threads())?;
                Weight::Host {
                    matrix: if is_small { matrix.in_f32() } else { matrix },
                    precise: is_small && !is_plain,
                }
            }
            Compute::Candle(_) => {
                let parts = parts.into_iter();
                let parts = parts.map(|(name, tensor)| self.on_device(name, &tensor));
                Weight::Candle(parts.collect::<Result<_>>()?)
            }
        })
    }

    /// As stored where candle knows the type; what it does not know is spread out to F16.
    fn on_device(&self, name: &str, tensor: &SourceTensor) -> Result<QMatMul> {
        let device = self.compute.device();
        let (columns, rows) = (tensor.dims[0], tensor.dims[1]);
        let is_plain = format_of(name, tensor)?.is_float();
        if let Some(dtype) = tensor.tensor_type.to_candle()
            && !is_plain
        {
            let storage = QStorage::from_data(Cow::Borrowed(tensor.data.as_ref()), device, dtype)?;
            let data = &tensor.data;
            data.release(0..data.as_ref().len());
            let tensor = QTensor::new(storage, (rows, columns))?;
            return Ok(QMatMul::QTensor(Arc::new(tensor)));
        }
        let tensor = Tensor::from_vec(numbers(name, tensor)?, (rows, columns), device)?;
        match device.is_cpu() {
            true => Ok(QMatMul::Tensor(tensor)),
            false => Ok(QMatMul::TensorF16(tensor.to_dtype(DType::F16)?)),
        }
    }
}

/// Every weight of a tensor as a number; its bytes are not read again.
fn numbers(name: &str, tensor: &SourceTensor) -> Result<Vec<f32>> {
    let mut numbers = vec![0.0; tensor.dims.iter().product()];
    dequantize(format_of(name, tensor)?, tensor.data.as_ref(), &mut numbers)?;
    let data = &tensor.data;
    data.release(0..data.as_ref().len());
    Ok(numbers)
}

fn format_of(name: &str, tensor: &SourceTensor) -> Result<Format> {
    let format = tensor.tensor_type.format();
    format.ok_or_else(|| Error::UnsupportedTensorType {
        tensor: name.into(),
        tensor_type: tensor.tensor_type.name().into(),
    })
}

pub(super) fn wrong_shape(name: &str, dims: &[usize]) -> Error {
    Error::WrongShape {
        tensor: name.into(),
        dims: dims.to_vec(),
    }
}
