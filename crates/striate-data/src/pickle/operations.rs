//! The instructions. Invariant: an instruction that plain data do not need (instances,
//! extensions, out-of-band buffers; persistent ids outside files of PyTorch) is an error.

use super::{
    machine::Machine,
    objects::{ArrayState, Global, Id, Object, Vocabulary},
};
use crate::Result;

impl Machine<'_> {
    /// Carries out one instruction.
    pub(super) fn step(&mut self, code: u8) -> Result<()> {
        match code {
            // PROTO, FRAME
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            // MARK, POP, POP_MARK, DUP
            b'(' => self.marks.push(self.stack.len()),
            b'0' => drop(self.pop()?),
            b'1' => drop(self.pop_mark()?),
            b'2' => {
                let top = self.top()?;
                self.stack.push(top);
            }
            b'N' => self.push(Object::None),
            0x88 => self.push(Object::Bool(true)),
            0x89 => self.push(Object::Bool(false)),
            b'I' | b'J' | b'K' | b'M' | b'L' | 0x8a | 0x8b | b'F' | b'G' => {
                self.push_number(code)?
            }
            b'X' | 0x8c | 0x8d | b'U' | b'T' | b'C' | b'B' | 0x8e | 0x96 => {
                self.push_text(code)?;
            }
            b']' => self.push(Object::List(Vec::new())),
            b')' => self.push(Object::Tuple(Vec::new())),
            b'}' => self.push(Object::Dict(Vec::new())),
            b'l' => {
                let items = self.pop_mark()?;
                self.push(Object::List(items));
            }
            b't' => {
                let items = self.pop_mark()?;
                self.push(Object::Tuple(items));
            }
            b'd' => {
                let items = self.pop_mark()?;
                self.push(Object::Dict(Vec::new()));
                self.set_items(&items)?;
            }
            // TUPLE1 to TUPLE3
            0x85..=0x87 => {
                let mut items = Vec::new();
                for _ in 0..code - 0x84 {
                    items.insert(0, self.pop()?);
                }
                self.push(Object::Tuple(items));
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' => {
                let items = self.pop_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.set_items(&items)?;
            }
            b'c' => {
                let (module, name) = (self.line()?, self.line()?);
                self.global(module, name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Object::Text(module), Object::Text(name)) =
                    (&self.objects[module], &self.objects[name])
                else {
                    return Err(self.wrong("the name of a global", "another object"));
                };
                let (module, name) = (module.clone(), name.clone());
                self.global(&module, &name)?;
            }
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            b'Q' if self.vocabulary == Vocabulary::Torch => self.storage()?,
            // Memo: PUT, BINPUT, LONG_BINPUT, MEMOIZE, GET, BINGET, LONG_BINGET
            b'p' | b'g' => {
                let line = self.line()?;
                let key = line
                    .parse()
                    .map_err(|_| self.wrong("a memo number", line))?;
                if code == b'p' {
                    self.put(key)?
                } else {
                    self.get(key)?
                }
            }
            b'q' | b'r' => {
                let key = self.number(if code == b'q' { 1 } else { 4 })?;
                self.put(key)?;
            }
            0x94 => self.put(self.memo.len() as u64)?,
            b'h' | b'j' => {
                let key = self.number(if code == b'h' { 1 } else { 4 })?;
                self.get(key)?;
            }
            other => {
                return Err(self.wrong(
                    "an instruction for plain data",
                    format!("instruction 0x{other:02x}"),
                ));
            }
        }
        Ok(())
    }

    fn push_number(&mut self, code: u8) -> Result<()> {
        let object = match code {
            b'I' => match self.line()? {
                "00" => Object::Bool(false),
                "01" => Object::Bool(true),
                line => Object::Int(line.parse().map_err(|_| self.wrong("an integer", line))?),
            },
            b'J' => Object::Int(i64::from(self.number(4)? as u32 as i32)),
            b'K' => Object::Int(self.number(1)? as i64),
            b'M' => Object::Int(self.number(2)? as i64),
            b'L' => {
                let line = self.line()?;
                let digits = line.trim_end_matches('L');
                Object::Int(digits.parse().map_err(|_| self.wrong("an integer", line))?)
            }
            0x8a | 0x8b => {
                let len = self.length(if code == 0x8a { 1 } else { 4 })?;
                if len > 8 {
                    return Err(self.wrong("an integer of 64 bits", format!("{len} bytes")));
                }
                let shift = 64 - 8 * len as u32;
                let bits = self.number(len)?;
                Object::Int(if len == 0 {
                    0
                } else {
                    (bits << shift) as i64 >> shift
                })
            }
            b'F' => {
                let line = self.line()?;
                Object::Float(line.parse().map_err(|_| self.wrong("a float", line))?)
            }
            // BINFLOAT is big-endian.
            _ => Object::Float(f64::from_bits(self.number(8)?.swap_bytes())),
        };
        self.push(object);
        Ok(())
    }

    fn push_text(&mut self, code: u8) -> Result<()> {
        let bytes_of_length = match code {
            0x8c | b'U' | b'C' => 1,
            b'X' | b'T' | b'B' => 4,
            _ => 8,
        };
        let object = match code {
            b'X' | 0x8c | 0x8d => {
                let len = self.length(bytes_of_length)?;
                Object::Text(self.text(len)?)
            }
            // Strings of Python 2 are bytes, too.
            _ => {
                let len = self.length(bytes_of_length)?;
                Object::Bytes(self.take_range(len)?)
            }
        };
        self.push(object);
        Ok(())
    }

    /// What a call of a known global would make; nothing is called.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let Object::Global(global) = self.objects[callee] else {
            return Err(self.wrong("a global to call", "another object"));
        };
        let Object::Tuple(arguments) = &self.objects[arguments] else {
            return Err(self.wrong("a tuple of arguments", "another object"));
        };
        let object = match (global, arguments.as_slice()) {
            (Global::Reconstruct, [_, _, _]) => Object::Array(None),
            (Global::FromBuffer, &[data, dtype, shape, order]) => {
                let fortran = matches!(&self.objects[order], Object::Text(t) if t == "F");
                let fortran = self.add(Object::Bool(fortran));
                Object::Array(Some(ArrayState {
                    shape,
                    dtype,
                    fortran,
                    data,
                }))
            }
            (Global::Scalar, &[dtype]) => Object::Scalar { dtype, data: None },
            (Global::Scalar, &[dtype, data]) => Object::Scalar {
                dtype,
                data: Some(data),
            },
            (Global::Dtype, &[code, ..]) => Object::Dtype { code, state: None },
            (Global::CodecsEncode, &[text, ..]) => Object::Encoded(text),
            (Global::OrderedDict, []) => Object::Dict(Vec::new()),
            // Python 2 wrote a list of pairs.
            (Global::OrderedDict, &[pairs]) => self.dict_of(pairs)?,
            (Global::Counter, &[dict]) => return self.again(dict),
            (Global::Size, &[axes]) => return self.again(axes),
            (Global::Ignored, _) => Object::None,
            // (storage, offset, shape, strides, requires gradient, hooks, metadata)
            (Global::Tensor, &[storage, offset, shape, strides, ..]) => Object::Tensor {
                storage,
                offset,
                shape,
                strides,
            },
            (Global::Parameter, &[tensor, ..]) => return self.again(tensor),
            (global, arguments) => {
                let found = format!("{global:?} with {} arguments", arguments.len());
                return Err(self.wrong("a call with its usual arguments", found));
            }
        };
        self.push(object);
        Ok(())
    }

    /// Puts an object on the stack that is there already.
    fn again(&mut self, id: Id) -> Result<()> {
        self.stack.push(id);
        Ok(())
    }

    fn dict_of(&self, pairs: Id) -> Result<Object> {
        let entries = match &self.objects[pairs] {
            Object::List(pairs) => pairs
                .iter()
                .map(|pair| match &self.objects[*pair] {
                    Object::List(pair) | Object::Tuple(pair) if pair.len() == 2 => {
                        Some((pair[0], pair[1]))
                    }
                    _ => None,
                })
                .collect(),
            _ => None,
        };
        let wrong = || self.wrong("a list of pairs for a dict", "another object");
        entries.map(Object::Dict).ok_or_else(wrong)
    }

    /// A storage of PyTorch by its persistent id:
    /// `("storage", type, key, device, number of elements)`, in old files with one more.
    fn storage(&mut self) -> Result<()> {
        let id = self.pop()?;
        let object = match &self.objects[id] {
            Object::Tuple(parts) => match parts.as_slice() {
                &[word, kind, key, _, count, ref view @ ..] if view.len() <= 1 => {
                    let storage = match &self.objects[word] {
                        Object::Text(word) => word == "storage",
                        Object::Bytes(word) => self.input[word.clone()] == *b"storage",
                        _ => false,
                    };
                    match self.objects[kind] {
                        Object::Global(Global::Storage(element)) if storage => {
                            Some(Object::Storage {
                                element,
                                key,
                                count,
                                view: view.first().copied(),
                            })
                        }
                        _ => None,
                    }
                }
                _ => None,
            },
            _ => None,
        };
        let Some(object) = object else {
            return Err(self.wrong("the persistent id of a storage", "another object"));
        };
        self.push(object);
        Ok(())
    }

    fn add(&mut self, object: Object) -> Id {
        self.objects.push(object);
        self.objects.len() - 1
    }

    /// Gives the object on top its state: an array or a dtype.
    fn build(&mut self) -> Result<()> {
        let (state, top) = (self.pop()?, self.top()?);
        // The attributes of an OrderedDict; PyTorch notes the versions of layers there.
        if let (Object::Dict(_), Object::Dict(_)) = (&self.objects[top], &self.objects[state]) {
            return Ok(());
        }
        let parts = match &self.objects[state] {
            Object::Tuple(parts) if parts.len() <= 16 => parts.clone(),
            _ => return Err(self.wrong("a short tuple of state", "another object")),
        };
        let refused = match (&mut self.objects[top], parts.as_slice()) {
            (Object::Array(array), &[_, shape, dtype, fortran, data]) => {
                *array = Some(ArrayState {
                    shape,
                    dtype,
                    fortran,
                    data,
                });
                false
            }
            (Object::Dtype { state: old, .. }, _) => {
                *old = Some(state);
                false
            }
            _ => true,
        };
        if refused {
            return Err(self.wrong("the state of an array or a dtype", "another object"));
        }
        Ok(())
    }
}
