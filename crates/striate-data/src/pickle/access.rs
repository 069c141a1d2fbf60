//! Looking into a pickle. Invariant: what is asked for is either there in the
//! asked form, or the error says what is there.

use std::borrow::Cow;

use super::objects::{Id, Object, Pickle};
use crate::{
    Error, Result,
    array::{Array, Dtype, Values, element_count},
};

/// Longest key of a dict that is looked for.
const MAX_KEY_BYTES: usize = 256;

/// The first keys, for messages.
pub(crate) fn listed(keys: &[&str]) -> String {
    let shown = &keys[..keys.len().min(24)];
    let more = if shown.len() < keys.len() {
        ", ..."
    } else {
        ""
    };
    format!("keys [{}{more}]", shown.join(", "))
}

/// One object of a pickle.
#[derive(Clone, Debug)]
pub struct Node<'a> {
    pickle: &'a Pickle,
    id: Id,
    /// Where it is: the file and the keys that lead to it.
    place: String,
}

impl Pickle {
    /// The object that was pickled.
    pub fn root(&self) -> Node<'_> {
        self.node(self.root, self.place.clone())
    }

    fn node(&self, id: Id, place: String) -> Node<'_> {
        Node {
            pickle: self,
            id,
            place,
        }
    }
}

impl<'a> Node<'a> {
    pub(super) fn object(&self) -> &'a Object {
        self.object_of(self.id)
    }

    pub(super) fn object_of(&self, id: Id) -> &'a Object {
        &self.pickle.objects[id]
    }

    pub(super) fn at(&self, id: Id) -> Node<'a> {
        self.pickle.node(id, self.place.clone())
    }

    /// The file and the keys that lead here.
    pub fn place(&self) -> &str {
        &self.place
    }

    pub(super) fn wrong(&self, expected: &str) -> Error {
        Error::format(&self.place, expected, self.kind())
    }

    /// What kind of object this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.object() {
            Object::None => "None",
            Object::Bool(_) => "a bool",
            Object::Int(_) => "an integer",
            Object::Float(_) => "a float",
            Object::Text(_) => "text",
            Object::Bytes(_) | Object::Encoded(_) => "bytes",
            Object::Tuple(_) => "a tuple",
            Object::List(_) => "a list",
            Object::Dict(_) => "a dict",
            Object::Global(_) => "a function or type",
            Object::Dtype { .. } => "a dtype",
            Object::Array(_) => "an array",
            Object::Scalar { .. } => "a NumPy scalar",
            Object::Storage { .. } => "a storage",
            Object::Tensor { .. } => "a tensor",
        }
    }

    /// The keys of a dict that are text of at most 256 bytes, in the order of the file.
    ///
    /// # Errors
    ///
    /// If this is no dict.
    pub fn keys(&self) -> Result<Vec<&'a str>> {
        let Object::Dict(entries) = self.object() else {
            return Err(self.wrong("a dict"));
        };
        Ok(entries
            .iter()
            .filter_map(|(key, _)| self.at(*key).key())
            .collect())
    }

    /// What tells this object from all others of its pickle.
    pub(crate) fn id(&self) -> Id {
        self.id
    }

    /// Keys and values of a dict, of the keys that [`Node::keys`] gives.
    ///
    /// # Errors
    ///
    /// If this is no dict.
    pub(crate) fn entries(&self) -> Result<impl Iterator<Item = (&'a str, Node<'a>)>> {
        let Object::Dict(entries) = self.object() else {
            return Err(self.wrong("a dict"));
        };
        let node = self.clone();
        Ok(entries.iter().filter_map(move |(key, value)| {
            let key = node.at(*key).key()?;
            let place = format!("{}, key {key}", node.place);
            Some((key, node.pickle.node(*value, place)))
        }))
    }

    /// Text that may be a key. Borrowed and bounded, as a hostile file may refer to
    /// one long text from very many entries.
    pub(super) fn key(&self) -> Option<&'a str> {
        let text = match self.object() {
            Object::Text(text) => text,
            Object::Bytes(range) if range.len() <= MAX_KEY_BYTES => {
                std::str::from_utf8(&self.pickle.input[range.clone()]).ok()?
            }
            _ => return None,
        };
        (text.len() <= MAX_KEY_BYTES).then_some(text)
    }

    /// Keys and values of a dict whose keys are integers, in the order of the file.
    ///
    /// # Errors
    ///
    /// If this is no dict, or a key is no integer.
    pub fn numbered(&self) -> Result<Vec<(i64, Node<'a>)>> {
        let Object::Dict(entries) = self.object() else {
            return Err(self.wrong("a dict"));
        };
        let entry = |(key, value): &(Id, Id)| {
            let number = self.at(*key).integer()?;
            let place = format!("{}, key {number}", self.place);
            Ok((number, self.pickle.node(*value, place)))
        };
        entries.iter().map(entry).collect()
    }

    /// The value of a key of a dict, if it is there; of a key that comes twice, the last.
    ///
    /// # Errors
    ///
    /// If this is no dict.
    pub fn find(&self, key: &str) -> Result<Option<Node<'a>>> {
        let Object::Dict(entries) = self.object() else {
            return Err(self.wrong("a dict"));
        };
        let place = format!("{}, key {key}", self.place);
        Ok(entries
            .iter()
            .rev()
            .find(|(k, _)| self.at(*k).key() == Some(key))
            .map(|(_, value)| self.pickle.node(*value, place)))
    }

    /// The value of a key of a dict.
    ///
    /// # Errors
    ///
    /// If this is no dict, or the key is not there: the error lists those that are.
    pub fn get(&self, key: &str) -> Result<Node<'a>> {
        match self.find(key)? {
            Some(node) => Ok(node),
            None => Err(Error::format(
                &self.place,
                format!("a key {key}"),
                listed(&self.keys()?),
            )),
        }
    }

    /// Text (or the bytes of a Python 2 string).
    ///
    /// # Errors
    ///
    /// If this is none.
    pub fn text(&self) -> Result<String> {
        match self.object() {
            Object::Text(text) => Ok(text.clone()),
            Object::Bytes(range) => String::from_utf8(self.pickle.input[range.clone()].to_vec())
                .map_err(|_| self.wrong("text")),
            _ => Err(self.wrong("text")),
        }
    }

    /// The texts of a list of texts.
    pub(crate) fn texts(&self) -> Result<Vec<String>> {
        let Object::List(items) = self.object() else {
            return Err(self.wrong("a list of text"));
        };
        let text = |id: &Id| self.at(*id).key().map(str::to_owned);
        let texts = items.iter().map(text).collect::<Option<_>>();
        texts.ok_or_else(|| self.wrong("short text only in the list"))
    }

    /// An integer, also one in a NumPy scalar or an array of one value.
    ///
    /// # Errors
    ///
    /// If this is none.
    pub fn integer(&self) -> Result<i64> {
        match self.object() {
            Object::Int(value) => Ok(*value),
            Object::Bool(value) => Ok(i64::from(*value)),
            Object::Array(_) | Object::Scalar { .. } => match self.array()?.values {
                Values::I64(v) if v.len() == 1 => Ok(v[0]),
                Values::U8(v) if v.len() == 1 => Ok(i64::from(v[0])),
                _ => Err(self.wrong("one integer")),
            },
            _ => Err(self.wrong("an integer")),
        }
    }

    /// An array, a NumPy scalar (no axes), or a list of numbers (one axis).
    ///
    /// # Errors
    ///
    /// If this is none, or its shape, type and bytes do not fit together.
    pub fn array(&self) -> Result<Array> {
        let (shape, dtype, fortran, data) = match self.object() {
            Object::Array(Some(state)) => {
                let fortran = matches!(self.pickle.objects[state.fortran], Object::Bool(true));
                (
                    self.at(state.shape).shape()?,
                    state.dtype,
                    fortran,
                    state.data,
                )
            }
            Object::Scalar {
                dtype,
                data: Some(data),
            } => (Vec::new(), *dtype, false, *data),
            Object::List(items) => return self.numbers(items),
            _ => return Err(self.wrong("an array")),
        };
        let count = element_count(&shape).ok_or_else(|| {
            Error::format(
                &self.place,
                "a shape that fits in memory",
                format!("{shape:?}"),
            )
        })?;
        let data = self.at(data).bytes()?;
        let values = self.at(dtype).dtype()?.decode(&data, count, &self.place)?;
        if fortran && shape.len() > 1 {
            Array::from_fortran(shape, &values)
        } else {
            Array::new(shape, values)
        }
    }

    fn numbers(&self, items: &[Id]) -> Result<Array> {
        let numbers = items.iter().map(|id| match self.pickle.objects[*id] {
            Object::Int(v) => Ok(v as f64),
            Object::Float(v) => Ok(v),
            _ => Err(self.wrong("numbers only in the list")),
        });
        let numbers = numbers.collect::<Result<Vec<f64>>>()?;
        Array::new(vec![numbers.len()], Values::F64(numbers))
    }

    pub(super) fn shape(&self) -> Result<Vec<usize>> {
        let axes = match self.object() {
            Object::Tuple(axes) | Object::List(axes) if axes.len() <= 32 => axes,
            _ => return Err(self.wrong("a shape of at most 32 axes")),
        };
        axes.iter()
            .map(|id| match self.pickle.objects[*id] {
                Object::Int(len) => usize::try_from(len).map_err(|_| self.wrong("lengths")),
                _ => Err(self.wrong("a shape of integers")),
            })
            .collect()
    }

    fn dtype(&self) -> Result<Dtype> {
        let Object::Dtype { code, state } = self.object() else {
            return Err(self.wrong("a dtype"));
        };
        let mut dtype = Dtype::parse(&self.at(*code).text()?, &self.place)?;
        // (version, byte order, subtype, names, fields, size, alignment, flags)
        if let Some(Object::Tuple(parts)) = state.map(|id| &self.pickle.objects[id]) {
            if let Some(order) = parts.get(1).and_then(|id| self.at(*id).text().ok()) {
                dtype.set_byte_order(&order);
            }
            if let Some(Object::Int(size)) = parts.get(5).map(|id| &self.pickle.objects[*id])
                && let Ok(size) = usize::try_from(*size)
            {
                dtype.set_text_bytes(size);
            }
        }
        Ok(dtype)
    }

    fn bytes(&self) -> Result<Cow<'a, [u8]>> {
        match self.object() {
            Object::Bytes(range) => Ok(Cow::Borrowed(&self.pickle.input[range.clone()])),
            Object::Encoded(text) => match &self.pickle.objects[*text] {
                // Latin-1: each character is one byte.
                Object::Text(text) => text
                    .chars()
                    .map(|c| u8::try_from(c as u32))
                    .collect::<Result<Vec<u8>, _>>()
                    .map(Cow::Owned)
                    .map_err(|_| self.wrong("characters that are bytes")),
                _ => Err(self.wrong("text to take as bytes")),
            },
            _ => Err(self.wrong("the bytes of an array")),
        }
    }
}
