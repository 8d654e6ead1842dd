//! The key-value part of a header: typed, compact, and read under limits.

use std::{collections::BTreeMap, io::Read};

use super::{Reader, label, malformed};
use crate::{Error, Result};

/// Longest key.
const MAX_KEY_BYTES: u64 = 65_535;
/// Longest string.
const MAX_STRING_BYTES: u64 = 16 << 20;
/// Most strings in all arrays together: five times the largest vocabulary with its merges.
const MAX_ARRAY_STRINGS: u64 = 4 << 20;

/// What a header says about its model, by key.
#[derive(Debug, Clone, Default)]
pub struct Metadata {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    origin: Origin,
    kind: Kind,
    value: Value,
}

/// What an error about a value points at.
#[derive(Debug, Clone)]
enum Origin {
    /// Where the value starts in the file.
    Offset(u64),
    /// A field of another file that the value was derived from.
    Field { file: &'static str, field: String },
}

/// A value that does not come from a GGUF header.
#[derive(Debug, Clone, PartialEq)]
pub enum MetadataValue {
    /// An integer.
    U32(u32),
    /// A float.
    F32(f32),
    /// A boolean.
    Bool(bool),
    /// A string.
    Str(String),
}

#[derive(Debug, Clone)]
enum Value {
    Int(i128),
    Float(f64),
    Bool(bool),
    Str(String),
    Strs(Vec<String>),
    F32s(Vec<f32>),
    I32s(Vec<i32>),
    /// An array of any other type, as in the file.
    Raw(Kind, Vec<u8>),
}

macro_rules! metadata_value_from {
    ($($from:ty => $variant:ident),+) => {
        $(impl From<$from> for MetadataValue {
            fn from(value: $from) -> Self {
                Self::$variant(value)
            }
        })+
    };
}

metadata_value_from!(u32 => U32, f32 => F32, bool => Bool, String => Str);

/// Types of values, with their numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    F32,
    Bool,
    Str,
    Array,
    U64,
    I64,
    F64,
}

impl Kind {
    fn from_id(id: u32) -> Option<Self> {
        use Kind::*;
        const KINDS: [Kind; 13] = [
            U8, I8, U16, I16, U32, I32, F32, Bool, Str, Array, U64, I64, F64,
        ];
        KINDS.get(usize::try_from(id).ok()?).copied()
    }

    /// Bytes of a value; of a string, of its length.
    fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 | Self::Bool => 1,
            Self::U16 | Self::I16 => 2,
            Self::U32 | Self::I32 | Self::F32 => 4,
            Self::U64 | Self::I64 | Self::F64 | Self::Str => 8,
            Self::Array => 12,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::I8 => "i8",
            Self::U16 => "u16",
            Self::I16 => "i16",
            Self::U32 => "u32",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::Bool => "bool",
            Self::Str => "string",
            Self::Array => "array",
            Self::U64 => "u64",
            Self::I64 => "i64",
            Self::F64 => "f64",
        }
    }

    /// The integer in `raw`, which has this type and its size; 0 for types that are no integers.
    fn int(self, raw: &[u8]) -> i128 {
        let mut wide = [0; 8];
        wide[..raw.len()].copy_from_slice(raw);
        let unsigned = u64::from_le_bytes(wide);
        match self {
            Self::U8 | Self::U16 | Self::U32 | Self::U64 | Self::Bool => i128::from(unsigned),
            Self::I8 | Self::I16 | Self::I32 | Self::I64 => {
                let unused = 64 - 8 * u32::try_from(raw.len()).unwrap_or(8);
                i128::from((unsigned.cast_signed() << unused) >> unused)
            }
            Self::F32 | Self::F64 | Self::Str | Self::Array => 0,
        }
    }

    /// The float in `raw`, as [`Kind::int`].
    fn float(raw: &[u8]) -> f64 {
        match *raw {
            [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]),
            _ => 0.0,
        }
    }
}

impl Metadata {
    /// Reads `count` keys with their values.
    pub(super) fn read(reader: &mut Reader<impl Read>, count: u64) -> Result<Self> {
        let mut entries = BTreeMap::new();
        let mut strings_left = MAX_ARRAY_STRINGS;
        for index in 0..count {
            let key_offset = reader.position();
            let key = reader.string(&format!("key {index}"), MAX_KEY_BYTES)?;
            if key.is_empty() {
                return Err(malformed(key_offset, format!("key {index}"), "is empty"));
            }
            let field = label(&key);
            if entries.contains_key(&key) {
                return Err(malformed(key_offset, field, "the key is there twice"));
            }
            let kind = read_kind(reader, &field)?;
            let offset = reader.position();
            let value = read_value(reader, kind, &field, &mut strings_left)?;
            entries.insert(
                key,
                Entry {
                    origin: Origin::Offset(offset),
                    kind,
                    value,
                },
            );
        }
        Ok(Self { entries })
    }

