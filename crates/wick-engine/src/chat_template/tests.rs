//! Templates of real families against what the transformers library makes of them, whose text is whose, and
//! hostile templates.

use super::*;
use crate::process::protocol::Role;
use std::{collections::BTreeMap, path::Path};

/// 29 February 2024.
const NOW: u64 = 1_709_210_096;

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::with_tokens(source, None, "<s>", "</s>").unwrap()
}

fn render(source: &str, messages: &[ChatMessage]) -> Result<Vec<PromptPart>> {
    ChatTemplate::with_tokens(source, None, "<s>", "</s>")?.render_at(
        messages,
        &RenderOptions::default(),
        NOW,
    )
}

/// The prompt with contents in ⟦ ⟧.
fn shown(parts: &[PromptPart]) -> String {
    let show = |part: &PromptPart| match part {
        PromptPart::Template(text) => text.clone(),
        PromptPart::Content(text) => format!("⟦{text}⟧"),
    };
    parts.iter().map(show).collect()
}

fn plain(parts: &[PromptPart]) -> String {
    let text = |part: &PromptPart| match part {
        PromptPart::Template(text) | PromptPart::Content(text) => text.clone(),
    };
    parts.iter().map(text).collect()
}

/// What a template makes of one message of the user.
fn of_user(source: &str, content: &str) -> String {
    shown(&render(source, &[ChatMessage::new(Role::User, content)]).unwrap())
}

fn failure(source: &str) -> String {
    match render(source, &[ChatMessage::new(Role::User, "Hi")]) {
        Err(Error::ChatTemplate { reason }) => reason,
        Err(other) => panic!("{other}"),
        Ok(parts) => panic!("{} bytes", plain(&parts).len()),
    }
}

#[derive(serde::Deserialize)]
struct Record {
    now: u64,
    cases: BTreeMap<String, Case>,
    expected: BTreeMap<String, BTreeMap<String, Outcome>>,
}

#[derive(Default, serde::Deserialize)]
struct Case {
    messages: Vec<ChatMessage>,
    #[serde(flatten)]
    options: RenderOptions,
}

#[derive(serde::Deserialize)]
struct Outcome {
    text: Option<String>,
}

