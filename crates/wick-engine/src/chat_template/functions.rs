//! The functions templates call.

use std::{cell::RefCell, rc::Rc};

use super::{
    date,
    failure::Failure,
    run::{Args, Run},
    value::Value,
};

/// Names of the functions there are.
pub(super) const NAMES: [&str; 5] = [
    "raise_exception",
    "strftime_now",
    "namespace",
    "range",
    "dict",
];

/// Longest date format.
const MAX_FORMAT_BYTES: usize = 256;

pub(super) fn call<'a>(
    run: &Run<'a, '_>,
    name: &str,
    args: Args<'a>,
) -> Result<Value<'a>, Failure> {
    match name {
        "raise_exception" => Err(Failure::error(match args.text(0, "message")? {
            Some(message) => message.as_str(),
            None => "it refuses the conversation",
        })),
        "strftime_now" => match args.text(0, "format")? {
            Some(format) if format.len() <= MAX_FORMAT_BYTES => {
                let date = date::strftime(format.as_str(), run.now);
                Value::text(date.as_str().into(), run.budget)
            }
            _ => Err(Failure::error("strftime_now takes a short format")),
        },
        "namespace" | "dict" => {
            let mut entries = Vec::new();
            if let Some(Value::Map(map)) = args.positional.first() {
                entries.extend(map.entries.iter().cloned());
            }
            for (name, value) in args.named {
                let name = Value::text(name.as_str().into(), run.budget)?;
                entries.push((name, value));
            }
            // What holds a namespace could come to hold itself: a map refuses that.
            let map = Value::map(entries, run.budget)?;
            let Value::Map(entries) = &map else {
                return Ok(map);
            };
            if name == "dict" {
                return Ok(map);
            }
            let named = |(key, value): &(Value<'a>, Value<'a>)| {
                (key.as_str().unwrap_or_default().to_owned(), value.clone())
            };
            let entries = entries.entries.iter().map(named).collect();
            Ok(Value::Namespace(Rc::new(RefCell::new(entries))))
        }
        "range" => {
            let number = |at| args.int(at, "a border of the range");
            let (start, stop) = match (number(0)?, number(1)?) {
                (Some(stop), None) => (0, stop),
                (start, stop) => (start.unwrap_or(0), stop.unwrap_or(0)),
            };
            let step = number(2)?.unwrap_or(1);
            if step == 0 {
                return Err(Failure::error("the step of a range cannot be 0"));
            }
            let distance = i128::from(stop) - i128::from(start);
            let count = (distance * i128::from(step.signum()) + i128::from(step.unsigned_abs())
                - 1)
                / i128::from(step.unsigned_abs());
            let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
            run.budget
                .allocate(count.saturating_mul(size_of::<Value>()))?;
            let items = (0..count).map(|at| Value::Int(start + at as i64 * step));
            Value::list(items.collect(), run.budget)
        }
        _ => Err(Failure::error(format!("{name} cannot be called"))),
    }
}
