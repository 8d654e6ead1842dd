//! Writes GGUF files byte by byte.

use crate::gguf::TensorType;

const ALIGNMENT: usize = 32;

/// Writes GGUF files (version 3, alignment 32). It checks nothing, so that bad files can be written too.
#[derive(Debug, Clone, Default)]
pub struct GgufWriter {
    keys: u64,
    metadata: Vec<u8>,
    tensors: u64,
    infos: Vec<u8>,
    data: Vec<u8>,
}

impl GgufWriter {
    /// A file with nothing in it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string.
    pub fn string(&mut self, key: &str, value: &str) -> &mut Self {
        self.key(key, 8);
        put_string(&mut self.metadata, value);
        self
    }

    /// Adds an integer.
    pub fn u32(&mut self, key: &str, value: u32) -> &mut Self {
        self.value(key, 4, &value.to_le_bytes())
    }

    /// Adds a float.
    pub fn f32(&mut self, key: &str, value: f32) -> &mut Self {
        self.value(key, 6, &value.to_le_bytes())
    }

    /// Adds a boolean.
    pub fn bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.value(key, 7, &[u8::from(value)])
    }

    /// Adds an array of strings.
    pub fn strings(&mut self, key: &str, values: &[String]) -> &mut Self {
        self.array(key, 8, values.len());
        for value in values {
            put_string(&mut self.metadata, value);
        }
        self
    }

    /// Adds an array of floats.
    pub fn f32s(&mut self, key: &str, values: &[f32]) -> &mut Self {
        self.array(key, 6, values.len());
        self.metadata
            .extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// Adds an array of integers.
    pub fn i32s(&mut self, key: &str, values: &[i32]) -> &mut Self {
        self.array(key, 5, values.len());
        self.metadata
            .extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self
    }

    /// Adds a value of any type: its number, and its bytes as they are to stand in the file.
    pub fn value(&mut self, key: &str, value_type: u32, bytes: &[u8]) -> &mut Self {
        self.key(key, value_type);
        self.metadata.extend(bytes);
        self
    }

    /// Adds a tensor. `dims` are in ggml's order: the fastest varying first.
    pub fn tensor(
        &mut self,
        name: &str,
        dims: &[usize],
        tensor_type: TensorType,
        data: &[u8],
    ) -> &mut Self {
        self.data
            .resize(self.data.len().next_multiple_of(ALIGNMENT), 0);
        let dims: Vec<u64> = dims.iter().map(|dim| *dim as u64).collect();
        self.tensor_info(name, &dims, tensor_type.id(), self.data.len() as u64);
        self.data.extend(data);
        self
    }

    /// Describes a tensor without adding data: any dimensions, type number and offset.
    pub fn tensor_info(&mut self, name: &str, dims: &[u64], id: u32, offset: u64) -> &mut Self {
        self.tensors += 1;
        put_string(&mut self.infos, name);
        self.infos.extend((dims.len() as u32).to_le_bytes());
        self.infos
            .extend(dims.iter().flat_map(|dim| dim.to_le_bytes()));
        self.infos.extend(id.to_le_bytes());
        self.infos.extend(offset.to_le_bytes());
        self
    }

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut file = b"GGUF".to_vec();
        file.extend(3u32.to_le_bytes());
        file.extend(self.tensors.to_le_bytes());
        file.extend(self.keys.to_le_bytes());
        file.extend(&self.metadata);
        file.extend(&self.infos);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(&self.data);
        file
    }

    fn key(&mut self, key: &str, value_type: u32) {
        self.keys += 1;
        put_string(&mut self.metadata, key);
        self.metadata.extend(value_type.to_le_bytes());
    }

    fn array(&mut self, key: &str, element_type: u32, length: usize) {
        self.key(key, 9);
        self.metadata.extend(element_type.to_le_bytes());
        self.metadata.extend((length as u64).to_le_bytes());
    }
}

fn put_string(to: &mut Vec<u8>, string: &str) {
    to.extend((string.len() as u64).to_le_bytes());
    to.extend(string.as_bytes());
}
