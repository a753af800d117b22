//! Where a model's tensors lie in its safetensors file.

use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors};

/// The file, and its table of contents.
pub(super) struct Weights {
    bytes: Vec<u8>,
    contents: Metadata,
    /// Where the tensors begin: after the length of the table of contents, and the table.
    start: usize,
}

/// A tensor's place in the file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) offset: usize,
    pub(super) length: usize,
}

/// Why the weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum WeightsError {
    #[error("model.safetensors is not a sound safetensors file")]
    Unsound(#[source] SafeTensorError),
    #[error("model.safetensors has no tensor {name}")]
    Missing { name: String },
    #[error("the tensor {name} is {found_type:?}{found:?}; config.json asks for F32{expected:?}")]
    Wrong { name: String, expected: Vec<usize>, found_type: Dtype, found: Vec<usize> },
}

impl Weights {
    pub(super) fn new(bytes: Vec<u8>) -> Result<Self, WeightsError> {
        let (header, contents) = SafeTensors::read_metadata(&bytes).map_err(WeightsError::Unsound)?;
        Ok(Self { bytes, contents, start: size_of::<u64>() + header })
    }

    /// Where the tensor is, if it has this shape.
    pub(super) fn place(&self, name: &str, shape: &[usize]) -> Result<Place, WeightsError> {
        let missing = || WeightsError::Missing { name: name.to_owned() };
        let tensor = self.contents.info(name).ok_or_else(missing)?;
        if tensor.dtype != Dtype::F32 || tensor.shape != shape {
            return Err(WeightsError::Wrong {
                name: name.to_owned(),
                expected: shape.to_owned(),
                found_type: tensor.dtype,
                found: tensor.shape.clone(),
            });
        }
        let (begin, end) = tensor.data_offsets;
        Ok(Place { offset: self.start + begin, length: end - begin })
    }

    /// The file's bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
