//! What a pickle is made of: objects that refer to each other by number. Invariant: a
//! global outside the vocabulary of the file's kind is not an object.

use std::ops::Range;

use super::machine::Machine;
use crate::{Result, torch::Element};

pub(super) type Id = usize;

/// What the machine knows of Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Global {
    Reconstruct,
    FromBuffer,
    Scalar,
    NdArray,
    Dtype,
    CodecsEncode,
    OrderedDict,
    Counter,
    /// `torch.Size`, a tuple.
    Size,
    /// `torch.device` and the types of tensors, of which nothing is kept.
    Ignored,
    Storage(Element),
    Tensor,
    Parameter,
}

/// Which globals mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vocabulary {
    /// Plain data and NumPy arrays.
    Plain,
    /// These, and the tensors of PyTorch.
    Torch,
}

impl Vocabulary {
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::Plain => "plain data and NumPy arrays only",
            Self::Torch => "plain data, NumPy arrays and tensors only",
        }
    }

    pub(super) fn find(self, module: &str, name: &str) -> Option<Global> {
        let torch = self == Self::Torch;
        Global::plain(module, name).or_else(|| Global::torch(module, name).filter(|_| torch))
    }
}

impl Global {
    fn torch(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("torch._utils", "_rebuild_tensor_v2" | "_rebuild_tensor") => Self::Tensor,
            ("torch._utils", "_rebuild_parameter") | ("torch.nn.parameter", "Parameter") => {
                Self::Parameter
            }
            ("collections", "Counter") => Self::Counter,
            ("torch", "Size") => Self::Size,
            (
                "torch",
                "device" | "float16" | "bfloat16" | "float32" | "float64" | "int8" | "int16"
                | "int32" | "int64" | "uint8" | "bool",
            ) => Self::Ignored,
            // Tensors of a GPU had storages of their own names once.
            ("torch" | "torch.cuda", name) => {
                Self::Storage(Element::named(name.strip_suffix("Storage")?)?)
            }
            _ => return None,
        })
    }

    fn plain(module: &str, name: &str) -> Option<Self> {
        // NumPy 2 put an underscore before `core`.
        let module = module.replace("numpy._core", "numpy.core");
        Some(match (module.as_str(), name) {
            ("numpy.core.multiarray", "_reconstruct") => Self::Reconstruct,
            ("numpy.core.multiarray", "scalar") => Self::Scalar,
            ("numpy.core.numeric", "_frombuffer") => Self::FromBuffer,
            ("numpy", "ndarray") => Self::NdArray,
            ("numpy", "dtype") => Self::Dtype,
            ("_codecs", "encode") => Self::CodecsEncode,
            ("collections", "OrderedDict") => Self::OrderedDict,
            _ => return None,
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Object {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    /// A part of the input.
    Bytes(Range<usize>),
    /// Text whose characters are bytes: `_codecs.encode(text, "latin1")`.
    Encoded(Id),
    Tuple(Vec<Id>),
    List(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Global(Global),
    /// `numpy.dtype(code)`, and the state that BUILD gave it.
    Dtype {
        code: Id,
        state: Option<Id>,
    },
    /// An array: empty until BUILD gives it its state.
    Array(Option<ArrayState>),
    /// `numpy.core.multiarray.scalar(dtype, bytes)`.
    Scalar {
        dtype: Id,
        data: Option<Id>,
    },
    /// The persistent id of a storage of PyTorch: its elements lie elsewhere in the file.
    Storage {
        element: Element,
        key: Id,
        /// Number of elements.
        count: Id,
        /// `(key, offset, count)` of a part of the storage, in old files.
        view: Option<Id>,
    },
    /// A tensor of PyTorch: a window into a storage.
    Tensor {
        storage: Id,
        offset: Id,
        shape: Id,
        strides: Id,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ArrayState {
    pub(super) shape: Id,
    pub(super) dtype: Id,
    pub(super) fortran: Id,
    pub(super) data: Id,
}

/// A pickle that was read.
#[derive(Clone, Debug)]
pub struct Pickle {
    pub(super) place: String,
    pub(super) input: Vec<u8>,
    pub(super) objects: Vec<Object>,
    pub(super) root: Id,
}

impl Pickle {
    /// Reads a pickle of protocol 2 to 5; `place` names it in messages.
    ///
    /// # Errors
    ///
    /// If the bytes are cut off or damaged, use an instruction that plain data do
    /// not need (or that only protocols 0 and 1 use, as for text), or a global that is
    /// not on the list, or are too many objects.
    pub fn from_bytes(input: Vec<u8>, place: &str) -> Result<Self> {
        let (objects, root, _) = Machine::new(&input, place, Vocabulary::Plain).run()?;
        Ok(Self {
            place: place.to_string(),
            input,
            objects,
            root,
        })
    }

    /// Reads the pickle that a file of PyTorch has at the beginning of `input`; what is
    /// behind it is left alone. Also gives the pickle's length.
    pub(crate) fn of_torch(input: &[u8], place: &str) -> Result<(Self, usize)> {
        let (objects, root, len) = Machine::new(input, place, Vocabulary::Torch).run()?;
        let pickle = Self {
            place: place.to_string(),
            input: input[..len].to_vec(),
            objects,
            root,
        };
        Ok((pickle, len))
    }
}
