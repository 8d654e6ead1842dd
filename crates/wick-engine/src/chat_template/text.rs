//! Text that remembers where it came from. Whatever a template does with a message's text (cut, trim, replace,
//! put into JSON), each stretch of the result still says which source it stems from, or that it is the template's.

use std::ops::Range;

use super::PromptPart;

/// A stretch of text that a source wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    range: Range<usize>,
    source: u32,
}

/// A text and the stretches of it that are not the template's: sorted, apart from each other, none empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text {
    string: String,
    marks: Vec<Mark>,
}

impl From<&str> for Text {
    /// The template's own text.
    fn from(string: &str) -> Self {
        Self {
            string: string.to_owned(),
            marks: Vec::new(),
        }
    }
}

impl Text {
    /// Text that `source` wrote.
    pub fn of_source(string: &str, source: u32) -> Self {
        let mut text = Self::default();
        text.push_str(string, Some(source));
        text
    }

    pub fn as_str(&self) -> &str {
        &self.string
    }

    pub fn len(&self) -> usize {
        self.string.len()
    }

    /// What it takes in memory.
    pub fn cost(&self) -> usize {
        self.string.len() + self.marks.len() * size_of::<Mark>()
    }

    /// Whether any of the text stems from `source`.
    pub fn stems_from(&self, source: u32) -> bool {
        self.marks.iter().any(|mark| mark.source == source)
    }

    /// Appends text of a source, or of the template.
    pub fn push_str(&mut self, string: &str, source: Option<u32>) {
        let start = self.string.len();
        self.string.push_str(string);
        let range = start..self.string.len();
        let (Some(source), false) = (source, range.is_empty()) else {
            return;
        };
        match self.marks.last_mut() {
            Some(last) if last.range.end == start && last.source == source => {
                last.range.end = range.end;
            }
            _ => self.marks.push(Mark { range, source }),
        }
    }

    pub fn push(&mut self, other: &Text) {
        for (string, source) in other.segments() {
            self.push_str(string, source);
        }
    }

    /// The text in stretches of one source each.
    pub fn segments(&self) -> impl Iterator<Item = (&str, Option<u32>)> {
        let mut at = 0;
        let mut marks = self.marks.iter().peekable();
        std::iter::from_fn(move || {
            let next = marks.peek().map_or(self.string.len(), |m| m.range.start);
            let (range, source) = if at < next {
                (at..next, None)
            } else {
                let mark = marks.next()?;
                (mark.range.clone(), Some(mark.source))
            };
            at = range.end;
            Some((&self.string[range], source))
        })
    }

    /// A stretch of the text; `range` must lie on the borders of characters.
    pub fn slice(&self, range: Range<usize>) -> Self {
        let first = self.marks.partition_point(|m| m.range.end <= range.start);
        let marks = self.marks[first..]
            .iter()
            .take_while(|m| m.range.start < range.end);
        Self {
            string: self.string[range.clone()].to_owned(),
            marks: marks
                .map(|mark| Mark {
                    range: mark.range.start.max(range.start) - range.start
                        ..mark.range.end.min(range.end) - range.start,
                    source: mark.source,
                })
                .collect(),
        }
    }

    /// The stretch that `part`, a part of this text's string, covers.
    pub fn slice_of(&self, part: &str) -> Self {
        let start = part.as_ptr() as usize - self.string.as_ptr() as usize;
        self.slice(start..start + part.len())
    }

    /// Every character put through `change`; what comes of one keeps its source.
    pub fn map(&self, mut change: impl FnMut(char, &mut String)) -> Self {
        let (mut mapped, mut buffer) = (Self::default(), String::new());
        for (string, source) in self.segments() {
            buffer.clear();
            for c in string.chars() {
                change(c, &mut buffer);
            }
            mapped.push_str(&buffer, source);
        }
        mapped
    }

    /// At most `count` occurrences of `from` replaced; between all characters where `from` is empty.
    pub fn replace(&self, from: &str, to: &Text, count: usize) -> Self {
        let (mut replaced, mut at) = (Self::default(), 0);
        for (start, found) in self.string.match_indices(from).take(count) {
            replaced.push(&self.slice(at..start));
            replaced.push(to);
            at = start + found.len();
        }
        replaced.push(&self.slice(at..self.len()));
        replaced
    }

    /// The prompt's parts: what any source wrote is content.
    pub fn into_parts(self) -> Vec<PromptPart> {
        let mut parts: Vec<PromptPart> = Vec::new();
        for (string, source) in self.segments() {
            match (source, parts.last_mut()) {
                (Some(_), Some(PromptPart::Content(last))) => last.push_str(string),
                (Some(_), _) => parts.push(PromptPart::Content(string.to_owned())),
                (None, _) => parts.push(PromptPart::Template(string.to_owned())),
            }
        }
        parts
    }
}