#[test]
fn templates_of_real_families_render_as_transformers_renders_them() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let record: Record = serde_json::from_str(&read("expected.json")).unwrap();
    let tokens: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_str(&read("tokens.json")).unwrap();
    let mut wrong = Vec::new();
    for (name, expected) in &record.expected {
        let token = |which: &str| tokens.get(name).map_or("<s>", |tokens| &tokens[which]);
        let (bos, eos) = (token("bos_token"), token("eos_token"));
        let template =
            ChatTemplate::with_tokens(&read(&format!("{name}.jinja")), None, bos, eos).unwrap();
        for (case, outcome) in expected {
            let Case { messages, options } = &record.cases[case];
            let got = template.render_at(messages, options, record.now);
            let got_text = got.as_ref().ok().map(|parts| plain(parts));
            if got_text != outcome.text {
                wrong.push(format!(
                    "{name}, {case}:\n{:?}\n{:?}",
                    outcome.text,
                    got.map(|p| plain(&p))
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n\n")
    );
    assert!(record.expected.len() >= 12 && record.cases.len() >= 12);
}

#[test]
fn no_control_token_in_a_conversation_becomes_the_templates() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let record: Record = serde_json::from_str(&read("expected.json")).unwrap();
    let Case { messages, .. } = &record.cases["hostile texts"];
    for name in record.expected.keys() {
        let parts = render(&read(&format!("{name}.jinja")), messages).unwrap();
        for part in &parts {
            if let PromptPart::Template(text) = part {
                assert!(
                    !text.contains("Obey") && !text.contains(" a "),
                    "{name}: {text}"
                );
            }
        }
        assert!(plain(&parts).contains("Obey"), "{name}");
    }
}

#[test]
fn what_a_template_does_with_a_text_does_not_make_it_its_own() {
    for (source, shown) in [
        ("<{{ messages[0].content[1:] }}>", "<⟦<|im_end|>b⟧>"),
        (
            "{{ messages[0].content | replace('a', '#') }}",
            "#⟦<|im_end|>b⟧",
        ),
        (
            "{{ messages[0].content | replace('a', messages[0].content) }}!",
            "⟦a<|im_end|>b<|im_end|>b⟧!",
        ),
        (
            "{{ ('[' ~ messages[0].content ~ ']').split('|')[1] | upper }}",
            "⟦IM_END⟧",
        ),
        (
            "{{ messages[0] | tojson }}",
            "{\"role\": \"user\", \"content\": \"⟦a<|im_end|>b⟧\"}",
        ),
        (
            "{{ messages[0] }}",
            "{'role': 'user', 'content': '⟦a<|im_end|>b⟧'}",
        ),
        ("{{ messages[0].content[::-1] }}", "⟦b>|dne_mi|<a⟧"),
        ("{{ messages[0].content | list | join }}", "⟦a<|im_end|>b⟧"),
        (
            "{% set t %}x{{ messages[0].content.strip('ab') }}y{% endset %}{{ t }}",
            "x⟦<|im_end|>⟧y",
        ),
        (
            "{% macro m(t) %}({{ t }}){% endmacro %}{{ m(messages[0].content) }}",
            "(⟦a<|im_end|>b⟧)",
        ),
        (
            "{{ '%s and {}' % messages[0].content }}",
            "⟦a<|im_end|>b⟧ and {}",
        ),
        (
            "{{ '{}: {x}'.format(1, x=messages[0].content) }}",
            "1: ⟦a<|im_end|>b⟧",
        ),
        ("{{ messages[0].content | e }}", "⟦a&lt;|im_end|&gt;b⟧"),
        (
            "{% filter upper %}x{{ messages[0].content }}{% endfilter %}",
            "X⟦A<|IM_END|>B⟧",
        ),
        ("{{ messages[0].content.partition('<')[1] * 2 }}", "⟦<<⟧"),
    ] {
        assert_eq!(of_user(source, "a<|im_end|>b"), shown, "{source}");
    }
    // Two halves of a token, one from each side, are no token: they are two parts.
    assert_eq!(
        of_user("<|im_{{ messages[0].content }}", "end|>"),
        "<|im_⟦end|>⟧"
    );
    let mut call = ChatMessage::new(Role::Assistant, "");
    call.tool_calls = vec![
        serde_json::json!({"function": {"name": "f</s>", "arguments": "{\"k</s>\": \"v</s>\"}"}}),
    ];
    let mut answer = ChatMessage::new(Role::Tool, "42</s>");
    answer.name = Some("f</s>".into());
    let options = RenderOptions {
        tools: vec![serde_json::json!({"name": "f</s>"})],
        enable_thinking: None,
    };
    let source = "{{ tools | tojson }} {{ messages[0].tool_calls[0].function.arguments | tojson }}\
                  {% for k, v in messages[0].tool_calls[0].function.items() %}{{ k }}{% endfor %}\
                  {{ messages[1].name ~ messages[1].content }}";
    let parts = template(source)
        .render_at(&[call, answer], &options, NOW)
        .unwrap();
    assert!(
        parts
            .iter()
            .all(|part| !matches!(part, PromptPart::Template(text) if text.contains("</s>")))
    );
    assert_eq!(
        plain(&parts),
        "[{\"name\": \"f</s>\"}] {\"k</s>\": \"v</s>\"}nameargumentsf</s>42</s>"
    );
}

#[test]
fn expressions_mean_what_they_mean_in_python() {
    for (source, text) in [
        (
            "{{ 7 // 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 2 ** 10 }} {{ 1e16 }} {{ 0.00001 }} {{ 1.0 }}",
            "3 -4 2 3.5 1024 1e+16 1e-05 1.0",
        ),
        (
            "{{ [1, 'a', none, true, 1.5] }} {{ (1,) }} {{ {'k': \"it's\"} }} {{ [] }}",
            "[1, 'a', None, True, 1.5] (1,) {'k': \"it's\"} []",
        ),
        (
            "{{ 'abcdef'[1:4] }}{{ 'abc'[::-1] }}{{ 'abc'[-1] }}{{ [1,2,3,4][::-2] }}{{ 'aé日'[1:] }}",
            "bcdcbac[4, 2]é日",
        ),
        (
            "{{ ' a b  c '.split() }}{{ 'a,b,c'.split(',', 1) }}{{ 'a,b,c'.rsplit(',', 1) }}",
            "['a', 'b', 'c']['a', 'b,c']['a,b', 'c']",
        ),
        (
            "{{ 'xxaxx'.strip('x') }}{{ 'hello wORLD it\\'s'.title() }}{{ 'hELLO'.capitalize() }}",
            "aHello World It'SHello",
        ),
        (
            "{{ 1 == 1.0 }}{{ 'a' in 'cat' }}{{ 2 in [1, 2] }}{{ 'k' not in {'k': 1} }}{{ 1 < 2 < 3 }}",
            "TrueTrueTrueFalseTrue",
        ),
        (
            "{{ none is none }}{{ x is defined }}{{ 'a' is string }}{{ {} is mapping }}{{ [] is iterable }}{{ 3 is odd }}{{ true is true }}",
            "TrueFalseTrueTrueTrueTrueTrue",
        ),
        (
            "{{ x | default('d') }}{{ '' | default('e', true) }}{{ (x or 'f') ~ 1 }}{{ 'a' if false }}",
            "def1",
        ),
        (
            "{{ {'b': 1, 'a': [1, {'c': \"é\\n</s>\"}]} | tojson }}",
            "{\"b\": 1, \"a\": [1, {\"c\": \"é\\n</s>\"}]}",
        ),
        (
            "{{ {'b': [1, 2], 'a': {}} | tojson(indent=2) }}",
            "{\n  \"b\": [\n    1,\n    2\n  ],\n  \"a\": {}\n}",
        ),
        (
            "{{ {'b': 'é', 'a': 2} | tojson(ensure_ascii=true, sort_keys=true, separators=(',', ':')) }}",
            "{\"a\":2,\"b\":\"\\u00e9\"}",
        ),
        (
            "{% for k, v in {'a': 1, 'b': 2}.items() %}{{ loop.index }}{{ k }}{{ v }}{{ ',' if not loop.last }}{% endfor %}",
            "1a1,2b2",
        ),
        (
            "{% for i in range(5) if i % 2 == 0 %}{{ i }}/{{ loop.length }} {% else %}none{% endfor %}",
            "0/3 2/3 4/3 ",
        ),
        (
            "{% for i in [] %}{% else %}none{% endfor %}{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "none013",
        ),
        (
            "{% set n = namespace(a=1) %}{% for i in range(3) %}{% set n.a = n.a + i %}{% set b = i %}{% endfor %}{{ n.a }}{{ b is defined }}",
            "4False",
        ),
        (
            "{% macro m(a, b='x', c=a) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }}{{ m(1, c=2) }}",
            "1x11x2",
        ),
        (
            "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% with c = 3 %}{{ c }}{% endwith %}{{ c }}",
            "123",
        ),
        (
            "{{ [{'r': 'a', 'v': 1}, {'r': 'b', 'v': 2}] | selectattr('r', 'equalto', 'b') | map(attribute='v') | list }}",
            "[2]",
        ),
        (
            "{{ [3, 1, 2] | sort }}{{ ['b', 'A'] | sort }}{{ {'b': 1, 'a': 2} | dictsort }}{{ [1, 1, 2] | unique | list }}",
            "[1, 2, 3]['A', 'b'][('a', 2), ('b', 1)][1, 2]",
        ),
        (
            "{{ 'a\nb' | indent(2) }}|{{ 'abc' | length }}{{ ['a', 'b'] | join('-') }}{{ 'ab' | first }}{{ [1, 2] | last }}",
            "a\n  b|3a-ba2",
        ),
        (
            "{{ messages[0].get('x', 'd') }}{{ messages[0].get('x') }}{{ messages[0].x }}",
            "dNone",
        ),
        (
            "{%- generation -%} a {%- endgeneration %}{% generation %}b{% endgeneration %}",
            "ab",
        ),
        (
            "{{ strftime_now('%d %b %Y') }} {{ date_string is defined }} {{ strftime_now is defined }}",
            "29 Feb 2024 False True",
        ),
        (
            "{{ 'a' 'b' }}{{ not true and false or 'c' }}{{ -2 | abs }}{{ '3' | int + 1 }}",
            "abc24",
        ),
        (
            "{% if true %}\r\na\r\n{% endif %}\r\n{{ 'x\r\ny' }}",
            "a\nx\ny",
        ),
    ] {
        assert_eq!(of_user(source, "Hi"), text, "{source}");
    }
}

#[test]
fn a_template_that_refuses_is_told_in_another_way() {
    let two = [
        ChatMessage::new(Role::System, "S"),
        ChatMessage::new(Role::User, "a"),
        ChatMessage::new(Role::User, "b"),
    ];
    let no_system = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}";
    assert_eq!(
        shown(&render(no_system, &two).unwrap()),
        "<user>⟦S\n\na⟧<user>⟦b⟧"
    );
    let silent =
        "{% for m in messages if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endfor %}";
    assert_eq!(shown(&render(silent, &two[..2]).unwrap()), "<user>⟦S\n\na⟧");
    let alternate = "{% for m in messages[1:] %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('alternate') }}{% endif %}{{ m.content }}{% endfor %}{{ messages[0].content }}";
    assert_eq!(shown(&render(alternate, &two).unwrap()), "⟦a\n\nbS⟧");
    let parts = "{% for m in messages %}{% for p in m.content %}{% if p.type == 'text' %}<{{ m.role }}>{{ p.text }}{% endif %}{% endfor %}{% endfor %}";
    assert_eq!(
        shown(&render(parts, &two[..2]).unwrap()),
        "<system>⟦S⟧<user>⟦a⟧"
    );
    let never = "{{ raise_exception('only poems') }}";
    assert!(failure(never).contains("only poems"));
}

#[test]
fn thoughts_reach_templates_that_ask_for_them() {
    let mut answer = ChatMessage::new(Role::Assistant, "4");
    answer.reasoning = Some("2 + 2</s>".into());
    let asks = "{{ messages[0].reasoning_content }}={{ messages[0].content }}";
    assert_eq!(
        shown(&render(asks, std::slice::from_ref(&answer)).unwrap()),
        "⟦2 + 2</s>⟧=⟦4⟧"
    );
    let does_not = "{{ messages[0] | tojson }}";
    assert_eq!(
        plain(&render(does_not, &[answer]).unwrap()),
        "{\"role\": \"assistant\", \"content\": \"4\"}"
    );
}

#[test]
fn tools_choose_the_template_for_tools() {
    let template =
        ChatTemplate::with_tokens("plain", Some("{{ tools | length }} tools"), "", "").unwrap();
    let user = [ChatMessage::new(Role::User, "")];
    let mut options = RenderOptions::default();
    assert_eq!(plain(&template.render(&user, &options).unwrap()), "plain");
    options.tools = vec![serde_json::json!({"name": "f"})];
    assert_eq!(plain(&template.render(&user, &options).unwrap()), "1 tools");
}

#[test]
fn hostile_templates_end_with_an_error() {
    let double =
        |set: &str| format!("{{% set n = namespace(x={set}) %}}{{% for i in range(70) %}}");
    for (what, source, reason) in [
        ("a namespace in itself", "{% set n = namespace() %}{% set n.n = n %}{{ n }}".to_owned(), "namespace"),
        ("the same in a list", "{% set n = namespace() %}{% set n.n = [n] %}{{ n | tojson }}".into(), "namespace"),
        ("the same in a dict", "{% set n = namespace() %}{% set n.n = {'a': n} %}{{ n == n.n }}".into(), "namespace"),
        ("the same from the start", "{% set n = namespace() %}{% set m = namespace(a=n) %}{{ m }}".into(), "namespace"),
        ("a loop in itself", "{% set n = namespace() %}{% for i in [1] %}{% set n.l = loop %}{% endfor %}".into(), "namespace"),
        ("text doubled", double("'x'") + "{% set n.x = n.x + n.x %}{% endfor %}", "memory"),
        ("text doubled by ~", double("'x'") + "{% set n.x = n.x ~ n.x %}{% endfor %}", "memory"),
        ("text doubled by join", double("'x'") + "{% set n.x = [n.x, n.x] | join %}{% endfor %}", "memory"),
        ("text doubled by replace", double("'x'") + "{% set n.x = n.x | replace('x', 'xx') %}{% endfor %}", "memory"),
        ("text doubled by a format", double("'x'") + "{% set n.x = '%s%s' % (n.x, n.x) %}{% endfor %}", "memory"),
        ("text doubled by a macro", double("'x'") + "{% macro m() %}{{ n.x }}{{ n.x }}{% endmacro %}{% set n.x = m() %}{% endfor %}", "memory"),
        ("text doubled in a block", double("'x'") + "{% set t %}{{ n.x }}{{ n.x }}{% endset %}{% set n.x = t %}{% endfor %}", "memory"),
        ("a list doubled", double("[1]") + "{% set n.x = n.x + n.x %}{% endfor %}", "memory"),
        ("a list of itself twice, printed", double("[1]") + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x }}", ""),
        ("the same as JSON", double("[1]") + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | tojson }}", ""),
        ("the same as text", double("[1]") + "{% set n.x = [n.x, n.x] %}{% endfor %}{{ n.x | string | length }}", ""),
        ("the same compared", double("[1]") + "{% set n.x = [n.x, n.x] %}{% endfor %}{% set m = namespace(x=[1]) %}{% for i in range(70) %}{% set m.x = [m.x, m.x] %}{% endfor %}{{ n.x == m.x }}", "steps"),
        ("the same ordered", double("[1]") + "{% set n.x = [n.x, n.x] %}{% endfor %}{% set m = namespace(x=[1]) %}{% for i in range(70) %}{% set m.x = [m.x, m.x] %}{% endfor %}{{ n.x < m.x }}", "steps"),
        ("a dict of itself twice", double("{}") + "{% set n.x = {'a': n.x, 'b': n.x} %}{% endfor %}{{ n.x | tojson(indent=4) }}", ""),
        ("lists 15000 deep", "{% set n = namespace(x=[]) %}{% for i in range(15000) %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}".into(), "deeply"),
        ("dicts 15000 deep", "{% set n = namespace(x={}) %}{% for i in range(15000) %}{% set n.x = {'a': n.x} %}{% endfor %}{{ n.x }}".into(), "deeply"),
        ("much output", "{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}".into(), "long"),
        ("much raw output", "{% for i in range(100000) %}0123456789012345678901234567890123456789{% endfor %}".into(), "long"),
        ("endless loops", "{% for i in range(30000) %}{% for j in range(30000) %}{% for k in range(30000) %}{% endfor %}{% endfor %}{% endfor %}".into(), ""),
        ("a huge range", "{% for i in range(9999999999) %}{% endfor %}".into(), "memory"),
        ("a long text", "{{ 'x' * 4000000000 }}".into(), "memory"),
        ("a long list", "{{ [1] * 4000000000 }}".into(), "memory"),
        ("endless recursion", "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}".into(), "deeply"),
        ("many searches", "{% set t = 'a' * 1000000 %}{% for i in range(100000) %}{% set x = 'b' in t %}{% endfor %}".into(), "steps"),
        ("many numbers", "{{ 9 ** 9999999999 }}".into(), "large"),
        ("a filter of filters", "{{ [[['x']]] | map('map', 'map', 'map', 'upper') | list }}{{ 'x' | center(99999999999) }}".into(), "filter"),
        ("padding", "{{ 'a\n' * 100000 | indent(9999999) }}".into(), ""),
        ("wide variables", "{% for i in range(100000) %}{% set x = messages * 100 %}{% endfor %}".into(), "memory"),
        ("a long separator", "{{ range(100000) | list | tojson(separators=('x' * 100000, ':')) }}".into(), "memory"),
        ("a long indent", "{{ range(100000) | list | tojson(indent='x' * 100000) }}".into(), "memory"),
        ("many texts", "{% set n = namespace(x=[]) %}{% for i in range(90) %}{% set n.x = n.x + [('a' * 1000000).split('a')] %}{% endfor %}".into(), ""),
        ("many stretches", "{% set n = namespace(x=messages[0].content ~ '|') %}{% for i in range(70) %}{% set n.x = n.x + n.x %}{% endfor %}".into(), "memory"),
        ("a long reason", "{{ raise_exception('x' * 1000000) }}".into(), "xxx"),
    ] {
        let got = failure(&source);
        assert!(got.contains(reason) && got.len() < 3000, "{what}: {got}");
    }
}

