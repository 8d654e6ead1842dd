//! Whatever a model would rather say, the text is what was asked for.

use std::sync::LazyLock;

use serde::de::IgnoredAny;

use super::*;
use crate::{
    gguf::ValidatedGguf,
    sampling::{Sampler, SamplingParams},
    testkit::tiny_model,
    tokenizer::Tokenizer,
};

struct Vocabulary {
    tokenizer: Tokenizer,
    factory: ConstraintFactory,
}

/// Every byte is a token, so characters beyond ASCII are written in parts.
static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), tiny_model("llama").writer().unwrap().bytes()).unwrap();
    let gguf = ValidatedGguf::open(file.path()).unwrap();
    let tokenizer = Tokenizer::from_gguf(&gguf).unwrap();
    let factory = ConstraintFactory::new(&tokenizer).unwrap();
    Vocabulary { tokenizer, factory }
});

fn start(constraint: &Constraint) -> Result<ConstraintState> {
    VOCABULARY.factory.start(constraint)
}

/// Writes under a constraint as a model would that has no idea of it: the logits are random.
fn write(constraint: &Constraint, seed: u32, temperature: f32) -> String {
    let Vocabulary { tokenizer, .. } = &*VOCABULARY;
    let mut state = start(constraint).unwrap();
    let params = SamplingParams {
        temperature,
        top_k: 0,
        top_p: 1.0,
        min_p: 0.0,
        seed: Some(seed),
        ..Default::default()
    };
    let mut sampler = Sampler::new(params).unwrap();
    let (mut text, mut random) = (Vec::new(), seed);
    while !state.is_finished() {
        assert!(text.len() < 20_000, "no end: {}", lossy(&text));
        let logits: Vec<f32> = (0..tokenizer.vocabulary_size())
            .map(|_| {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (random >> 8) as f32 / (1 << 22) as f32
            })
            .collect();
        let sampled = sampler.sample_with(&logits, Some(state.mask().unwrap()));
        let token = sampled.unwrap().token;
        state.accept(token).unwrap();
        if !tokenizer.is_end_of_turn(token) {
            text.extend(tokenizer.token_bytes(token));
        }
    }
    String::from_utf8(text).unwrap()
}

fn lossy(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}

/// Writes with several seeds and temperatures, and holds every text to a check.
fn check(constraint: &Constraint, fits: impl Fn(&str) -> bool) {
    for (seed, temperature) in [(1, 0.0), (2, 0.3), (3, 1.0), (4, 2.0), (5, 2.0), (6, 1.0)] {
        let text = write(constraint, seed, temperature);
        assert!(fits(&text), "seed {seed}: {text:?}");
    }
}

fn check_schema(schema: Value, fits: impl Fn(&Value) -> bool) {
    check(&Constraint::JsonSchema(schema), |text| {
        serde_json::from_str(text).is_ok_and(|value: Value| fits(&value))
    });
}

fn has_keys(value: &Value, keys: &[&str]) -> bool {
    value
        .as_object()
        .is_some_and(|object| object.keys().eq(keys.iter().copied()))
}

fn length(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

#[test]
fn any_json_is_json() {
    for constraint in [Constraint::Json, Constraint::JsonSchema(json!(true))] {
        // Not as values: numbers may be larger than any type holds.
        check(&constraint, |text| {
            serde_json::from_str::<IgnoredAny>(text).is_ok()
        });
    }
}

#[test]
fn nested_objects_have_what_the_schema_requires_and_nothing_else() {
    let schema = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "minLength": 2, "maxLength": 8 },
            "place": {
                "type": "object",
                "properties": {
                    "zip": { "type": "string", "pattern": "^[0-9]{5}$" },
                    "known": { "type": "boolean" },
                },
                "required": ["zip", "known"],
                "additionalProperties": false,
            },
        },
        "required": ["name", "place"],
        "additionalProperties": false,
    });
    check_schema(schema, |value| {
        let place = &value["place"];
        let zip = place["zip"].as_str().unwrap_or_default();
        has_keys(value, &["name", "place"])
            && has_keys(place, &["zip", "known"])
            && (2..=8).contains(&length(&value["name"]))
            && zip.len() == 5
            && zip.bytes().all(|byte| byte.is_ascii_digit())
            && place["known"].is_boolean()
    });
}

