//! Whether every tensor is of a type that Wick can compute with.

use super::{ValidatedGguf, label};
use crate::{Error, Result};

impl ValidatedGguf {
    /// Refuses a file with a tensor of a type that Wick cannot compute with, by name.
    pub fn check_tensor_types(&self) -> Result<()> {
        let unsupported = self
            .tensors
            .iter()
            .find(|tensor| tensor.tensor_type.format().is_none());
        match unsupported {
            None => Ok(()),
            Some(tensor) => Err(Error::UnsupportedTensorType {
                tensor: label(&tensor.name),
                tensor_type: tensor.tensor_type.name().to_owned(),
            }),
        }
    }
}
