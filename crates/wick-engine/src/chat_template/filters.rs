//! The filters templates use.

use std::rc::Rc;

use super::{
    failure::Failure,
    methods, print,
    run::{Args, Run},
    tests_of,
    text::Text,
    value::Value,
};

/// `value | name(args)`.
pub(super) fn apply<'a>(
    run: &Run<'a, '_>,
    name: &str,
    value: Value<'a>,
    args: &Args<'a>,
) -> Result<Value<'a>, Failure> {
    let budget = run.budget;
    match name {
        "safe" => Ok(value),
        "string" => Value::text(print::to_text(&value, budget)?, budget),
        // Filters that are methods of text, for values of any kind.
        "trim" => of_text(run, "strip", &value, args),
        "upper" | "lower" | "title" | "capitalize" | "replace" => of_text(run, name, &value, args),
        "e" | "escape" | "forceescape" => {
            let text = print::to_text(&value, budget)?;
            budget.allocate(6 * text.len())?;
            let escaped = text.map(|c, out| match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&#34;"),
                '\'' => out.push_str("&#39;"),
                c => out.push(c),
            });
            Value::text(escaped, budget)
        }
        "indent" => indent(run, &value, args),
        "tojson" => tojson(run, &value, args),
        "default" | "d" => {
            let missing = value.is_undefined() || (args.flag(1, "boolean") && !value.is_true());
            let default = || args.get(0, "default_value").cloned();
            Ok(match missing {
                true => default().unwrap_or_else(|| super::expression::plain("")),
                false => value,
            })
        }
        "length" | "count" => match &value {
            Value::Text(text) => {
                budget.scan(text.len())?;
                Ok(text.as_str().chars().count().into())
            }
            Value::List(_) | Value::Map(_) | Value::Undefined => {
                Ok(run.items(&value)?.len().into())
            }
            other => Err(Failure::error(format!("{} has no length", other.kind()))),
        },
        "int" | "float" => {
            let text = value.as_str().map(str::trim);
            let float = value.as_float().or_else(|| text?.parse().ok());
            if name == "float" {
                return Ok(Value::Float(float.unwrap_or(0.0)));
            }
            let int = value.as_int().or_else(|| text?.parse().ok());
            Ok(Value::Int(int.or(float.map(|f| f as i64)).unwrap_or(0)))
        }
        "abs" => match (value.as_int(), value.as_float()) {
            (Some(int), _) => Ok(Value::Int(int.saturating_abs())),
            (None, Some(float)) => Ok(Value::Float(float.abs())),
            _ => Err(Failure::error(format!("{} has no size", value.kind()))),
        },
        "round" => {
            let digits = args.int(0, "precision")?.unwrap_or(0).clamp(-15, 15);
            let scale = 10f64.powi(digits as i32);
            let float = value.as_float().unwrap_or(0.0);
            Ok(Value::Float((float * scale).round_ties_even() / scale))
        }
        "items" => match &value {
            Value::Undefined => Value::list(Vec::new(), budget),
            _ => methods::call(run, &value, "items", &Args::default()),
        },
        "dictsort" => {
            let Value::Map(map) = &value else {
                return Err(Failure::error("dictsort takes a dict"));
            };
            let entries = map.entries.iter().map(|(key, value)| {
                Value::sequence(vec![key.clone(), value.clone()], true, budget)
            });
            let entries = entries.collect::<Result<Vec<_>, _>>()?;
            let by = |entry: &Value<'a>| run.item(entry, &Value::Int(0));
            sorted(run, entries, args.flag(2, "reverse"), false, &by)
        }
        "list" => Value::list(Vec::clone(&*run.items(&value)?), budget),
        "first" => Ok(run
            .items(&value)?
            .first()
            .cloned()
            .unwrap_or(Value::Undefined)),
        "last" => Ok(run
            .items(&value)?
            .last()
            .cloned()
            .unwrap_or(Value::Undefined)),
        "reverse" => {
            let items = run.items(&value)?;
            if let Value::Text(_) = value {
                let reversed: Vec<Value> = items.iter().rev().cloned().collect();
                return methods::join(&Text::default(), &reversed, budget);
            }
            Value::list(items.iter().rev().cloned().collect(), budget)
        }
        "join" => {
            let separator = args
                .text(0, "d")?
                .map(|text| Text::clone(text))
                .unwrap_or_default();
            let items = run.items(&value)?;
            match args.get(1, "attribute") {
                None => methods::join(&separator, &items, budget),
                Some(attribute) => {
                    let parts = items.iter().map(|item| path(run, item, attribute));
                    methods::join(&separator, &parts.collect::<Result<Vec<_>, _>>()?, budget)
                }
            }
        }
        "sum" | "min" | "max" => {
            let items = run.items(&value)?;
            let Some(mut result) = items.first().cloned() else {
                return Ok(if name == "sum" {
                    Value::Int(0)
                } else {
                    Value::Undefined
                });
            };
            for item in &items[1..] {
                result = match name {
                    "sum" => match (result.as_int(), item.as_int()) {
                        (Some(a), Some(b)) => Value::Int(a.saturating_add(b)),
                        _ => return Err(Failure::error("sum takes integers")),
                    },
                    _ if (item.order(&result, budget)?.is_lt()) == (name == "min") => item.clone(),
                    _ => result,
                };
            }
            Ok(result)
        }
        "sort" => {
            let ignore_case = !args.flag(1, "case_sensitive");
            let attribute = args.get(2, "attribute");
            let by = |item: &Value<'a>| match attribute {
                Some(attribute) => path(run, item, attribute),
                None => Ok(item.clone()),
            };
            let items = Vec::clone(&*run.items(&value)?);
            sorted(run, items, args.flag(0, "reverse"), ignore_case, &by)
        }
        "unique" => {
            let mut unique: Vec<Value> = Vec::new();
            for item in run.items(&value)?.iter() {
                let mut known = false;
                for other in &unique {
                    known = known || other.equals(item, budget)?;
                }
                if !known {
                    unique.push(item.clone());
                }
            }
            Value::list(unique, budget)
        }
        // Of nothing, as of an empty list: nothing is left.
        "map" | "select" | "reject" | "selectattr" | "rejectattr" if !value.is_true() => {
            Value::list(Vec::new(), budget)
        }
        "map" => {
            let rest = Args {
                positional: args.positional.iter().skip(1).cloned().collect(),
                named: args.named.clone(),
            };
            let attribute = args.named.iter().find(|(name, _)| name == "attribute");
            let mapped = |item: &Value<'a>| match (attribute, args.positional.first()) {
                (Some((_, attribute)), _) => {
                    let found = path(run, item, attribute)?;
                    let default = args.named.iter().find(|(name, _)| name == "default");
                    Ok(match default {
                        Some((_, default)) if found.is_undefined() => default.clone(),
                        _ => found,
                    })
                }
                (None, Some(Value::Text(filter))) => {
                    budget.deeper(|| apply(run, filter.as_str(), item.clone(), &rest))
                }
                _ => Err(Failure::error("map takes a filter or an attribute")),
            };
            let items = run.items(&value)?;
            Value::list(items.iter().map(mapped).collect::<Result<_, _>>()?, budget)
        }
        "select" | "reject" | "selectattr" | "rejectattr" => {
            let by_attribute = name.ends_with("attr");
            let mut kept = Vec::new();
            let at = usize::from(by_attribute);
            let test = args.positional.get(at).and_then(Value::as_str);
            let rest = Args {
                positional: args.positional.iter().skip(at + 1).cloned().collect(),
                named: Vec::new(),
            };
            for item in run.items(&value)?.iter() {
                let tested = match args.positional.first() {
                    Some(attribute) if by_attribute => path(run, item, attribute)?,
                    _ => item.clone(),
                };
                let holds = match test {
                    Some(test) => tests_of::check(test, &tested, &rest, budget)?,
                    None => tested.is_true(),
                };
                if holds != name.starts_with("reject") {
                    kept.push(item.clone());
                }
            }
            Value::list(kept, budget)
        }
        _ => Err(Failure::error(format!("there is no filter named {name}"))),
    }
}

