//! Tensors of PyTorch in a pickle: which elements of which storage they are. Invariant:
//! the elements of a [`Window`] lie within the storage, as long as this is as long as
//! the pickle says.

use std::collections::BTreeMap;

use super::{
    access::Node,
    objects::{Id, Object, Pickle},
};
use crate::{Error, Result, array::element_count, torch::Element};

/// A tensor: some elements of a storage, in an order.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// The file and the keys that lead to the tensor.
    pub(crate) place: String,
    /// The storage's name in the file.
    pub(crate) storage: String,
    pub(crate) element: Element,
    /// Elements of the storage.
    pub(crate) stored: usize,
    /// The first element.
    pub(crate) offset: usize,
    /// The length of each axis.
    pub(crate) shape: Vec<usize>,
    /// Elements from one to the next along each axis.
    pub(crate) strides: Vec<usize>,
}

impl Window {
    /// Number of elements.
    pub(crate) fn count(&self) -> Option<usize> {
        element_count(&self.shape)
    }

    /// One more than the last element, if that can be said.
    fn end(&self) -> Option<usize> {
        if self.shape.contains(&0) {
            return Some(self.offset);
        }
        let axes = self.shape.iter().zip(&self.strides);
        axes.map(|(len, stride)| (len - 1).checked_mul(*stride))
            .try_fold(self.offset, |end, step| end.checked_add(step?))?
            .checked_add(1)
    }
}

impl Pickle {
    /// The type of every storage that the pickle refers to, by name.
    pub(crate) fn storages(&self) -> BTreeMap<&str, Element> {
        let mut storages = BTreeMap::new();
        for object in &self.objects {
            if let Object::Storage { element, key, .. } = object
                && let Some(name) = self.root().at(*key).key()
            {
                storages.insert(name, *element);
            }
        }
        storages
    }
}

impl Node<'_> {
    /// Whether this is a dict.
    pub(crate) fn is_dict(&self) -> bool {
        matches!(self.object(), Object::Dict(_))
    }

    /// Whether this is a tensor of at least so many axes.
    pub(crate) fn is_tensor(&self, axes: usize) -> bool {
        match self.object() {
            Object::Tensor { shape, .. } => match self.object_of(*shape) {
                Object::Tuple(shape) | Object::List(shape) => shape.len() >= axes,
                _ => false,
            },
            _ => false,
        }
    }

    /// The window that a tensor is.
    ///
    /// # Errors
    ///
    /// If this is no tensor, or its parts do not fit together.
    pub(crate) fn window(&self) -> Result<Window> {
        let Object::Tensor {
            storage,
            offset,
            shape,
            strides,
        } = self.object()
        else {
            return Err(self.wrong("a tensor"));
        };
        let Object::Storage {
            element,
            key,
            count,
            view,
        } = self.object_of(*storage)
        else {
            return Err(self.at(*storage).wrong("the storage of a tensor"));
        };
        let mut start = self.number(*offset)?;
        // (key, offset, count) of a storage that is a part of another.
        if let Some(view) = view
            && let Object::Tuple(parts) = self.object_of(*view)
        {
            let part = parts.get(1).copied().unwrap_or(*view);
            start = start.saturating_add(self.number(part)?);
        }
        let window = Window {
            place: self.place().to_owned(),
            storage: match self.at(*key).key() {
                Some(key) => key.to_owned(),
                None => return Err(self.at(*key).wrong("the name of a storage")),
            },
            element: *element,
            stored: self.number(*count)?,
            offset: start,
            shape: self.at(*shape).shape()?,
            strides: self.at(*strides).shape()?,
        };
        if window.shape.len() != window.strides.len() {
            return Err(Error::format(
                self.place(),
                format!("a stride for each axis of {:?}", window.shape),
                format!("{:?}", window.strides),
            ));
        }
        match window.end() {
            Some(end) if end <= window.stored && window.count().is_some() => Ok(window),
            _ => Err(Error::format(
                self.place(),
                format!(
                    "a tensor within the {} elements of its storage",
                    window.stored
                ),
                format!(
                    "shape {:?}, strides {:?}, offset {start}",
                    window.shape, window.strides
                ),
            )),
        }
    }

    fn number(&self, id: Id) -> Result<usize> {
        match self.object_of(id) {
            Object::Int(value) => {
                usize::try_from(*value).map_err(|_| self.wrong("sizes of at least 0"))
            }
            _ => Err(self.at(id).wrong("a number of elements")),
        }
    }
}
