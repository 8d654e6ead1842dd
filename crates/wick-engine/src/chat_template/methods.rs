//! Methods of Python's text, dicts and lists. None of them changes what it is called on.

use super::{
    budget::Budget,
    failure::Failure,
    print,
    run::{Args, Run},
    text::Text,
    value::Value,
};

/// Names that mean a method when they are asked of a dict.
pub(super) const OF_DICT: [&str; 11] = [
    "get",
    "items",
    "keys",
    "values",
    "pop",
    "popitem",
    "update",
    "copy",
    "clear",
    "setdefault",
    "fromkeys",
];

/// `value.name(args)`.
pub(super) fn call<'a>(
    run: &Run<'a, '_>,
    value: &Value<'a>,
    name: &str,
    args: &Args<'a>,
) -> Result<Value<'a>, Failure> {
    let budget = run.budget;
    let unknown = || Failure::error(format!("{} has no method {name}", value.kind()));
    match value {
        Value::Text(text) => of_text(run, text, name, args)?.ok_or_else(unknown),
        Value::Map(map) => match name {
            "get" => {
                let key = args.get(0, "key").ok_or_else(unknown)?;
                let default = || args.get(1, "default").cloned().unwrap_or(Value::None);
                Ok(value.entry(key, budget)?.unwrap_or_else(default))
            }
            "items" => {
                let pairs = map.entries.iter().map(|(key, value)| {
                    Value::sequence(vec![key.clone(), value.clone()], true, budget)
                });
                Value::list(pairs.collect::<Result<_, _>>()?, budget)
            }
            "keys" => Value::list(map.entries.iter().map(|(k, _)| k.clone()).collect(), budget),
            "values" => Value::list(map.entries.iter().map(|(_, v)| v.clone()).collect(), budget),
            "copy" => Ok(value.clone()),
            _ => Err(unknown()),
        },
        Value::List(list) => {
            let item = args.positional.first().ok_or_else(unknown)?;
            let mut places = Vec::new();
            for (at, other) in list.items.iter().enumerate() {
                if other.equals(item, budget)? {
                    places.push(at);
                }
            }
            match (name, places.first()) {
                ("count", _) => Ok(places.len().into()),
                ("index", Some(at)) => Ok((*at).into()),
                ("index", None) => Err(Failure::error("the list has no such item")),
                _ => Err(unknown()),
            }
        }
        _ => Err(unknown()),
    }
}

