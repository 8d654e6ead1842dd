//! Tokens that are found in a text before anything else: control tokens, where the chat template wrote them, and
//! tokens a vocabulary defines for plain text (line breaks in a row, tags), wherever they are.

use std::{collections::HashMap, ops::Range};

/// A token that is matched as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Special {
    pub id: u32,
    /// Counts only in the template's own text.
    pub control: bool,
    /// Takes the blank before it away.
    pub lstrip: bool,
    /// Takes the blank behind it away.
    pub rstrip: bool,
}

/// All tokens that are matched as a whole.
#[derive(Default)]
pub(super) struct Specials {
    tokens: HashMap<String, Special>,
    /// By the first byte, the lengths there are, the longest first.
    lengths: HashMap<u8, Vec<usize>>,
}

/// A special token in a text.
pub(super) struct Found {
    pub range: Range<usize>,
    pub token: Special,
}

impl Specials {
    /// Adds a token. Of two with the same text the first counts.
    pub fn add(&mut self, text: &str, token: Special) {
        let Some(&first) = text.as_bytes().first() else {
            return;
        };
        self.tokens.entry(text.to_owned()).or_insert(token);
        let lengths = self.lengths.entry(first).or_default();
        if let Err(at) = lengths.binary_search_by(|length| text.len().cmp(length)) {
            lengths.insert(at, text.len());
        }
    }

    /// The first special token of `text` from `from` on, the longest there. Nothing of a control token may lie in
    /// one of the contents, which are sorted.
    pub fn next(&self, text: &str, from: usize, contents: &[Range<usize>]) -> Option<Found> {
        (from..text.len()).find_map(|at| {
            let lengths = self.lengths.get(&text.as_bytes()[at])?;
            lengths.iter().find_map(|length| {
                let range = at..at + length;
                let token = self.tokens.get(text.get(range.clone())?)?;
                let first = contents.partition_point(|content| content.end <= range.start);
                let theirs = contents
                    .get(first)
                    .is_some_and(|content| content.start < range.end);
                (!token.control || !theirs).then_some(Found {
                    range,
                    token: *token,
                })
            })
        })
    }
}
