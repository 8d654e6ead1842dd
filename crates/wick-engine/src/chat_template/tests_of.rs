//! What stands behind `is`, and `in`.

use std::cmp::Ordering;

use super::{budget::Budget, failure::Failure, run::Args, value::Value};

/// Whether `value is name` holds.
pub(super) fn check<'a>(
    name: &str,
    value: &Value<'a>,
    args: &Args<'a>,
    budget: &Budget,
) -> Result<bool, Failure> {
    let undefined = Value::Undefined;
    let other = args.positional.first().unwrap_or(&undefined);
    let whole = || {
        let reason = || Failure::error(format!("{} is no integer", value.kind()));
        value.as_int().ok_or_else(reason)
    };
    let cased = |is_wrong: fn(char) -> bool| {
        let text = value.as_str().unwrap_or_default();
        budget.scan(text.len())?;
        Ok(text.chars().any(char::is_alphabetic) && !text.chars().any(is_wrong))
    };
    let order = |wanted: &[Ordering]| Ok(wanted.contains(&value.order(other, budget)?));
    Ok(match name {
        "defined" => !value.is_undefined(),
        "undefined" => value.is_undefined(),
        "none" => matches!(value, Value::None),
        "string" => matches!(value, Value::Text(_)),
        "mapping" => matches!(value, Value::Map(_)),
        "sequence" | "iterable" => matches!(
            value,
            Value::Text(_) | Value::List(_) | Value::Map(_) | Value::Undefined
        ),
        "number" => matches!(value, Value::Bool(_) | Value::Int(_) | Value::Float(_)),
        "integer" => matches!(value, Value::Int(_)),
        "float" => matches!(value, Value::Float(_)),
        "boolean" => matches!(value, Value::Bool(_)),
        "true" => matches!(value, Value::Bool(true)),
        "false" => matches!(value, Value::Bool(false)),
        "callable" => matches!(value, Value::Macro(_) | Value::Function(_)),
        "odd" => whole()? % 2 != 0,
        "even" => whole()? % 2 == 0,
        "divisibleby" => match other.as_int() {
            Some(by) if by != 0 => whole()?.wrapping_rem(by) == 0,
            _ => return Err(Failure::error("divisibleby takes an integer")),
        },
        "upper" => cased(char::is_lowercase)?,
        "lower" => cased(char::is_uppercase)?,
        "eq" | "equalto" | "==" | "sameas" => value.equals(other, budget)?,
        "ne" | "!=" => !value.equals(other, budget)?,
        "lt" | "lessthan" => order(&[Ordering::Less])?,
        "le" => order(&[Ordering::Less, Ordering::Equal])?,
        "gt" | "greaterthan" => order(&[Ordering::Greater])?,
        "ge" => order(&[Ordering::Greater, Ordering::Equal])?,
        "in" => contains(other, value, budget)?,
        _ => return Err(Failure::error(format!("there is no test named {name}"))),
    })
}

/// Whether `value in container` holds.
pub(super) fn contains<'a>(
    container: &Value<'a>,
    value: &Value<'a>,
    budget: &Budget,
) -> Result<bool, Failure> {
    match (container, value) {
        (Value::Text(text), Value::Text(part)) => {
            budget.scan(text.len() + part.len())?;
            Ok(text.as_str().contains(part.as_str()))
        }
        (Value::List(list), _) => {
            for item in &list.items {
                if item.equals(value, budget)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        (Value::Map(_), _) => Ok(container.entry(value, budget)?.is_some()),
        (Value::Undefined, _) => Ok(false),
        _ => {
            let (container, value) = (container.kind(), value.kind());
            Err(Failure::error(format!("{value} cannot be in {container}")))
        }
    }
}