/// A method of text; nothing where there is none of this name.
fn of_text<'a>(
    run: &Run<'a, '_>,
    text: &Text,
    name: &str,
    args: &Args<'a>,
) -> Result<Option<Value<'a>>, Failure> {
    let budget = run.budget;
    let string = text.as_str();
    // What a method reads; what it makes is paid for where it is made.
    budget.scan(string.len())?;
    let cut = |part: &str| Value::text(text.slice_of(part), budget);
    let texts = |parts: Vec<&str>| {
        let parts = parts.into_iter().map(cut).collect::<Result<_, _>>()?;
        Value::list(parts, budget)
    };
    let wanted = |at, name: &str| {
        let missing = || Failure::error(format!("{name} is missing"));
        args.text(at, name)?.ok_or_else(missing)
    };
    let is = |holds: fn(char) -> bool| !string.is_empty() && string.chars().all(holds);
    let limit = |count: Option<i64>| count.and_then(|n| usize::try_from(n).ok());
    let position = |at: Option<usize>| match at {
        Some(at) => Value::from(string[..at].chars().count()),
        None => Value::Int(-1),
    };
    let value = match name {
        "strip" | "lstrip" | "rstrip" => {
            let chars = args.text(0, "chars")?;
            if let Some(chars) = chars {
                budget.step(string.len() as u64 / 64 * chars.len() as u64 / 16)?;
            }
            let strip = |c: char| match chars {
                Some(chars) => chars.as_str().contains(c),
                None => c.is_whitespace() || ('\x1C'..='\x1F').contains(&c),
            };
            cut(match name {
                "strip" => string.trim_matches(strip),
                "lstrip" => string.trim_start_matches(strip),
                _ => string.trim_end_matches(strip),
            })?
        }
        "split" | "rsplit" => {
            let limit = limit(args.int(1, "maxsplit")?).map_or(usize::MAX, |n| n.saturating_add(1));
            let mut parts: Vec<&str> = match (args.text(0, "sep")?, name) {
                (Some(sep), _) if sep.len() == 0 => return Err(Failure::error("empty separator")),
                (Some(sep), "split") => string.splitn(limit, sep.as_str()).collect(),
                (Some(sep), _) => string.rsplitn(limit, sep.as_str()).collect(),
                (None, "split") => split_whitespace(string, limit),
                (None, _) => string.split_whitespace().rev().collect(),
            };
            if name == "rsplit" {
                parts.reverse();
            }
            texts(parts)?
        }
        "splitlines" => {
            let lines = string
                .split_inclusive('\n')
                .map(|line| match args.flag(0, "keepends") {
                    true => line,
                    false => line.trim_end_matches('\n').trim_end_matches('\r'),
                });
            texts(lines.collect())?
        }
        "partition" | "rpartition" => {
            let sep = wanted(0, "sep")?;
            let found = match name {
                "partition" => string.find(sep.as_str()),
                _ => string.rfind(sep.as_str()),
            };
            let end = string.len();
            let (a, b) = match found {
                Some(at) => (at, at + sep.len()),
                None if name == "partition" => (end, end),
                None => (0, 0),
            };
            let parts = [&string[..a], &string[a..b], &string[b..]].map(cut);
            Value::sequence(parts.into_iter().collect::<Result<_, _>>()?, true, budget)?
        }
        "startswith" | "endswith" => {
            let affixes = match args.get(0, "prefix") {
                Some(Value::List(list)) => list.items.clone(),
                Some(other) => vec![other.clone()],
                None => Vec::new(),
            };
            let fits = |affix: &str| match name {
                "startswith" => string.starts_with(affix),
                _ => string.ends_with(affix),
            };
            affixes
                .iter()
                .any(|affix| affix.as_str().is_some_and(fits))
                .into()
        }
        "removeprefix" => {
            let prefix = wanted(0, "prefix")?;
            cut(string.strip_prefix(prefix.as_str()).unwrap_or(string))?
        }
        "removesuffix" => {
            let suffix = wanted(0, "suffix")?;
            cut(string.strip_suffix(suffix.as_str()).unwrap_or(string))?
        }
        "replace" => {
            let (from, to) = (wanted(0, "old")?, wanted(1, "new")?);
            let count = limit(args.int(2, "count")?).unwrap_or(usize::MAX);
            let found = string.matches(from.as_str()).count().min(count);
            budget.allocate(
                string
                    .len()
                    .saturating_add(found.saturating_mul(to.cost() + 32)),
            )?;
            Value::text(text.replace(from.as_str(), to, count), budget)?
        }
        "upper" => Value::text(text.map(|c, out| out.extend(c.to_uppercase())), budget)?,
        "lower" => Value::text(text.map(|c, out| out.extend(c.to_lowercase())), budget)?,
        "title" | "capitalize" => {
            let mut inside = false;
            let cased = text.map(|c, out| {
                match inside {
                    true => out.extend(c.to_lowercase()),
                    false => out.extend(c.to_uppercase()),
                }
                inside = name == "capitalize" || c.is_alphabetic();
            });
            Value::text(cased, budget)?
        }
        "find" => position(string.find(wanted(0, "sub")?.as_str())),
        "rfind" => position(string.rfind(wanted(0, "sub")?.as_str())),
        "index" => match string.find(wanted(0, "sub")?.as_str()) {
            None => return Err(Failure::error("substring not found")),
            at => position(at),
        },
        "count" => string.matches(wanted(0, "sub")?.as_str()).count().into(),
        "isdigit" | "isnumeric" | "isdecimal" => is(char::is_numeric).into(),
        "isalpha" => is(char::is_alphabetic).into(),
        "isalnum" => is(char::is_alphanumeric).into(),
        "isspace" => is(char::is_whitespace).into(),
        "isupper" | "islower" => {
            let wrong = if name == "isupper" {
                char::is_lowercase
            } else {
                char::is_uppercase
            };
            (string.chars().any(char::is_alphabetic) && !string.chars().any(wrong)).into()
        }
        "join" => {
            let items = args.get(0, "iterable").cloned().unwrap_or(Value::Undefined);
            join(text, &run.items(&items)?, budget)?
        }
        "format" => brace_format(text, args, budget)?,
        _ => return Ok(None),
    };
    Ok(Some(value))
}

