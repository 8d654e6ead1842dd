//! Tells the contents of messages in a rendered prompt from the template's own text. The same conversation
//! rendered with markers in place of the contents (the frame) shows what the template writes between them.
//! Where the two renderings do not agree (the template cut or changed a content), every text that could be
//! a control token of a content's making is counted as content: the prompt may suffer, nobody gets in.

use std::ops::Range;

use super::PromptPart;

/// Texts that stand for contents; they cannot be guessed.
pub(super) struct Markers {
    prefix: String,
}

/// A rendering with markers: the text before the first, then each marker's number and the text after it.
pub(super) struct Frame<'a> {
    first: &'a str,
    rest: Vec<(usize, &'a str)>,
}

const END: char = '\u{E001}';

impl Markers {
    pub(super) fn new(random: [u64; 2]) -> Self {
        let prefix = format!("\u{E000}{:016x}{:016x}\u{E002}", random[0], random[1]);
        Self { prefix }
    }

    pub(super) fn marker(&self, at: usize) -> String {
        format!("{}{at}{END}", self.prefix)
    }

    pub(super) fn parse<'a>(&self, text: &'a str) -> Frame<'a> {
        let mut pieces = text.split(self.prefix.as_str());
        let first = pieces.next().unwrap_or_default();
        let number = |piece: &'a str| {
            let (number, after) = piece.split_once(END)?;
            Some((number.parse().ok()?, after))
        };
        // A marker the template broke matches nothing in the real text.
        let rest = pieces
            .map(|piece| number(piece).unwrap_or((usize::MAX, piece)))
            .collect();
        Frame { first, rest }
    }
}

/// Cuts `text` into the template's parts and the contents'.
pub(super) fn split(
    text: &str,
    frame: Option<Frame<'_>>,
    contents: &[&str],
    special: &[String],
) -> Vec<PromptPart> {
    let (mut ranges, unclear) = match frame {
        Some(frame) => align(text, &frame, contents),
        None => {
            let unclear = Unclear {
                stretch: 0..text.len(),
                between: Vec::new(),
                expected: None,
                contents: contents.to_vec(),
            };
            (Vec::new(), Some(unclear))
        }
    };
    if let Some(unclear) = unclear {
        ranges.extend(unclear.search(text, special));
    }
    ranges.sort_by_key(|range| (range.start, range.end));
    parts(text, &ranges)
}

/// A stretch of the prompt in which the template changed contents.
struct Unclear<'a> {
    stretch: Range<usize>,
    /// What the template writes after each of the contents, as far as that is known.
    between: Vec<&'a str>,
    /// All that the template writes here, where that is known.
    expected: Option<Vec<&'a str>>,
    /// The contents that may be here.
    contents: Vec<&'a str>,
}

/// A content as it is, or trimmed as templates like to do it; the longest first.
fn variants(content: &str) -> [&str; 4] {
    [
        content,
        content.trim_end(),
        content.trim_start(),
        content.trim(),
    ]
}

