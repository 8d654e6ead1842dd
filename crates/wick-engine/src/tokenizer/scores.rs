//! SentencePiece vocabularies as GGUF files store them: tokens with scores. Of neighbouring pieces, those that make the
//! token of the best score are joined first, the leftmost of equals; what is no token in the end is written in bytes.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BinaryHeap, HashMap},
};

/// The tokens that text may become.
pub(super) struct Scores {
    tokens: HashMap<String, (u32, f32)>,
    bytes: [u32; 256],
}

/// A stretch of the text; the pieces are a list, linked by their numbers.
struct Piece {
    start: usize,
    end: usize,
    previous: Option<usize>,
    next: Option<usize>,
}

/// A pair that would make a token: by score, then by place.
struct Pair {
    score: f32,
    left: Reverse<usize>,
    right: usize,
    end: usize,
}

impl Ord for Pair {
    fn cmp(&self, other: &Self) -> Ordering {
        // Scores are numbers, as the vocabulary's check sees to.
        let score = self.score.partial_cmp(&other.score);
        let place = |pair: &Self| (pair.left, pair.right, pair.end);
        score
            .unwrap_or(Ordering::Equal)
            .then_with(|| place(self).cmp(&place(other)))
    }
}

impl PartialOrd for Pair {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Pair {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Pair {}

impl Scores {
    /// Of these tokens, and of the tokens for bytes.
    pub fn new(tokens: HashMap<String, (u32, f32)>, bytes: [u32; 256]) -> Self {
        Self { tokens, bytes }
    }

    /// Appends the tokens of a text in which `▁` stands for spaces.
    pub fn encode(&self, text: &str, ids: &mut Vec<u32>) {
        let mut pieces: Vec<Piece> = text
            .char_indices()
            .enumerate()
            .map(|(at, (start, c))| Piece {
                start,
                end: start + c.len_utf8(),
                previous: at.checked_sub(1),
                next: Some(at + 1),
            })
            .collect();
        if let Some(last) = pieces.last_mut() {
            last.next = None;
        }
        let mut queue = BinaryHeap::new();
        for left in 1..pieces.len() {
            queue.extend(self.pair(text, &pieces, Some(left - 1), Some(left)));
        }
        while let Some(Pair {
            left: Reverse(left),
            right,
            end,
            ..
        }) = queue.pop()
        {
            // One of the two has been joined to something else, or is longer now.
            let gone = pieces[left].end != pieces[right].start || pieces[right].end != end;
            if gone || pieces[left].next != Some(right) {
                continue;
            }
            let after = pieces[right].next;
            pieces[right].end = pieces[right].start;
            pieces[left].end = end;
            pieces[left].next = after;
            if let Some(after) = after {
                pieces[after].previous = Some(left);
            }
            queue.extend(self.pair(text, &pieces, pieces[left].previous, Some(left)));
            queue.extend(self.pair(text, &pieces, Some(left), after));
        }
        let mut at = (!pieces.is_empty()).then_some(0);
        while let Some(piece) = at.map(|at| &pieces[at]) {
            let string = &text[piece.start..piece.end];
            match self.tokens.get(string) {
                Some((id, _)) => ids.push(*id),
                None => ids.extend(string.bytes().map(|byte| self.bytes[usize::from(byte)])),
            }
            at = piece.next;
        }
    }

    fn pair(
        &self,
        text: &str,
        pieces: &[Piece],
        left: Option<usize>,
        right: Option<usize>,
    ) -> Option<Pair> {
        let (left, right) = (left?, right?);
        let end = pieces[right].end;
        let (_, score) = self.tokens.get(&text[pieces[left].start..end])?;
        Some(Pair {
            score: *score,
            left: Reverse(left),
            right,
            end,
        })
    }
}