/// Words, at most `limit` of them: the last then keeps what follows.
fn split_whitespace(string: &str, limit: usize) -> Vec<&str> {
    let (mut words, mut rest) = (Vec::new(), string.trim_start());
    while !rest.is_empty() {
        let end = match words.len() + 1 < limit {
            true => rest.find(char::is_whitespace).unwrap_or(rest.len()),
            false => rest.len(),
        };
        words.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    words
}

/// The items as text with a separator between them.
pub(super) fn join<'a>(
    separator: &Text,
    items: &[Value<'a>],
    budget: &Budget,
) -> Result<Value<'a>, Failure> {
    let mut joined = Text::default();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            budget.allocate(separator.cost())?;
            joined.push(separator);
        }
        print::print(item, &mut joined, budget)?;
    }
    Value::text(joined, budget)
}

/// `text % values`, for `%s` and `%d`.
pub(super) fn percent_format<'a>(
    format: &Text,
    values: &Value<'a>,
    budget: &Budget,
) -> Result<Value<'a>, Failure> {
    let mut values = match values {
        Value::List(list) if list.is_tuple => list.items.clone(),
        value => vec![value.clone()],
    }
    .into_iter();
    let (mut text, mut rest) = (Text::default(), format.as_str());
    while let Some(at) = rest.find('%') {
        text.push(&format.slice_of(&rest[..at]));
        match (rest.as_bytes().get(at + 1), values.len()) {
            (Some(b'%'), _) => text.push_str("%", None),
            (Some(b's' | b'd' | b'i'), 1..) => {
                let value = values.next().unwrap_or(Value::Undefined);
                print::print(&value, &mut text, budget)?;
            }
            _ => return Err(Failure::error("this format is not supported")),
        }
        rest = &rest[at + 2..];
    }
    text.push(&format.slice_of(rest));
    Value::text(text, budget)
}

/// `text.format(…)`, for plain fields.
fn brace_format<'a>(format: &Text, args: &Args<'a>, budget: &Budget) -> Result<Value<'a>, Failure> {
    let unsupported = || Failure::error("this format is not supported");
    let (mut text, mut rest, mut next) = (Text::default(), format.as_str(), 0);
    while let Some(at) = rest.find(['{', '}']) {
        text.push(&format.slice_of(&rest[..at]));
        let field = &rest[at..];
        if let Some(after) = field
            .strip_prefix("{{")
            .or_else(|| field.strip_prefix("}}"))
        {
            text.push(&format.slice_of(&field[..1]));
            rest = after;
            continue;
        }
        let end = field
            .find('}')
            .filter(|end| *end > 0)
            .ok_or_else(unsupported)?;
        let name = &field[1..end];
        let value = match (name, name.parse()) {
            ("", _) => {
                next += 1;
                args.positional.get(next - 1)
            }
            (_, Ok(at)) => args.positional.get::<usize>(at),
            _ => args.get(usize::MAX, name),
        };
        print::print(value.ok_or_else(unsupported)?, &mut text, budget)?;
        rest = &field[end + 1..];
    }
    text.push(&format.slice_of(rest));
    Value::text(text, budget)
}