/// A method of text, of what the value reads as.
fn of_text<'a>(
    run: &Run<'a, '_>,
    method: &str,
    value: &Value<'a>,
    args: &Args<'a>,
) -> Result<Value<'a>, Failure> {
    let text = Value::text(print::to_text(value, run.budget)?, run.budget)?;
    methods::call(run, &text, method, args)
}

/// An attribute, or a path of them with dots.
fn path<'a>(run: &Run<'a, '_>, item: &Value<'a>, path: &Value<'a>) -> Result<Value<'a>, Failure> {
    let Some(names) = path.as_str() else {
        return run.item(item, path);
    };
    let mut value = item.clone();
    for name in names.split('.') {
        let key = match name.parse() {
            Ok(at) => Value::Int(at),
            Err(_) => super::expression::plain(name),
        };
        value = run.item(&value, &key)?;
    }
    Ok(value)
}

fn sorted<'a>(
    run: &Run<'a, '_>,
    items: Vec<Value<'a>>,
    reverse: bool,
    ignore_case: bool,
    by: &dyn Fn(&Value<'a>) -> Result<Value<'a>, Failure>,
) -> Result<Value<'a>, Failure> {
    let mut keyed = Vec::with_capacity(items.len());
    for item in items {
        let mut key = by(&item)?;
        if let (Value::Text(text), true) = (&key, ignore_case) {
            run.budget.allocate(text.len())?;
            key = Value::Text(Rc::new(text.as_str().to_lowercase().as_str().into()));
        }
        keyed.push((key, item));
    }
    let mut failure = None;
    keyed.sort_by(|(a, _), (b, _)| {
        let order = a.order(b, run.budget).unwrap_or_else(|error| {
            failure.get_or_insert(error);
            std::cmp::Ordering::Equal
        });
        if reverse { order.reverse() } else { order }
    });
    match failure {
        Some(failure) => Err(failure),
        None => Value::list(
            keyed.into_iter().map(|(_, item)| item).collect(),
            run.budget,
        ),
    }
}

