//! The types of tensors. Invariant: a type that is not known is an error that names it,
//! and every known one has an exact place among [`Values`].

use crate::{
    Result,
    array::{Dtype, Values},
};

/// The type of a storage's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F16,
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    Bool,
}

impl Element {
    /// By the first part of the storage's name: `Float` of `FloatStorage`.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "Half" => Self::F16,
            "BFloat16" => Self::Bf16,
            "Float" => Self::F32,
            "Double" => Self::F64,
            "Char" => Self::I8,
            "Short" => Self::I16,
            "Int" => Self::I32,
            "Long" => Self::I64,
            "Byte" => Self::U8,
            "Bool" => Self::Bool,
            _ => return None,
        })
    }

    /// Bytes of one element.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::F32 | Self::I32 => 4,
            Self::F64 | Self::I64 => 8,
        }
    }

    /// Bytes of one element once it is decoded.
    pub(crate) fn decoded_size(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 | Self::F32 => 4,
            Self::U8 => 1,
            _ => 8,
        }
    }

    /// Decodes elements that lie one behind the other.
    pub(crate) fn decode(self, bytes: &[u8], big_endian: bool, place: &str) -> Result<Values> {
        let code = match self {
            Self::F16 => return Ok(Values::F32(halves(bytes, big_endian, f32_of_f16))),
            // The upper half of an f32.
            Self::Bf16 => {
                let widen = |bits| f32::from_bits(u32::from(bits) << 16);
                return Ok(Values::F32(halves(bytes, big_endian, widen)));
            }
            Self::F32 => "f4",
            Self::F64 => "f8",
            Self::I8 => "i1",
            Self::I16 => "i2",
            Self::I32 => "i4",
            Self::I64 => "i8",
            Self::U8 => "u1",
            Self::Bool => "b1",
        };
        let mut dtype = Dtype::parse(code, place)?;
        dtype.set_byte_order(if big_endian { ">" } else { "<" });
        dtype.decode(bytes, bytes.len() / self.size(), place)
    }
}

fn halves(bytes: &[u8], big_endian: bool, widen: impl Fn(u16) -> f32) -> Vec<f32> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let bits = pairs.iter().map(|pair| {
        if big_endian {
            u16::from_be_bytes(*pair)
        } else {
            u16::from_le_bytes(*pair)
        }
    });
    bits.map(widen).collect()
}

/// IEEE 754 binary16 to binary32, which holds every value of it.
fn f32_of_f16(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let (exponent, fraction) = (bits >> 10 & 0x1f, u32::from(bits & 0x3ff));
    match exponent {
        0 => {
            // Zero and the subnormal numbers: multiples of 2^-24.
            let magnitude = fraction as f32 / (1 << 24) as f32;
            f32::from_bits(magnitude.to_bits() | sign)
        }
        0x1f => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (u32::from(exponent) + 112) << 23 | fraction << 13),
    }
}