#[test]
fn enums_arrays_and_definitions_are_kept_to() {
    let schema = json!({
        "$defs": { "colour": { "enum": ["red", "grün", 7, null] } },
        "type": "array",
        "items": { "$ref": "#/$defs/colour" },
        "minItems": 2,
        "maxItems": 4,
    });
    let colours = [json!("red"), json!("grün"), json!(7), Value::Null];
    check_schema(schema, |value| {
        value.as_array().is_some_and(|items| {
            (2..=4).contains(&items.len()) && items.iter().all(|item| colours.contains(item))
        })
    });
}

#[test]
fn numbers_are_of_their_kind_and_range() {
    check_schema(
        json!({ "type": "integer", "minimum": -20, "maximum": 300 }),
        |value| value.as_i64().is_some_and(|n| (-20..=300).contains(&n)),
    );
    check_schema(
        json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 1.5 }),
        |value| value.as_f64().is_some_and(|n| n > 0.0 && n <= 1.5),
    );
    check_schema(
        json!({ "type": "integer", "multipleOf": 15, "minimum": 0, "maximum": 2000 }),
        |value| value.as_u64().is_some_and(|n| n % 15 == 0),
    );
    check_schema(json!({ "type": "string", "format": "date" }), |value| {
        let parts: Vec<usize> = value.as_str().unwrap().split('-').map(str::len).collect();
        parts == [4, 2, 2]
    });
}

#[test]
fn a_regular_expression_matches_the_whole_text() {
    check(
        &Constraint::Regex(r"^[A-F][0-9]{2,4}(/x|\.\.)+$".into()),
        |text| {
            let rest = text.trim_start_matches(|c| ('A'..='F').contains(&c));
            let digits = rest.chars().take_while(char::is_ascii_digit).count();
            let tail = rest[digits..].replace("/x", "").replace("..", "");
            rest.len() + 1 == text.len()
                && (2..=4).contains(&digits)
                && tail.is_empty()
                && rest.len() > digits
        },
    );
}

#[test]
fn characters_beyond_ascii_are_written_whole_though_each_token_is_a_byte() {
    check(&Constraint::Regex("[а-я]{3,9}(🕯|ß)".into()), |text| {
        let letters = text.trim_end_matches(['🕯', 'ß']);
        letters.chars().all(|c| ('а'..='я').contains(&c))
            && (3..=9).contains(&letters.chars().count())
            && text.chars().count() == letters.chars().count() + 1
    });
}

#[test]
fn a_grammar_nests() {
    let grammar = r#"
        start: sum
        sum: product (("+" | "-") product)~0..2
        product: factor (("*" | "/") factor)~0..2
        factor: NUMBER | "(" sum ")"
        NUMBER: /[0-9]{1,3}/
    "#;
    let grammar = grammar.replace("~0..2", "{0,2}");
    check(&Constraint::Grammar(grammar), |text| {
        let (end, value) = sum(text.as_bytes(), 0);
        end == text.len() && value
    });

    /// Reads a sum as the grammar has it: where it ends, and whether it is one.
    fn sum(text: &[u8], at: usize) -> (usize, bool) {
        let (mut at, mut good) = product(text, at);
        while good && matches!(text.get(at), Some(b'+' | b'-')) {
            (at, good) = product(text, at + 1);
        }
        (at, good)
    }

    fn product(text: &[u8], at: usize) -> (usize, bool) {
        let (mut at, mut good) = factor(text, at);
        while good && matches!(text.get(at), Some(b'*' | b'/')) {
            (at, good) = factor(text, at + 1);
        }
        (at, good)
    }

    fn factor(text: &[u8], at: usize) -> (usize, bool) {
        if text.get(at) == Some(&b'(') {
            let (end, good) = sum(text, at + 1);
            return (end + 1, good && text.get(end) == Some(&b')'));
        }
        let digits = text[at..].iter().take_while(|byte| byte.is_ascii_digit());
        let digits = digits.count();
        (at + digits, (1..=3).contains(&digits))
    }
}

/// Accepts the tokens of a text.
fn accept(state: &mut ConstraintState, text: &str) -> Result<()> {
    for &byte in text.as_bytes() {
        let token = (0..VOCABULARY.tokenizer.vocabulary_size() as u32)
            .find(|&token| VOCABULARY.tokenizer.token_bytes(token) == [byte])
            .unwrap();
        state.accept(token)?;
    }
    Ok(())
}

