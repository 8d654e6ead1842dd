//! The source of a template: bounded, and read by minijinja's parser into a tree.

use minijinja::{
    machinery::{self, ast},
    syntax::SyntaxConfig,
};

use super::failure::Failure;

/// Longest template.
const MAX_BYTES: usize = 256 << 10;
/// Tokens a template may have. The parser goes a level deeper for some of them, so this bounds its stack as well.
const MAX_TOKENS: usize = 32 << 10;

/// The source with line ends as Jinja reads them, and without what only training needs: `{% generation %}` marks what a
/// model learns to write.
pub(super) fn prepared(source: &str) -> Result<String, Failure> {
    let length = source.len();
    if length > MAX_BYTES {
        let reason = format!("it has {length} bytes; Wick takes {MAX_BYTES}");
        return Err(Failure::Error(reason));
    }
    let source = source.replace("\r\n", "\n").replace('\r', "\n");
    let mut prepared = String::with_capacity(length);
    let mut rest = source.as_str();
    while let Some(at) = rest.find("{%") {
        let (before, tag) = rest.split_at(at + 2);
        prepared.push_str(before);
        rest = tag;
        let word_at = tag.len()
            - tag
                .trim_start_matches(['-', '+', ' ', '\t', '\r', '\n'])
                .len();
        let word = &tag[word_at..];
        for (name, meaning) in [("generation", "if true"), ("endgeneration", "endif")] {
            let after = word
                .strip_prefix(name)
                .map(|after| (after, after.trim_start()));
            if let Some((after, end)) = after
                && (end.starts_with("%}") || end.starts_with("-%}"))
            {
                prepared.push_str(&tag[..word_at]);
                prepared.push_str(meaning);
                rest = after;
            }
        }
    }
    prepared.push_str(rest);
    Ok(prepared)
}

/// The tree of a source, set up as the `transformers` library does it for chat templates.
pub(super) fn parse(source: &str) -> Result<ast::Stmt<'_>, Failure> {
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .build()
        .map_err(describe)?;
    let tokens = machinery::tokenize(source, false, syntax.clone());
    if tokens
        .take_while(Result::is_ok)
        .take(MAX_TOKENS + 1)
        .count()
        > MAX_TOKENS
    {
        return Err(Failure::error("it is too long"));
    }
    machinery::parse(source, "chat template", syntax).map_err(describe)
}

fn describe(error: minijinja::Error) -> Failure {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    Failure::Error(text)
}