    /// What another container says, under GGUF's keys. Of each value also the field it was derived from.
    pub fn from_values(
        file: &'static str,
        values: impl IntoIterator<Item = (String, MetadataValue, String)>,
    ) -> Self {
        let entry = |(key, value, field)| {
            let (kind, value) = match value {
                MetadataValue::U32(value) => (Kind::U32, Value::Int(value.into())),
                MetadataValue::F32(value) => (Kind::F32, Value::Float(value.into())),
                MetadataValue::Bool(value) => (Kind::Bool, Value::Bool(value)),
                MetadataValue::Str(value) => (Kind::Str, Value::Str(value)),
            };
            let origin = Origin::Field { file, field };
            (
                key,
                Entry {
                    origin,
                    kind,
                    value,
                },
            )
        };
        Self {
            entries: values.into_iter().map(entry).collect(),
        }
    }

    /// Whether the key is there, with a value of any type.
    pub fn contains(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// An integer of any type, if it is not negative and fits.
    pub fn u32(&self, key: &str) -> Result<Option<u32>> {
        self.get(key, "a whole number from 0 to 4294967295", |v| match v {
            Value::Int(int) => u32::try_from(*int).ok(),
            _ => None,
        })
    }

    /// A float, if it is a number and finite.
    pub fn f32(&self, key: &str) -> Result<Option<f32>> {
        self.get(key, "a finite float", |v| match v {
            Value::Float(float) => Some(*float as f32).filter(|f| f.is_finite()),
            _ => None,
        })
    }

    /// A boolean.
    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.get(key, "a bool", |v| match v {
            Value::Bool(bool) => Some(*bool),
            _ => None,
        })
    }

    /// A string.
    pub fn str(&self, key: &str) -> Result<Option<&str>> {
        self.get(key, "a string", |v| match v {
            Value::Str(string) => Some(string.as_str()),
            _ => None,
        })
    }

    /// An array of strings.
    pub fn strings(&self, key: &str) -> Result<Option<&[String]>> {
        self.get(key, "an array of strings", |v| match v {
            Value::Strs(strings) => Some(strings.as_slice()),
            _ => None,
        })
    }

    /// An array of 32-bit floats.
    pub fn f32s(&self, key: &str) -> Result<Option<&[f32]>> {
        self.get(key, "an array of f32", |v| match v {
            Value::F32s(floats) => Some(floats.as_slice()),
            _ => None,
        })
    }

    /// An array of integers of any type, if all fit.
    pub fn i32s(&self, key: &str) -> Result<Option<Vec<i32>>> {
        self.get(key, "an array of integers that fit 32 bits", |v| match v {
            Value::I32s(ints) => Some(ints.clone()),
            Value::Raw(Kind::F64 | Kind::Bool, _) => None,
            Value::Raw(kind, raw) => raw
                .chunks_exact(kind.bytes())
                .map(|chunk| i32::try_from(kind.int(chunk)).ok())
                .collect(),
            _ => None,
        })
    }

    /// The error for a value that breaks a rule of its reader.
    pub fn malformed(&self, key: &str, reason: impl Into<String>) -> Error {
        match self.entries.get(key).map(|entry| &entry.origin) {
            Some(Origin::Field { file, field }) => Error::MalformedFile {
                file: (*file).to_owned(),
                field: label(field),
                reason: reason.into(),
            },
            Some(Origin::Offset(offset)) => malformed(*offset, label(key), reason),
            None => malformed(0, label(key), reason),
        }
    }

    pub(super) fn is_array(&self, key: &str) -> bool {
        self.entries
            .get(key)
            .is_some_and(|entry| entry.kind == Kind::Array)
    }

    pub(super) fn is_array_of_bools(&self, key: &str) -> bool {
        let value = self.entries.get(key).map(|entry| &entry.value);
        matches!(value, Some(Value::Raw(Kind::Bool, _)))
    }

    /// `general.alignment`, which must be a `u32`; 32 where it is absent.
    pub(super) fn alignment(&self) -> Result<u64> {
        const KEY: &str = "general.alignment";
        let Some(entry) = self.entries.get(KEY) else {
            return Ok(32);
        };
        if entry.kind != Kind::U32 {
            let reason = format!("is of type {}; must be u32", entry.kind.name());
            return Err(self.malformed(KEY, reason));
        }
        match self.u32(KEY)? {
            Some(a) if a.is_power_of_two() && (8..=1 << 20).contains(&a) => Ok(u64::from(a)),
            other => Err(self.malformed(
                KEY,
                format!(
                    "is {}; must be a power of two from 8 to 1048576",
                    other.unwrap_or(0)
                ),
            )),
        }
    }