fn end_token() -> u32 {
    (0..VOCABULARY.tokenizer.vocabulary_size() as u32)
        .find(|&token| VOCABULARY.tokenizer.is_end_of_turn(token))
        .unwrap()
}

#[test]
fn the_end_is_allowed_only_where_the_text_is_complete() {
    let constraint = Constraint::Regex("ab{2,4}".into());
    for (text, may_end, finished) in [
        ("", false, false),
        ("ab", false, false),
        ("abb", true, false),
        ("abbb", true, false),
        ("abbbb", true, true),
    ] {
        let mut state = start(&constraint).unwrap();
        accept(&mut state, text).unwrap();
        assert_eq!(state.is_finished(), finished, "{text}");
        assert_eq!(state.mask().unwrap().allows(end_token()), may_end, "{text}");
        assert_eq!(state.accept(end_token()).is_ok(), may_end, "{text}");
        assert_eq!(state.is_finished(), may_end, "{text}");
        assert!(state.accept(end_token()).is_err(), "{text}");
    }
    let mut state = start(&constraint).unwrap();
    accept(&mut state, "abbbb").unwrap();
    assert!(state.mask().unwrap().allows(end_token()));
    assert!(!(0..256).any(|token| state.mask().unwrap().allows(token)));
}

#[test]
fn a_token_that_was_not_allowed_is_refused() {
    let mut state = start(&Constraint::Regex("ab".into())).unwrap();
    assert!(matches!(
        accept(&mut state, "b"),
        Err(Error::InvalidConstraint { .. })
    ));
    assert!(!state.is_finished());
    assert!(state.mask().is_err());
    let mut state = start(&Constraint::Json).unwrap();
    assert!(state.accept(u32::MAX).is_err());
}

#[test]
fn a_state_can_be_cloned_and_rolled_back() {
    let schema = json!({
        "type": "object",
        "properties": { "a": { "type": "integer" }, "b": { "enum": ["x", "yy"] } },
        "required": ["a", "b"],
        "additionalProperties": false,
    });
    let text = r#"{"a": -12, "b":"yy"}"#;
    let mut state = start(&Constraint::JsonSchema(schema)).unwrap();
    let mut masks = vec![state.mask().unwrap().clone()];
    for at in 0..text.len() {
        accept(&mut state, &text[at..=at]).unwrap();
        masks.push(state.mask().unwrap().clone());
    }
    state.accept(end_token()).unwrap();
    assert!(state.is_finished());
    for back in 0..=text.len() {
        let mut earlier = state.clone();
        earlier.rollback(back + 1).unwrap();
        let kept = text.len() - back;
        assert_eq!(*earlier.mask().unwrap(), masks[kept], "{:?}", &text[..kept]);
        accept(&mut earlier, &text[kept..]).unwrap();
        earlier.accept(end_token()).unwrap();
        assert!(earlier.is_finished());
    }
    assert!(state.rollback(text.len() + 2).is_err());
}

