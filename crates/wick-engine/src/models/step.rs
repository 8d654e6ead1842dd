//! What one pass through the model works on: tokens of one or more sequences, one after another.

use std::ops::Range;

use crate::{Result, kv_cache::KvCache, layers::Rows};

/// The tokens of one pass.
pub struct Step<'a> {
    tokens: Vec<u32>,
    positions: Vec<u32>,
    outputs: Vec<u32>,
    sequences: Vec<StepSequence<'a>>,
}

/// One sequence's part of a pass.
pub struct StepSequence<'a> {
    /// Its rows of the pass.
    pub rows: Range<usize>,
    /// What it has read before.
    pub cache: &'a mut KvCache,
}

impl<'a> Step<'a> {
    /// An empty pass.
    pub fn new() -> Self {
        Self {
            tokens: Vec::new(),
            positions: Vec::new(),
            outputs: Vec::new(),
            sequences: Vec::new(),
        }
    }

    /// Adds the next tokens of a sequence; logits are asked for the last `outputs` of them.
    pub fn add(&mut self, tokens: &[u32], cache: &'a mut KvCache, outputs: usize) {
        let rows = self.tokens.len()..self.tokens.len() + tokens.len();
        self.tokens.extend_from_slice(tokens);
        let first = cache.position();
        self.positions
            .extend((first..first + tokens.len()).map(|position| position as u32));
        let wanted = rows.end - outputs.min(tokens.len())..rows.end;
        self.outputs.extend(wanted.map(|row| row as u32));
        self.sequences.push(StepSequence { rows, cache });
    }

    /// The tokens, of all sequences.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// Where each token stands in its sequence.
    pub fn positions(&self) -> &[u32] {
        &self.positions
    }

    /// The sequences.
    pub fn sequences_mut(&mut self) -> &mut [StepSequence<'a>] {
        &mut self.sequences
    }

    /// The rows whose logits are asked for. `x: (n_tokens, n)` → `(n_outputs, n)`
    pub fn outputs_of(&self, x: Rows) -> Result<Rows> {
        match self.outputs.len() == self.tokens.len() {
            true => Ok(x),
            false => x.select(&self.outputs),
        }
    }

    /// Counts the tokens as read, once every layer has.
    pub(crate) fn advance(self) {
        for sequence in self.sequences {
            sequence.cache.advance(sequence.rows.len());
        }
    }
}

impl Default for Step<'_> {
    fn default() -> Self {
        Self::new()
    }
}
