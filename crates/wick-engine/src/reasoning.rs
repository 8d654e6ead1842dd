//! What a model thinks before it answers, told from the answer while the text streams in. Only a block at the very
//! start counts, and only of models that are known to reason: others may write of `<think>` in prose.

use crate::{
    chat_template::{ChatTemplate, PromptPart},
    tokenizer::Tokenizer,
};

/// What models put around their thoughts.
const MARKS: [ReasoningStyle; 7] = [
    ReasoningStyle::new("<think>", "</think>"),
    ReasoningStyle::new("<thinking>", "</thinking>"),
    ReasoningStyle::new("<thought>", "</thought>"),
    ReasoningStyle::new("<reasoning>", "</reasoning>"),
    ReasoningStyle::new("<seed:think>", "</seed:think>"),
    ReasoningStyle::new("<|begin_of_thought|>", "<|end_of_thought|>"),
    ReasoningStyle::new("[THINK]", "[/THINK]"),
];

/// Whether a text is a mark of reasoning.
pub(crate) fn is_mark(text: &str) -> bool {
    MARKS
        .iter()
        .any(|style| style.open == text || style.close == text)
}

/// How a model marks its thoughts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReasoningStyle {
    open: &'static str,
    close: &'static str,
}

impl ReasoningStyle {
    const fn new(open: &'static str, close: &'static str) -> Self {
        Self { open, close }
    }

    /// How this model marks its thoughts; `None` if it does not reason. Its template speaks of the marks, or its
    /// vocabulary has tokens for them.
    pub fn of(template: &ChatTemplate, tokenizer: &Tokenizer) -> Option<Self> {
        let known = |style: &&Self| {
            template.mentions(style.close)
                || (tokenizer.has_special(style.open) && tokenizer.has_special(style.close))
        };
        MARKS.iter().find(known).copied()
    }

    /// Whether the template has already opened the block at the end of a prompt. A block that it closed again, empty,
    /// is none.
    pub fn opened_by(&self, prompt: &[PromptPart]) -> bool {
        match prompt.last() {
            Some(PromptPart::Template(text)) => text.trim_end().ends_with(self.open),
            _ => false,
        }
    }
}

/// A piece of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Thoughts.
    Reasoning(String),
    /// What the model says.
    Answer(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but blanks so far: a block may open.
    Start,
    /// The template has opened a block, and nothing has come.
    Opened,
    /// Inside, and nothing of the thoughts has come.
    Begun,
    Inside,
    /// Behind the block, and nothing of the answer has come.
    Closed,
    Answer,
}

/// Tells thoughts from the answer in text that comes in pieces. Blanks around the thoughts belong to neither.
#[derive(Debug, Clone)]
pub struct ReasoningSplitter {
    style: Option<ReasoningStyle>,
    state: State,
    /// Text that could be the beginning of a mark, or blanks that could be the last of the thoughts.
    held: String,
}

impl ReasoningSplitter {
    /// For the reply to a prompt. Without a style everything is the answer.
    pub fn new(style: Option<ReasoningStyle>, prompt: &[PromptPart]) -> Self {
        let state = match style {
            None => State::Answer,
            Some(style) if style.opened_by(prompt) => State::Opened,
            Some(_) => State::Start,
        };
        Self {
            style,
            state,
            held: String::new(),
        }
    }

    /// Takes the next piece of text.
    pub fn push(&mut self, text: &str) -> Vec<Piece> {
        self.held.push_str(text);
        let mut pieces = Vec::new();
        while self.step(&mut pieces) {}
        pieces
    }

    /// The reply is complete: what was held back.
    pub fn finish(&mut self) -> Vec<Piece> {
        let rest = std::mem::take(&mut self.held);
        match self.state {
            State::Opened | State::Begun => piece(Piece::Reasoning, rest.trim()),
            State::Inside => piece(Piece::Reasoning, rest.trim_end()),
            State::Closed => piece(Piece::Answer, rest.trim_start()),
            State::Start | State::Answer => piece(Piece::Answer, &rest),
        }
    }

    /// Goes on by a state, and says whether there may be more to do.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        let Some(style) = self.style else {
            pieces.extend(piece(Piece::Answer, &std::mem::take(&mut self.held)));
            return false;
        };
        match self.state {
            State::Start | State::Opened => {
                let begun = self.held.trim_start();
                if let Some(rest) = begun.strip_prefix(style.open) {
                    // A model may open what its template has opened already.
                    self.held = rest.to_owned();
                    self.state = State::Begun;
                } else if style.open.starts_with(begun) {
                    return false;
                } else {
                    self.state = match self.state {
                        State::Opened => State::Begun,
                        _ => State::Answer,
                    };
                }
                true
            }
            State::Begun | State::Closed => {
                self.held = self.held.trim_start().to_owned();
                self.state = match (self.state, self.held.is_empty()) {
                    (_, true) => return false,
                    (State::Begun, false) => State::Inside,
                    (_, false) => State::Answer,
                };
                true
            }
            State::Inside => match self.held.find(style.close) {
                Some(at) => {
                    pieces.extend(piece(Piece::Reasoning, self.held[..at].trim_end()));
                    self.held.drain(..at + style.close.len());
                    self.state = State::Closed;
                    true
                }
                None => {
                    let ready = self.held.len() - begun_mark(&self.held, style.close);
                    let ready = self.held[..ready].trim_end().len();
                    let thoughts: String = self.held.drain(..ready).collect();
                    pieces.extend(piece(Piece::Reasoning, &thoughts));
                    false
                }
            },
            State::Answer => {
                pieces.extend(piece(Piece::Answer, &std::mem::take(&mut self.held)));
                false
            }
        }
    }
}