fn indent<'a>(run: &Run<'a, '_>, value: &Value<'a>, args: &Args<'a>) -> Result<Value<'a>, Failure> {
    let text = print::to_text(value, run.budget)?;
    let indent = match args.get(0, "width") {
        Some(Value::Text(indent)) => indent.as_str().to_owned(),
        _ => " ".repeat(args.int(0, "width")?.unwrap_or(4).clamp(0, 64) as usize),
    };
    let (first, blank) = (args.flag(1, "first"), args.flag(2, "blank"));
    let mut indented = Text::default();
    for (at, line) in text.as_str().split('\n').enumerate() {
        run.budget.allocate(line.len() + indent.len() + 1)?;
        indented.push_str(if at > 0 { "\n" } else { "" }, None);
        if (at > 0 || first) && (blank || at == 0 || !line.is_empty()) {
            indented.push_str(&indent, None);
        }
        indented.push(&text.slice_of(line));
    }
    Value::text(indented, run.budget)
}

fn tojson<'a>(run: &Run<'a, '_>, value: &Value<'a>, args: &Args<'a>) -> Result<Value<'a>, Failure> {
    let indent = match args.get(1, "indent") {
        None | Some(Value::None) => None,
        Some(Value::Text(indent)) => Some(indent.as_str().to_owned()),
        Some(width) => Some(" ".repeat(width.as_int().unwrap_or(0).clamp(0, 64) as usize)),
    };
    let separators = match args.get(2, "separators") {
        None | Some(Value::None) => None,
        Some(pair) => Some(run.items(pair)?),
    };
    let separator = |at: usize, default: &str| {
        let given = separators.as_ref().and_then(|pair| pair.get(at)?.as_str());
        given.unwrap_or(default).to_owned()
    };
    let style = print::JsonStyle {
        item_separator: separator(0, if indent.is_some() { "," } else { ", " }),
        key_separator: separator(1, ": "),
        sort_keys: args.flag(3, "sort_keys"),
        ensure_ascii: args.flag(0, "ensure_ascii"),
        indent,
    };
    Value::text(print::to_json(value, &style, run.budget)?, run.budget)
}
