//! The values a template computes with. They are immutable, of limited depth and without cycles: only a namespace
//! changes, and nothing can contain one.

use std::{cell::RefCell, cmp::Ordering, rc::Rc};

use minijinja::machinery::ast;

use super::{budget::Budget, failure::Failure, text::Text};

/// How deep lists and maps may be nested. Templates build three levels, tools come with a dozen.
const MAX_DEPTH: u32 = 128;

#[derive(Clone)]
pub(super) enum Value<'a> {
    Undefined,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<Text>),
    List(Rc<List<'a>>),
    Map(Rc<Map<'a>>),
    Namespace(Rc<RefCell<Vec<(String, Value<'a>)>>>),
    Loop(Rc<Loop<'a>>),
    Macro(Macro<'a>),
    /// A function by its name, or a method that is looked at and not called.
    Function(&'a str),
}

pub(super) struct List<'a> {
    pub items: Vec<Value<'a>>,
    pub is_tuple: bool,
    depth: u32,
}

pub(super) struct Map<'a> {
    pub entries: Vec<(Value<'a>, Value<'a>)>,
    depth: u32,
}

/// `loop` in the body of a loop.
pub(super) struct Loop<'a> {
    pub items: Rc<Vec<Value<'a>>>,
    pub at: usize,
}

#[derive(Clone, Copy)]
pub(super) struct Macro<'a> {
    pub code: &'a ast::Macro<'a>,
    /// How many scopes it sees: those that enclose it.
    pub scopes: usize,
}

impl<'a> From<bool> for Value<'a> {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl<'a> From<usize> for Value<'a> {
    fn from(value: usize) -> Self {
        Self::Int(value as i64)
    }
}

impl<'a> Value<'a> {
    /// Text, paid for.
    pub fn text(text: Text, budget: &Budget) -> Result<Self, Failure> {
        budget.allocate(64 + text.cost())?;
        Ok(Self::Text(Rc::new(text)))
    }

    pub fn list(items: Vec<Value<'a>>, budget: &Budget) -> Result<Self, Failure> {
        Self::sequence(items, false, budget)
    }

    pub fn sequence(
        items: Vec<Value<'a>>,
        is_tuple: bool,
        budget: &Budget,
    ) -> Result<Self, Failure> {
        let depth = depth_of(items.iter(), budget)?;
        Ok(Self::List(Rc::new(List {
            items,
            is_tuple,
            depth,
        })))
    }

    /// A map of entries; of equal keys the last counts, as in Python.
    pub fn map(entries: Vec<(Value<'a>, Value<'a>)>, budget: &Budget) -> Result<Self, Failure> {
        let mut unique: Vec<(Value, Value)> = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            budget.step(unique.len() as u64)?;
            match unique.iter_mut().find(|(known, _)| known.same_key(&key)) {
                Some(entry) => entry.1 = value,
                None => unique.push((key, value)),
            }
        }
        Self::map_of_unique(unique, budget)
    }

    fn map_of_unique(
        entries: Vec<(Value<'a>, Value<'a>)>,
        budget: &Budget,
    ) -> Result<Self, Failure> {
        let depth = depth_of(entries.iter().flat_map(|(k, v)| [k, v]), budget)?;
        Ok(Self::Map(Rc::new(Map { entries, depth })))
    }

    /// A JSON value that `source` wrote.
    pub fn from_json(
        json: &serde_json::Value,
        source: u32,
        budget: &Budget,
    ) -> Result<Self, Failure> {
        use serde_json::Value as Json;
        let text = |string: &str| Self::text(Text::of_source(string, source), budget);
        Ok(match json {
            Json::Null => Self::None,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(int), _) => Self::Int(int),
                (None, Some(float)) => Self::Float(float),
                _ => return Err(Failure::error("a number is too large")),
            },
            Json::String(string) => text(string)?,
            Json::Array(items) => {
                let items = items
                    .iter()
                    .map(|item| Self::from_json(item, source, budget));
                Self::list(items.collect::<Result<_, _>>()?, budget)?
            }
            // serde_json has seen to it that keys are unique.
            Json::Object(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, value)| Ok((text(key)?, Self::from_json(value, source, budget)?)));
                Self::map_of_unique(entries.collect::<Result<_, _>>()?, budget)?
            }
        })
    }

    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text.as_str()),
            _ => None,
        }
    }

    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::Bool(value) => Some((*value).into()),
            _ => None,
        }
    }

    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(float) => Some(*float),
            _ => self.as_int().map(|int| int as f64),
        }
    }

    pub fn is_undefined(&self) -> bool {
        matches!(self, Self::Undefined)
    }

    pub fn is_true(&self) -> bool {
        match self {
            Self::Undefined | Self::None => false,
            Self::Bool(value) => *value,
            Self::Int(int) => *int != 0,
            Self::Float(float) => *float != 0.0,
            Self::Text(text) => text.len() > 0,
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            _ => true,
        }
    }

    /// What Python calls such a value.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Undefined => "undefined",
            Self::None => "None",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::List(list) if list.is_tuple => "tuple",
            Self::List(_) => "list",
            Self::Map(_) => "dict",
            Self::Namespace(_) => "namespace",
            Self::Loop(_) => "loop",
            Self::Macro(_) => "macro",
            Self::Function(_) => "function",
        }
    }

    /// The value of a key, where this is a map that has it.
    pub fn entry(&self, key: &Value<'a>, budget: &Budget) -> Result<Option<Value<'a>>, Failure> {
        let Self::Map(map) = self else {
            return Ok(None);
        };
        budget.step(map.entries.len() as u64)?;
        let found = map.entries.iter().find(|(known, _)| known.same_key(key));
        Ok(found.map(|(_, value)| value.clone()))
    }

    /// The value of a text as the key.
    pub fn member(&self, key: &str, budget: &Budget) -> Result<Option<Value<'a>>, Failure> {
        let Self::Map(map) = self else {
            return Ok(None);
        };
        budget.step(map.entries.len() as u64)?;
        let found = map
            .entries
            .iter()
            .find(|(known, _)| known.as_str() == Some(key));
        Ok(found.map(|(_, value)| value.clone()))
    }

    /// Keys are texts and numbers; lists would have to be compared at a cost.
    fn same_key(&self, other: &Value<'a>) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.as_str() == b.as_str(),
            (Self::None, Self::None) => true,
            _ => matches!((self.as_float(), other.as_float()), (Some(a), Some(b)) if a == b),
        }
    }

    pub fn equals(&self, other: &Value<'a>, budget: &Budget) -> Result<bool, Failure> {
        budget.step(1)?;
        Ok(match (self, other) {
            (Self::Undefined, Self::Undefined) | (Self::None, Self::None) => true,
            (Self::Text(a), Self::Text(b)) => {
                budget.scan(a.len().min(b.len()))?;
                a.as_str() == b.as_str()
            }
            (Self::List(a), Self::List(b)) => {
                if a.items.len() != b.items.len() || a.is_tuple != b.is_tuple {
                    return Ok(false);
                }
                for (a, b) in a.items.iter().zip(&b.items) {
                    if !a.equals(b, budget)? {
                        return Ok(false);
                    }
                }
                true
            }
            (Self::Map(a), Self::Map(b)) => {
                if a.entries.len() != b.entries.len() {
                    return Ok(false);
                }
                for (key, value) in &a.entries {
                    match other.entry(key, budget)? {
                        Some(known) if value.equals(&known, budget)? => {}
                        _ => return Ok(false),
                    }
                }
                true
            }
            (Self::Namespace(a), Self::Namespace(b)) => Rc::ptr_eq(a, b),
            _ => matches!((self.as_float(), other.as_float()), (Some(a), Some(b)) if a == b),
        })
    }

    /// The order of two values, where Python has one.
    pub fn order(&self, other: &Value<'a>, budget: &Budget) -> Result<Ordering, Failure> {
        budget.step(1)?;
        let order = match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => {
                budget.scan(a.len().min(b.len()))?;
                Some(a.as_str().cmp(b.as_str()))
            }
            (Self::List(a), Self::List(b)) => {
                for (a, b) in a.items.iter().zip(&b.items) {
                    match a.order(b, budget)? {
                        Ordering::Equal => {}
                        order => return Ok(order),
                    }
                }
                Some(a.items.len().cmp(&b.items.len()))
            }
            _ => match (self.as_float(), other.as_float()) {
                (Some(a), Some(b)) => a.partial_cmp(&b),
                _ => None,
            },
        };
        order.ok_or_else(|| {
            let (a, b) = (self.kind(), other.kind());
            Failure::error(format!("{a} and {b} have no order"))
        })
    }
}

/// The depth of a list or map of `items`, which are paid for here.
fn depth_of<'v, 'a: 'v>(
    items: impl Iterator<Item = &'v Value<'a>>,
    budget: &Budget,
) -> Result<u32, Failure> {
    let (mut depth, mut count) = (0, 0);
    for item in items {
        count += 1;
        depth = depth.max(match item {
            Value::List(list) => list.depth,
            Value::Map(map) => map.depth,
            Value::Namespace(_) | Value::Loop(_) => {
                return Err(Failure::error(
                    "a namespace or loop cannot be part of a value",
                ));
            }
            _ => 0,
        });
    }
    if depth >= MAX_DEPTH {
        return Err(Failure::Budget("its values are nested too deeply"));
    }
    budget.allocate(64 + count * size_of::<Value>())?;
    Ok(depth + 1)
}
