//! The stack machine. Invariant: each instruction takes what it needs from the
//! stack or is an error, and adds at most one object.

use std::{collections::BTreeMap, ops::Range};

use super::objects::{Id, Object, Vocabulary};
use crate::{Error, Result};

/// Most instructions that are followed. Each adds at most one reference (8 bytes) or
/// one entry of the memo (some 30).
const MAX_STEPS: usize = 1 << 23;

/// Most objects that are made. An object takes 40 bytes, and its share of a growing
/// buffer as much again.
const MAX_OBJECTS: usize = 1 << 21;

pub(super) struct Machine<'a> {
    pub(super) input: &'a [u8],
    pub(super) at: usize,
    place: &'a str,
    pub(super) vocabulary: Vocabulary,
    pub(super) objects: Vec<Object>,
    pub(super) stack: Vec<Id>,
    pub(super) marks: Vec<usize>,
    pub(super) memo: BTreeMap<u64, Id>,
}

impl<'a> Machine<'a> {
    pub(super) fn new(input: &'a [u8], place: &'a str, vocabulary: Vocabulary) -> Self {
        Self {
            input,
            at: 0,
            place,
            vocabulary,
            objects: Vec::new(),
            stack: Vec::new(),
            marks: Vec::new(),
            memo: BTreeMap::new(),
        }
    }

    /// Runs to the end; returns the objects, the one that is the result, and the number of
    /// bytes that were read.
    pub(super) fn run(mut self) -> Result<(Vec<Object>, Id, usize)> {
        for _ in 0..MAX_STEPS {
            let code = self.byte()?;
            if code == b'.' {
                let root = self.pop()?;
                return Ok((self.objects, root, self.at));
            }
            self.step(code)?;
            if self.objects.len() > MAX_OBJECTS {
                let expected = format!("at most {MAX_OBJECTS} objects (numbers in arrays)");
                return Err(self.wrong(&expected, "more"));
            }
        }
        Err(self.wrong(&format!("at most {MAX_STEPS} instructions"), "more"))
    }

    pub(super) fn wrong(&self, expected: &str, found: impl Into<String>) -> Error {
        Error::format(format!("{}, byte {}", self.place, self.at), expected, found)
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8]> {
        let range = self.take_range(len)?;
        Ok(&self.input[range])
    }

    pub(super) fn take_range(&mut self, len: usize) -> Result<Range<usize>> {
        let end = self
            .at
            .checked_add(len)
            .filter(|end| *end <= self.input.len());
        let Some(end) = end else {
            let left = self.input.len() - self.at;
            return Err(self.wrong(&format!("{len} more bytes"), format!("{left}")));
        };
        let range = self.at..end;
        self.at = end;
        Ok(range)
    }

    pub(super) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// An unsigned little-endian number of `len` bytes, 8 at most.
    pub(super) fn number(&mut self, len: usize) -> Result<u64> {
        let bytes = self.take(len)?;
        Ok(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
    }

    /// A length of `len` bytes.
    pub(super) fn length(&mut self, len: usize) -> Result<usize> {
        let number = self.number(len)?;
        usize::try_from(number).map_err(|_| self.wrong("a length", number.to_string()))
    }

    /// The rest of the line, without its end.
    pub(super) fn line(&mut self) -> Result<&'a str> {
        let rest = &self.input[self.at..];
        let Some(len) = rest.iter().position(|b| *b == b'\n') else {
            return Err(self.wrong("the end of a line", "the end of the file"));
        };
        let line = self.take(len + 1)?;
        let text = std::str::from_utf8(&line[..len]);
        text.map_err(|_| self.wrong("a line of text", "other bytes"))
    }

    pub(super) fn text(&mut self, len: usize) -> Result<String> {
        let bytes = self.take(len)?;
        let text = std::str::from_utf8(bytes);
        Ok(text
            .map_err(|_| self.wrong("UTF-8 text", "other bytes"))?
            .to_string())
    }

    pub(super) fn push(&mut self, object: Object) {
        self.stack.push(self.objects.len());
        self.objects.push(object);
    }

    pub(super) fn pop(&mut self) -> Result<Id> {
        // What lies below a mark belongs to it.
        let floor = self.marks.last().copied().unwrap_or(0);
        if self.stack.len() > floor
            && let Some(id) = self.stack.pop()
        {
            return Ok(id);
        }
        Err(self.wrong("an object on the stack", "none"))
    }

    pub(super) fn top(&self) -> Result<Id> {
        let top = self.stack.last().copied();
        top.ok_or_else(|| self.wrong("an object on the stack", "none"))
    }

    pub(super) fn pop_mark(&mut self) -> Result<Vec<Id>> {
        match self.marks.pop() {
            Some(mark) if mark <= self.stack.len() => Ok(self.stack.split_off(mark)),
            _ => Err(self.wrong("a mark on the stack", "none")),
        }
    }

    pub(super) fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let Some(global) = self.vocabulary.find(module, name) else {
            return Err(self.wrong(
                self.vocabulary.what(),
                format!("the global {module}.{name}, which is not on the list of the reader"),
            ));
        };
        self.push(Object::Global(global));
        Ok(())
    }

    /// Takes the objects apart into pairs and adds them to the dict on top.
    pub(super) fn set_items(&mut self, items: &[Id]) -> Result<()> {
        if items.len() % 2 == 1 {
            return Err(self.wrong("pairs of key and value", "an odd number of objects"));
        }
        let top = self.top()?;
        let Object::Dict(entries) = &mut self.objects[top] else {
            return Err(self.wrong("a dict to set items of", "another object"));
        };
        entries.extend(items.chunks_exact(2).map(|pair| (pair[0], pair[1])));
        Ok(())
    }

    pub(super) fn append(&mut self, items: &[Id]) -> Result<()> {
        let top = self.top()?;
        let Object::List(list) = &mut self.objects[top] else {
            return Err(self.wrong("a list to append to", "another object"));
        };
        list.extend_from_slice(items);
        Ok(())
    }

    pub(super) fn get(&mut self, key: u64) -> Result<()> {
        let Some(id) = self.memo.get(&key) else {
            return Err(self.wrong(&format!("a memo with the number {key}"), "none"));
        };
        self.stack.push(*id);
        Ok(())
    }

    pub(super) fn put(&mut self, key: u64) -> Result<()> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }
}