#[test]
fn what_cannot_be_followed_is_refused_with_a_reason() {
    let regex = |text: &str| Constraint::Regex(text.into());
    let grammar = |text: &str| Constraint::Grammar(text.into());
    let schema = Constraint::JsonSchema;
    let doubled = (0..60).map(|n| format!("A{n}: A{} A{}\n", n + 1, n + 1));
    let doubled = format!("start: A0\n{}A60: \"a\"", doubled.collect::<String>());
    let choices = |n: usize| {
        let properties =
            |k: usize| json!({ "properties": { format!("p{n}{k}"): { "type": "null" } } });
        json!({ "anyOf": (0..10).map(properties).collect::<Vec<_>>() })
    };
    for (constraint, reason) in [
        (regex("("), "unclosed group"),
        (regex("(?=a)b"), "look-around"),
        (regex("[a&&b]"), "nothing can be written"),
        (regex(""), "is empty"),
        (regex(r"a\"), "ends in a backslash"),
        (regex(&"(".repeat(8000)), "invalid regex"),
        (regex(&"a".repeat(20_000)), "20000 bytes"),
        (grammar(""), "start"),
        (grammar("start: x"), "unknown name"),
        (grammar("start: a\na: b\nb: a"), "nothing can be written"),
        (
            grammar(&format!("start: {}", "(".repeat(30_000))),
            "too deeply nested",
        ),
        (
            grammar(&format!("start: {}", "[".repeat(30_000))),
            "too deeply nested",
        ),
        (grammar(&doubled), "too big"),
        (grammar(&" ".repeat(40_000)), "40000 bytes"),
        (schema(json!("text")), "object or true"),
        (schema(json!({ "type": "nope" })), "Invalid type"),
        (schema(json!({ "$ref": "#" })), "nothing can be written"),
        (schema(json!({ "$ref": "https://example.com/a" })), "$ref"),
        (
            schema(json!({ "type": "integer", "minimum": 2, "maximum": 1 })),
            "Unsatisfiable",
        ),
        (
            schema(json!({ "allOf": (0..10).map(choices).collect::<Vec<_>>() })),
            "too large",
        ),
        (schema(json!({ "x-guidance": 7 })), "invalid type"),
        (schema(json!({ "enum": ["a".repeat(70_000)] })), "bytes"),
    ] {
        match start(&constraint) {
            Err(Error::InvalidConstraint { reason: found }) => {
                assert!(found.contains(reason), "{reason}: {found}");
                assert!(found.len() < 2000, "{reason}");
            }
            other => panic!("{reason}: {other:?}"),
        }
    }
}

#[test]
fn the_deepest_formats_that_fit_do_not_exhaust_the_stack() {
    // Each definition stands within brackets in the one before, as deeply as brackets may be nested.
    let (open, close) = ("(".repeat(27), ")".repeat(27));
    for (a, brackets) in [(b'A', true), (b'a', true), (b'A', false), (b'a', false)] {
        let name = |n: usize| {
            let letters = [n / 676, n / 26 % 26, n % 26].map(|digit| char::from(a + digit as u8));
            String::from_iter(letters)
        };
        let (open, close) = if brackets {
            (&*open, &*close)
        } else {
            ("", "")
        };
        let mut grammar = format!("start: {}\n", name(0));
        let mut depth = 0;
        while grammar.len() < MAX_GRAMMAR_BYTES - 100 {
            grammar += &format!("{}:{open}{}{close}\n", name(depth), name(depth + 1));
            depth += 1;
        }
        grammar += &format!("{}:\"b\"", name(depth));
        assert_eq!(write(&Constraint::Grammar(grammar), 1, 1.0), "b");
    }
    let mut definitions = serde_json::Map::new();
    for n in 0..1550 {
        let next = json!({ "anyOf": [{ "$ref": format!("#/$defs/{}", n + 1) }] });
        definitions.insert(n.to_string(), next);
    }
    definitions.insert("1550".into(), json!({ "const": 7 }));
    let schema = json!({ "$ref": "#/$defs/0", "$defs": definitions });
    assert!(schema.to_string().len() > MAX_SCHEMA_BYTES * 9 / 10);
    assert_eq!(write(&Constraint::JsonSchema(schema), 1, 1.0), "7");
}

#[test]
fn hostile_repetition_stays_within_bounds() {
    for constraint in [
        Constraint::Regex("((a{1,1000}){1,1000}){1,1000}".into()),
        Constraint::Regex(r"(\w|\s){1,500}\p{L}{3,400}".into()),
        Constraint::Grammar("start: (\"a\" | \"b\"){1000000000}".into()),
        Constraint::Grammar("start: (((x{200}){200}){200}){200}\nx: \"a\" | \"b\" x".into()),
        Constraint::JsonSchema(json!({ "type": "array", "items": {}, "minItems": 1_000_000_000 })),
        Constraint::JsonSchema(json!({ "type": "string", "minLength": 1_000_000 })),
    ] {
        let mut state = start(&constraint).unwrap();
        for _ in 0..40 {
            let mask = match state.mask() {
                Ok(mask) => mask,
                Err(Error::InvalidConstraint { .. }) => break,
                Err(other) => panic!("{other}"),
            };
            let token = (0..256).rev().find(|&token| mask.allows(token)).unwrap();
            state.accept(token).unwrap();
        }
        assert!(!state.is_finished());
    }
}