/// Follows the frame from both ends of the text for as long as the text is the frame with contents in it.
fn align<'a>(
    text: &str,
    frame: &Frame<'a>,
    contents: &[&'a str],
) -> (Vec<Range<usize>>, Option<Unclear<'a>>) {
    let count = frame.rest.len();
    let content = |k: usize| contents.get(frame.rest[k].0).copied();
    let mut ranges = Vec::new();
    let (mut start, mut front, mut expected) = (0, 0, Vec::new());
    if text.starts_with(frame.first) {
        start = frame.first.len();
        while front < count {
            let after = frame.rest[front].1;
            let fits = |v: &&str| {
                let rest = text[start..]
                    .strip_prefix(*v)
                    .and_then(|r| r.strip_prefix(after));
                rest.is_some_and(|rest| front + 1 < count || rest.is_empty())
            };
            let Some(v) = content(front).and_then(|c| variants(c).into_iter().find(fits)) else {
                break;
            };
            ranges.push(start..start + v.len());
            start += v.len() + after.len();
            front += 1;
        }
        if front == count && start == text.len() {
            return (ranges, None);
        }
    } else {
        expected.push(frame.first);
    }
    let (mut end, mut back, mut after_last) = (text.len(), count, true);
    while back > front {
        let Some(head) = text[start..end].strip_suffix(frame.rest[back - 1].1) else {
            break;
        };
        end = start + head.len();
        after_last = false;
        let fits = |v: &&str| {
            let before = if back > 1 {
                frame.rest[back - 2].1
            } else {
                frame.first
            };
            head.strip_suffix(*v)
                .is_some_and(|rest| back - 1 > front && rest.ends_with(before))
        };
        let Some(v) = content(back - 1).and_then(|c| variants(c).into_iter().find(fits)) else {
            break;
        };
        ranges.push(end - v.len()..end);
        end -= v.len();
        back -= 1;
        after_last = true;
    }
    let between: Vec<&str> = frame.rest[front..back]
        .iter()
        .map(|(_, after)| *after)
        .collect();
    let known = between.len() - usize::from(!after_last && !between.is_empty());
    expected.extend(&between[..known]);
    let placed = |at| {
        frame.rest[..front]
            .iter()
            .chain(&frame.rest[back..])
            .any(|r| r.0 == at)
    };
    let here = |at| frame.rest[front..back].iter().any(|r| r.0 == at);
    let unclear = Unclear {
        stretch: start..end,
        expected: Some(expected),
        contents: (0..contents.len())
            .filter(|&at| here(at) || !placed(at))
            .map(|at| contents[at])
            .collect(),
        between,
    };
    (ranges, Some(unclear))
}

impl Unclear<'_> {
    /// Where contents are, and where something is that may be one.
    fn search(&self, text: &str, special: &[String]) -> Vec<Range<usize>> {
        let (mut from, mut found, mut gaps) = (self.stretch.start, Vec::new(), Vec::new());
        let contents = self.contents.iter().map(|content| content.trim());
        for (at, content) in contents
            .enumerate()
            .filter(|(_, content)| !content.is_empty())
        {
            let rest = &text[from..self.stretch.end];
            let after = self.between.get(at);
            let followed = after.and_then(|after| rest.find(&format!("{content}{after}")));
            if let Some(position) = followed.or_else(|| rest.find(content)) {
                let range = from + position..from + position + content.len();
                gaps.push(from..range.start);
                from = range.end;
                found.push(range);
            }
        }
        gaps.push(from..self.stretch.end);
        // The gaps should be the template's; a special token there that may be a content's is content.
        for token in special
            .iter()
            .map(String::as_str)
            .filter(|token| !token.is_empty())
        {
            let hits: Vec<Range<usize>> = gaps
                .iter()
                .flat_map(|gap| {
                    let hits = text[gap.clone()].match_indices(token);
                    hits.map(|(at, _)| gap.start + at..gap.start + at + token.len())
                })
                .collect();
            let expected = self.expected.as_ref().map_or(usize::MAX, |texts| {
                texts.iter().map(|text| text.matches(token).count()).sum()
            });
            let written = self.contents.iter().any(|content| content.contains(token));
            if written || hits.len() > expected {
                found.extend(hits);
            }
        }
        found
    }
}

/// The parts that sorted ranges of content make of a text.
fn parts(text: &str, ranges: &[Range<usize>]) -> Vec<PromptPart> {
    let mut parts = Vec::new();
    let mut at = 0;
    for range in ranges {
        if at < range.start {
            parts.push(PromptPart::Template(text[at..range.start].to_owned()));
            at = range.start;
        }
        if at < range.end {
            parts.push(PromptPart::Content(text[at..range.end].to_owned()));
            at = range.end;
        }
    }
    if at < text.len() {
        parts.push(PromptPart::Template(text[at..].to_owned()));
    }
    parts
}