#[test]
fn hostile_sources_end_with_an_error() {
    for (what, source) in [
        ("no syntax", "{% for %}".to_owned()),
        ("too long", "x".repeat((256 << 10) + 1)),
        ("brackets", format!("{{{{ {} }}}}", "(".repeat(100_000))),
        (
            "lists",
            format!("{{{{ {}{} }}}}", "[".repeat(10_000), "]".repeat(10_000)),
        ),
        ("minus", format!("{{{{ {}1 }}}}", "-".repeat(200_000))),
        ("fewer minus", format!("{{{{ {}1 }}}}", "-".repeat(32_000))),
        ("not", format!("{{{{ {}x }}}}", "not ".repeat(32_000))),
        ("sums", format!("{{{{ 1{} }}}}", "+1".repeat(16_000))),
        ("attributes", format!("{{{{ x{} }}}}", ".a".repeat(16_000))),
        ("filters", format!("{{{{ 1{} }}}}", "|e".repeat(16_000))),
        ("calls", format!("{{{{ x{} }}}}", "()".repeat(16_000))),
        (
            "choices",
            format!("{{{{ 1{} }}}}", " if 0 else 1".repeat(7_000)),
        ),
        (
            "elif",
            format!(
                "{{% if a %}}{}{{% endif %}}{{{{ x.y }}}}",
                "{%elif a%}".repeat(6_000)
            ),
        ),
        (
            "nested if",
            format!("{}{}", "{%if 1%}".repeat(5_000), "{%endif%}".repeat(5_000)),
        ),
        ("unknown", "{% include 'x' %}".to_owned()),
    ] {
        let got = render(&source, &[ChatMessage::new(Role::User, "Hi")]);
        assert!(
            matches!(got, Err(Error::ChatTemplate { .. })),
            "{what}: {got:?}"
        );
    }
    let broken = [
        "{% generation",
        "{%",
        "{{",
        "{#",
        "{% raw %}",
        "{%-",
        "\u{0}{% \u{0} %}",
    ];
    for source in broken {
        let _ = render(source, &[]);
    }
}

#[test]
fn long_conversations_stay_within_the_bounds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/templates");
    let long = "word ".repeat(200);
    let roles = [Role::User, Role::Assistant];
    let talk: Vec<ChatMessage> = (0..1001)
        .map(|at| ChatMessage::new(roles[at % 2], long.as_str()))
        .collect();
    for name in [
        "llama-3.2",
        "qwen-3",
        "mistral-nemo",
        "gemma-3",
        "deepseek-r1-distill",
    ] {
        let source = std::fs::read_to_string(folder.join(format!("{name}.jinja"))).unwrap();
        let parts = render(&source, &talk).unwrap();
        assert!(plain(&parts).len() > 900_000, "{name}");
    }
    let huge = [ChatMessage::new(Role::User, "x".repeat(20 << 20))];
    let source = std::fs::read_to_string(folder.join("qwen-3.jinja")).unwrap();
    assert!(plain(&render(&source, &huge).unwrap()).len() > 20 << 20);
}
