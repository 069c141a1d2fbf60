//! What a pickle is made of: objects that refer to each other by number.

use std::ops::Range;

use super::machine::Machine;
use crate::Result;

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
}

impl Global {
    pub(super) fn named(module: &str, name: &str) -> Option<Self> {
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
        let (objects, root) = Machine::new(&input, place).run()?;
        Ok(Self {
            place: place.to_string(),
            input,
            objects,
            root,
        })
    }
}