fn piece(kind: fn(String) -> Piece, text: &str) -> Vec<Piece> {
    match text.is_empty() {
        true => Vec::new(),
        false => vec![kind(text.to_owned())],
    }
}

/// Length of the longest end of `text` that begins `mark`.
fn begun_mark(text: &str, mark: &str) -> usize {
    let longest = mark.len().min(text.len());
    let ends = (1..=longest).rev();
    let mut begun = ends.filter(|length| text.is_char_boundary(text.len() - length));
    begun
        .find(|length| mark.starts_with(&text[text.len() - length..]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const THINK: ReasoningStyle = MARKS[0];

    /// Thoughts and answer of a reply that comes in pieces of `size` characters.
    fn split(
        style: Option<ReasoningStyle>,
        prompt: &str,
        reply: &str,
        size: usize,
    ) -> (String, String) {
        let prompt = [PromptPart::Template(prompt.to_owned())];
        let mut splitter = ReasoningSplitter::new(style, &prompt);
        let characters: Vec<char> = reply.chars().collect();
        let mut pieces = Vec::new();
        for text in characters.chunks(size) {
            pieces.extend(splitter.push(&text.iter().collect::<String>()));
        }
        pieces.extend(splitter.finish());
        let (mut thoughts, mut answer) = (String::new(), String::new());
        for piece in pieces {
            match piece {
                Piece::Reasoning(text) => {
                    assert!(answer.is_empty(), "thoughts after the answer");
                    thoughts += &text;
                }
                Piece::Answer(text) => answer += &text,
            }
        }
        (thoughts, answer)
    }

    #[test]
    fn thoughts_are_told_from_the_answer_wherever_pieces_end() {
        for (prompt, reply, thoughts, answer) in [
            (
                "",
                "<think>\na\n\nb é\n</think>\n\nHello <b>",
                "a\n\nb é",
                "Hello <b>",
            ),
            ("", "\n <think>x</think>y", "x", "y"),
            (
                "<|im_start|>assistant\n<think>\n",
                "so\n</think>\n\n4",
                "so",
                "4",
            ),
            ("<think>", "<think>\nso</think>4", "so", "4"),
            (
                "<think>\n\n</think>\n\n",
                "4 <think>no</think>",
                "",
                "4 <think>no</think>",
            ),
            ("", "plain <think>no</think>", "", "plain <think>no</think>"),
            ("", " <thin", "", " <thin"),
            (
                "",
                "<think>a < b </thinx> c</think> <think>d</think>",
                "a < b </thinx> c",
                "<think>d</think>",
            ),
            ("", "<think>cut off </th", "cut off </th", ""),
            ("", "<think>cut off \n ", "cut off", ""),
            ("<think>", "", "", ""),
            ("", "<think></think>", "", ""),
            ("", "<think>\n</think>\n\n  x\n", "", "x\n"),
        ] {
            for size in [1, 2, 3, 5, 1000] {
                let got = split(Some(THINK), prompt, reply, size);
                assert_eq!(
                    (got.0.as_str(), got.1.as_str()),
                    (thoughts, answer),
                    "{reply:?} by {size}"
                );
            }
        }
    }

    #[test]
    fn models_that_do_not_reason_are_left_alone() {
        let text = "<think>is a tag</think>";
        assert_eq!(
            split(None, "<think>", text, 3),
            (String::new(), text.to_owned())
        );
    }

    #[test]
    fn an_opening_that_somebody_wrote_is_none() {
        assert!(THINK.opened_by(&[PromptPart::Template("a<think>\n".into())]));
        assert!(!THINK.opened_by(&[PromptPart::Content("a<think>".into())]));
        assert!(!THINK.opened_by(&[]));
    }

    #[test]
    fn text_is_let_out_as_soon_as_it_is_sure() {
        let mut splitter = ReasoningSplitter::new(Some(THINK), &[]);
        assert_eq!(
            splitter.push("<think>one two"),
            [Piece::Reasoning("one two".into())]
        );
        assert_eq!(splitter.push(" </"), []);
        assert_eq!(splitter.push("b"), [Piece::Reasoning(" </b".into())]);
        assert_eq!(splitter.push("</think>a"), [Piece::Answer("a".into())]);
        assert_eq!(splitter.push(" <th"), [Piece::Answer(" <th".into())]);
    }
}