    fn get<'a, T>(
        &'a self,
        key: &str,
        wanted: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(entry) = self.entries.get(key) else {
            return Ok(None);
        };
        match convert(&entry.value) {
            Some(value) => Ok(Some(value)),
            None => {
                let found = match &entry.value {
                    Value::Int(int) => format!("{int} ({})", entry.kind.name()),
                    Value::Float(float) => format!("{float} ({})", entry.kind.name()),
                    Value::Bool(_) | Value::Str(_) => format!("a {}", entry.kind.name()),
                    Value::Strs(_) => "an array of strings".to_owned(),
                    Value::F32s(_) => "an array of f32".to_owned(),
                    Value::I32s(_) => "an array of i32".to_owned(),
                    Value::Raw(kind, _) => format!("an array of {}", kind.name()),
                };
                Err(self.malformed(key, format!("is {found}; must be {wanted}")))
            }
        }
    }
}

fn read_kind(reader: &mut Reader<impl Read>, field: &str) -> Result<Kind> {
    let offset = reader.position();
    let id = reader.u32()?;
    Kind::from_id(id).ok_or_else(|| {
        let reason = format!("is {id}; must be 0 to 12");
        malformed(offset, format!("type of {field}"), reason)
    })
}

fn read_value(
    reader: &mut Reader<impl Read>,
    kind: Kind,
    field: &str,
    strings_left: &mut u64,
) -> Result<Value> {
    match kind {
        Kind::Str => Ok(Value::Str(reader.string(field, MAX_STRING_BYTES)?)),
        Kind::Array => read_array(reader, field, strings_left),
        Kind::Bool => {
            let offset = reader.position();
            match reader.bytes(1)?.first() {
                Some(byte @ (0 | 1)) => Ok(Value::Bool(*byte == 1)),
                _ => Err(malformed(offset, field, "is neither 0 nor 1")),
            }
        }
        Kind::F32 | Kind::F64 => Ok(Value::Float(Kind::float(&reader.bytes(kind.bytes())?))),
        _ => Ok(Value::Int(kind.int(&reader.bytes(kind.bytes())?))),
    }
}

fn read_array(
    reader: &mut Reader<impl Read>,
    field: &str,
    strings_left: &mut u64,
) -> Result<Value> {
    let kind_offset = reader.position();
    let kind = read_kind(reader, &format!("the elements of {field}"))?;
    if kind == Kind::Array {
        return Err(malformed(
            kind_offset,
            format!("type of the elements of {field}"),
            "arrays of arrays are not allowed",
        ));
    }
    let count_offset = reader.position();
    let count = reader.u64()?;
    let too_many = |limit: String| {
        let reason = format!("is {count}; {limit}");
        malformed(count_offset, format!("length of {field}"), reason)
    };
    let size = count
        .checked_mul(kind.bytes() as u64)
        .filter(|size| *size <= reader.header_left())
        .ok_or_else(|| too_many("a header has at most 256 MiB".to_owned()))?;
    if kind == Kind::Str {
        *strings_left = strings_left.checked_sub(count).ok_or_else(|| {
            too_many(format!(
                "a header has at most {MAX_ARRAY_STRINGS} strings in arrays"
            ))
        })?;
        reader.require(size)?;
        let mut strings = Vec::new();
        for index in 0..count {
            let offset = reader.position();
            let string = reader.string_in(MAX_STRING_BYTES).map_err(|error| {
                error.unwrap_or_else(|reason| {
                    malformed(offset, format!("element {index} of {field}"), reason)
                })
            })?;
            strings.push(string);
        }
        strings.shrink_to_fit();
        return Ok(Value::Strs(strings));
    }
    let offset = reader.position();
    let raw = reader.bytes(usize::try_from(size).unwrap_or(usize::MAX))?;
    Ok(match kind {
        Kind::F32 => Value::F32s(
            raw.as_chunks()
                .0
                .iter()
                .map(|c| f32::from_le_bytes(*c))
                .collect(),
        ),
        Kind::I32 => Value::I32s(
            raw.as_chunks()
                .0
                .iter()
                .map(|c| i32::from_le_bytes(*c))
                .collect(),
        ),
        Kind::Bool => {
            if let Some(index) = raw.iter().position(|byte| *byte > 1) {
                let field = format!("element {index} of {field}");
                return Err(malformed(
                    offset + index as u64,
                    field,
                    "is neither 0 nor 1",
                ));
            }
            Value::Raw(kind, raw)
        }
        _ => Value::Raw(kind, raw),
    })
}
