//! Values as text: as Python prints them, and as its `json.dumps` writes them.

use super::{budget::Budget, failure::Failure, text::Text, value::Value};

/// `str(value)` in Python; nothing for what is undefined.
pub(super) fn to_text(value: &Value<'_>, budget: &Budget) -> Result<Text, Failure> {
    let mut text = Text::default();
    print(value, &mut text, budget)?;
    Ok(text)
}

/// Appends `str(value)`.
pub(super) fn print(value: &Value<'_>, to: &mut Text, budget: &Budget) -> Result<(), Failure> {
    match value {
        Value::Text(text) => {
            budget.allocate(text.cost())?;
            to.push(text);
            Ok(())
        }
        Value::Undefined => Ok(()),
        _ => repr(value, to, budget),
    }
}

fn repr(value: &Value<'_>, to: &mut Text, budget: &Budget) -> Result<(), Failure> {
    budget.allocate(1)?;
    match value {
        Value::Undefined => to.push_str("Undefined", None),
        Value::None => to.push_str("None", None),
        Value::Bool(true) => to.push_str("True", None),
        Value::Bool(false) => to.push_str("False", None),
        Value::Int(int) => to.push_str(&int.to_string(), None),
        Value::Float(float) => to.push_str(&float_text(*float), None),
        Value::Text(text) => {
            budget.allocate(text.cost())?;
            let quote = match text.as_str().contains('\'') && !text.as_str().contains('"') {
                true => "\"",
                false => "'",
            };
            to.push_str(quote, None);
            to.push(&text.map(|c, out| repr_char(c, quote, out)));
            to.push_str(quote, None);
        }
        Value::List(list) => {
            let (open, close) = match (list.is_tuple, list.items.len()) {
                (true, 1) => ("(", ",)"),
                (true, _) => ("(", ")"),
                (false, _) => ("[", "]"),
            };
            to.push_str(open, None);
            for (at, item) in list.items.iter().enumerate() {
                to.push_str(if at > 0 { ", " } else { "" }, None);
                repr(item, to, budget)?;
            }
            to.push_str(close, None);
        }
        Value::Map(map) => {
            to.push_str("{", None);
            for (at, (key, value)) in map.entries.iter().enumerate() {
                to.push_str(if at > 0 { ", " } else { "" }, None);
                repr(key, to, budget)?;
                to.push_str(": ", None);
                repr(value, to, budget)?;
            }
            to.push_str("}", None);
        }
        other => to.push_str(&format!("<{}>", other.kind()), None),
    }
    Ok(())
}

fn repr_char(c: char, quote: &str, out: &mut String) {
    match c {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        c if quote.starts_with(c) => out.extend(['\\', c]),
        c if c.is_control() || (c.is_whitespace() && c != ' ') => {
            let code = u32::from(c);
            out.push_str(&match code {
                0..=0xFF => format!("\\x{code:02x}"),
                _ => format!("\\u{code:04x}"),
            });
        }
        c => out.push(c),
    }
}

/// A float as Python writes it.
fn float_text(float: f64) -> String {
    if !float.is_finite() {
        let name = if float.is_nan() { "nan" } else { "inf" };
        return format!("{}{name}", if float < 0.0 { "-" } else { "" });
    }
    let size = float.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{float:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = float.to_string();
    match text.contains('.') {
        true => text,
        false => text + ".0",
    }
}

/// How `tojson` writes.
pub(super) struct JsonStyle {
    pub indent: Option<String>,
    pub item_separator: String,
    pub key_separator: String,
    pub sort_keys: bool,
    pub ensure_ascii: bool,
}

/// `json.dumps(value)`.
pub(super) fn to_json(
    value: &Value<'_>,
    style: &JsonStyle,
    budget: &Budget,
) -> Result<Text, Failure> {
    let mut text = Text::default();
    json(value, style, 0, &mut text, budget)?;
    Ok(text)
}

fn json(
    value: &Value<'_>,
    style: &JsonStyle,
    level: usize,
    to: &mut Text,
    budget: &Budget,
) -> Result<(), Failure> {
    budget.allocate(1)?;
    let line = |level: usize, to: &mut Text| {
        if let Some(indent) = &style.indent {
            budget.allocate(indent.len() * level + 1)?;
            to.push_str("\n", None);
            to.push_str(&indent.repeat(level), None);
        }
        Ok(())
    };
    match value {
        Value::None => to.push_str("null", None),
        Value::Bool(true) => to.push_str("true", None),
        Value::Bool(false) => to.push_str("false", None),
        Value::Int(int) => to.push_str(&int.to_string(), None),
        Value::Float(float) => {
            let text = float_text(*float);
            let text = text.replace("nan", "NaN").replace("inf", "Infinity");
            to.push_str(&text, None);
        }
        Value::Text(text) => json_string(text, style, to, budget)?,
        Value::List(list) => {
            to.push_str("[", None);
            for (at, item) in list.items.iter().enumerate() {
                if at > 0 {
                    push(&style.item_separator, to, budget)?;
                }
                line(level + 1, to)?;
                json(item, style, level + 1, to, budget)?;
            }
            if !list.items.is_empty() {
                line(level, to)?;
            }
            to.push_str("]", None);
        }
        Value::Map(map) => {
            let mut entries: Vec<_> = map.entries.iter().collect();
            if style.sort_keys {
                budget.step(16 * entries.len() as u64)?;
                entries.sort_by(|(a, _), (b, _)| a.as_str().cmp(&b.as_str()));
            }
            to.push_str("{", None);
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    push(&style.item_separator, to, budget)?;
                }
                line(level + 1, to)?;
                match key {
                    Value::Text(key) => json_string(key, style, to, budget)?,
                    key => {
                        to.push_str("\"", None);
                        json(key, style, level, to, budget)?;
                        to.push_str("\"", None);
                    }
                }
                push(&style.key_separator, to, budget)?;
                json(value, style, level + 1, to, budget)?;
            }
            if !entries.is_empty() {
                line(level, to)?;
            }
            to.push_str("}", None);
        }
        other => {
            let kind = other.kind();
            return Err(Failure::error(format!("{kind} is not JSON serializable")));
        }
    }
    Ok(())
}

fn push(string: &str, to: &mut Text, budget: &Budget) -> Result<(), Failure> {
    budget.allocate(string.len())?;
    to.push_str(string, None);
    Ok(())
}

fn json_string(
    text: &Text,
    style: &JsonStyle,
    to: &mut Text,
    budget: &Budget,
) -> Result<(), Failure> {
    budget.allocate(2 * text.cost())?;
    to.push_str("\"", None);
    to.push(&text.map(|c, out| match c {
        '"' => out.push_str("\\\""),
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{8}' => out.push_str("\\b"),
        '\u{C}' => out.push_str("\\f"),
        c if c < ' ' || (style.ensure_ascii && !c.is_ascii()) => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
        c => out.push(c),
    }));
    to.push_str("\"", None);
    Ok(())
}
