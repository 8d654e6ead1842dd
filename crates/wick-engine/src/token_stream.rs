//! From the bytes of tokens to text: whole characters only, and nothing from a stop text onwards.

/// What a token added to the text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// Text to append; empty while a character or a stop text may still be under way.
    pub text: String,
    /// A stop text appeared: `text` ends before it, and nothing follows.
    pub stopped: bool,
}

/// Joins the bytes of tokens to text and looks for stop texts, across the borders of tokens.
#[derive(Debug, Clone, Default)]
pub struct TextStream {
    stop: Vec<String>,
    /// The beginning of a character.
    bytes: Vec<u8>,
    /// Text that could be the beginning of a stop text.
    held: String,
    stopped: bool,
}

impl TextStream {
    /// A stream that ends at the first of `stop`; empty texts among them are passed over.
    pub fn new(stop: &[String]) -> Self {
        Self {
            stop: stop.iter().filter(|s| !s.is_empty()).cloned().collect(),
            ..Self::default()
        }
    }

    /// Takes the bytes of the next token.
    pub fn push(&mut self, bytes: &[u8]) -> Piece {
        if self.stopped {
            return Piece {
                text: String::new(),
                stopped: true,
            };
        }
        self.bytes.extend_from_slice(bytes);
        self.decode();
        if let Some(text) = self.cut() {
            return Piece {
                text,
                stopped: true,
            };
        }
        let keep = self.possible_stop();
        let text = self.held.drain(..self.held.len() - keep).collect();
        Piece {
            text,
            stopped: false,
        }
    }

    /// The reply is complete: what was held back. An unfinished character becomes �.
    pub fn finish(&mut self) -> String {
        if self.stopped {
            return String::new();
        }
        self.held.push_str(&String::from_utf8_lossy(&self.bytes));
        self.bytes.clear();
        let text = self.cut();
        self.stopped = true;
        text.unwrap_or_else(|| std::mem::take(&mut self.held))
    }

    /// Moves what is whole from `bytes` to `held`.
    fn decode(&mut self) {
        let mut done = 0;
        for chunk in self.bytes.utf8_chunks() {
            self.held.push_str(chunk.valid());
            done += chunk.valid().len();
            let invalid = chunk.invalid();
            if !invalid.is_empty() {
                let at_end = done + invalid.len() == self.bytes.len();
                // At the end, the error without a length means: more bytes may complete it.
                if at_end && std::str::from_utf8(invalid).is_err_and(|e| e.error_len().is_none()) {
                    break;
                }
                self.held.push(char::REPLACEMENT_CHARACTER);
                done += invalid.len();
            }
        }
        self.bytes.drain(..done);
    }

    /// The text before the first stop text, if there is one.
    fn cut(&mut self) -> Option<String> {
        let at = self
            .stop
            .iter()
            .filter_map(|s| self.held.find(s.as_str()))
            .min()?;
        self.held.truncate(at);
        self.stopped = true;
        self.bytes.clear();
        Some(std::mem::take(&mut self.held))
    }

    /// Length of the longest end of `held` that begins a stop text.
    fn possible_stop(&self) -> usize {
        let longest = self.stop.iter().map(String::len).max().unwrap_or(0);
        let from = self.held.len().saturating_sub(longest);
        (from..self.held.len())
            .filter(|&at| self.held.is_char_boundary(at))
            .find(|&at| self.stop.iter().any(|s| s.starts_with(&self.held[at..])))
            .map_or(0, |at| self.held.len() - at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(stop: &[&str]) -> TextStream {
        TextStream::new(&stop.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn emoji_byte_by_byte() {
        let text = "a👩‍🚀é中\u{10FFFF}z";
        let mut stream = stream(&[]);
        let mut got = String::new();
        for byte in text.bytes() {
            let piece = stream.push(&[byte]);
            assert!(!piece.stopped && !piece.text.contains('\u{FFFD}'));
            got += &piece.text;
        }
        assert_eq!(got + &stream.finish(), text);
    }

    #[test]
    fn invalid_bytes_become_replacement_characters_once() {
        let mut s = stream(&[]);
        assert_eq!(s.push(b"a\xFFb").text, "a\u{FFFD}b");
        assert_eq!(s.push(b"\xF0\x9F").text, "");
        assert_eq!(s.push(b"x").text, "\u{FFFD}x");
        assert_eq!(s.push(b"\xE2\x82").text, "");
        assert_eq!(s.finish(), "\u{FFFD}");
        assert_eq!(s.finish(), "");
    }

    #[test]
    fn stop_texts_across_borders() {
        let mut s = stream(&["", "<end>", "\n\nUser:"]);
        assert_eq!(s.push(b"one <e").text, "one ");
        assert_eq!(s.push(b"m>\n").text, "<em>");
        assert_eq!(s.push(b"\nUs").text, "");
        assert_eq!(s.push(b"a <en").text, "\n\nUsa ");
        let piece = s.push(b"d> more");
        assert_eq!((piece.text.as_str(), piece.stopped), ("", true));
        let piece = s.push(b"after");
        assert_eq!((piece.text.as_str(), piece.stopped), ("", true));
        assert_eq!(s.finish(), "");
    }

    #[test]
    fn held_text_comes_out_at_the_end_and_the_first_stop_wins() {
        let mut s = stream(&["aab", "é!"]);
        assert_eq!(s.push(b"xaa").text, "x");
        assert_eq!(s.push(b"a\xC3").text, "a");
        assert_eq!(s.finish(), "aa\u{FFFD}");
        let mut s = stream(&["c", "b"]);
        let piece = s.push("a b c".as_bytes());
        assert_eq!((piece.text.as_str(), piece.stopped), ("a ", true));
    }
}
