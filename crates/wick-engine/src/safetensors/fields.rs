//! Reads the fields of `config.json`: typed, with errors that name the field, and what is derived from each noted
//! under GGUF's keys.

use serde_json::{Map, Value};

use super::json::{kind_of, malformed};
use crate::{Error, Result, gguf::MetadataValue};

pub(super) const CONFIG: &str = "config.json";

/// An object of the file. A field that is null is as good as absent, but for [`Fields::u32_or`].
#[derive(Clone)]
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    /// `text_config.`, where the object is a part of another.
    prefix: String,
}

impl<'a> Fields<'a> {
    pub fn new(object: &'a Map<String, Value>) -> Self {
        Self {
            object,
            prefix: String::new(),
        }
    }

    /// The full name of a field.
    pub fn name(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }

    pub fn wrong(&self, field: &str, reason: impl Into<String>) -> Error {
        malformed(CONFIG, &self.name(field), reason)
    }

    pub fn value(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    fn get<T>(
        &self,
        field: &str,
        wanted: &str,
        convert: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.value(field) else {
            return Ok(None);
        };
        let found = match value {
            Value::Number(number) => number.to_string(),
            other => kind_of(other).to_owned(),
        };
        let error = || self.wrong(field, format!("is {found}; must be {wanted}"));
        convert(value).map(Some).ok_or_else(error)
    }

    pub fn u32(&self, field: &str) -> Result<Option<u32>> {
        self.get(field, "a whole number from 0 to 4294967295", |value| {
            u32::try_from(value.as_u64()?).ok()
        })
    }

    /// As [`Fields::u32`], with a value for a field that is absent. Of one that is null there is none.
    pub fn u32_or(&self, field: &str, default: Option<u32>) -> Result<Option<u32>> {
        match self.object.contains_key(field) {
            true => self.u32(field),
            false => Ok(default),
        }
    }

    pub fn f32(&self, field: &str) -> Result<Option<f32>> {
        self.get(field, "a number", finite)
    }

    pub fn f32s(&self, field: &str) -> Result<Option<Vec<f32>>> {
        self.get(field, "a list of numbers", |value| {
            value.as_array()?.iter().map(finite).collect()
        })
    }

    pub fn bool(&self, field: &str) -> Result<Option<bool>> {
        self.get(field, "true or false", Value::as_bool)
    }

    pub fn str(&self, field: &str) -> Result<Option<&'a str>> {
        self.get(field, "a string", Value::as_str)
    }

    pub fn list(&self, field: &str) -> Result<Option<&'a Vec<Value>>> {
        self.get(field, "a list", Value::as_array)
    }

    pub fn strs(&self, field: &str) -> Result<Option<Vec<&'a str>>> {
        self.get(field, "a list of strings", |value| {
            value.as_array()?.iter().map(Value::as_str).collect()
        })
    }

    /// The object under this field.
    pub fn fields(&self, field: &str) -> Result<Option<Self>> {
        let object = self.get(field, "an object", Value::as_object)?;
        Ok(object.map(|object| Self {
            object,
            prefix: format!("{}.", self.name(field)),
        }))
    }

    pub fn needed<T>(&self, field: &str, value: Result<Option<T>>) -> Result<T> {
        value?.ok_or_else(|| self.wrong(field, "is missing"))
    }
}

fn finite(value: &Value) -> Option<f32> {
    let value = value.as_f64()? as f32;
    value.is_finite().then_some(value)
}

/// What has been derived: key, value, and the field it came from.
pub(super) struct Derived {
    pub architecture: &'static str,
    pub values: Vec<(String, MetadataValue, String)>,
}

impl Derived {
    /// Notes a value under a key of the architecture.
    pub fn put(&mut self, suffix: &str, value: impl Into<MetadataValue>, field: String) {
        let key = format!("{}.{suffix}", self.architecture);
        self.put_key(&key, value, field);
    }

    /// Notes a value under a key as it is.
    pub fn put_key(&mut self, key: &str, value: impl Into<MetadataValue>, field: String) {
        self.values.push((key.to_owned(), value.into(), field));
    }
}
