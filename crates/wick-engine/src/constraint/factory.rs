//! What constraints need to know of a vocabulary, prepared once for a model, and how they are compiled.

use std::{
    collections::HashSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use llguidance::{
    Matcher, ParserFactory,
    api::StopReason,
    toktrie::{ApproximateTokEnv, INVALID_TOKEN, TokEnv, TokRxInfo, TokTrie},
};

use super::{Constraint, ConstraintState, failed, invalid};
use crate::{Error, Result, tokenizer::Tokenizer};

/// Longer tokens are never written under a constraint: the trie of tokens is walked recursively.
const MAX_TOKEN_BYTES: usize = 512;
/// Most bytes of all tokens together; the trie counts its nodes in 22 bits.
const MAX_VOCABULARY_BYTES: usize = (1 << 22) - 1;
/// Tokens are numbered in 24 bits, the last number is none.
const MAX_TOKENS: usize = (1 << 24) - 1;
/// Most states of a lexer, of one to two kilobytes each.
const MAX_LEXER_STATES: usize = 100_000;
/// Grammars and schemas are compiled recursively. The deepest that fit in the allowed bytes take 40 MiB of this stack,
/// and 200 MiB without optimization. It is address space: memory only where it is needed.
const COMPILER_STACK_BYTES: usize = 256 << 20;

/// Starts constraints for the vocabulary of a model. Making it takes a while, so it is made once.
pub struct ConstraintFactory {
    parsers: ParserFactory,
    end_of_turn: Arc<[u32]>,
}

impl std::fmt::Debug for ConstraintFactory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConstraintFactory").finish_non_exhaustive()
    }
}

impl ConstraintFactory {
    /// Prepares a vocabulary.
    pub fn new(tokenizer: &Tokenizer) -> Result<Self> {
        let count = tokenizer.vocabulary_size();
        let end_of_turn: Arc<[u32]> = (0..count as u32)
            .filter(|&token| tokenizer.is_end_of_turn(token))
            .collect();
        let words = words(tokenizer, &end_of_turn)?;
        let build = || {
            let end = end_of_turn.first().copied();
            let info = TokRxInfo::new(count as u32, end.unwrap_or(INVALID_TOKEN));
            let mut trie = TokTrie::from(&info, &words);
            if !end_of_turn.is_empty() {
                trie = trie.with_eos_tokens(&end_of_turn);
            }
            let environment: TokEnv = Arc::new(ApproximateTokEnv::new(trie));
            ParserFactory::new_simple(&environment)
        };
        let mut parsers = catch_unwind(AssertUnwindSafe(build))
            .map_err(|_| unsupported("it cannot be made into a trie"))?
            .map_err(|error| unsupported(error.to_string()))?;
        parsers.quiet();
        let limits = parsers.limits_mut();
        // States and grammars of strangers do not belong in an error.
        limits.verbose_errors = false;
        limits.max_lexer_states = MAX_LEXER_STATES;
        Ok(Self {
            parsers,
            end_of_turn,
        })
    }

    /// Compiles a constraint; the text it holds for begins here.
    pub fn start(&self, constraint: &Constraint) -> Result<ConstraintState> {
        let grammar = constraint.grammar()?;
        let compile = || {
            let mut parser = self.parsers.create_parser(grammar).map_err(failed)?;
            parser.start_without_prompt();
            // The first mask shows what the compiler does not: that there is no text of this format.
            match parser.compute_mask() {
                Ok(_) => Ok(Matcher::new(Ok(parser))),
                Err(_) if parser.stop_reason() == StopReason::NoExtensionBias => {
                    Err(invalid("nothing can be written that fits it"))
                }
                Err(error) => Err(failed(error)),
            }
        };
        let compiled = thread::scope(|scope| {
            let compiler = thread::Builder::new().stack_size(COMPILER_STACK_BYTES);
            let compiler = compiler.spawn_scoped(scope, compile).map_err(failed)?;
            let panicked = |_| invalid("its compiler failed");
            compiler.join().map_err(panicked)?
        });
        Ok(ConstraintState {
            matcher: compiled?,
            end_of_turn: self.end_of_turn.clone(),
            ended: false,
            mask: None,
        })
    }
}

/// The bytes of each token as text; none for tokens that a constraint never lets through.
fn words(tokenizer: &Tokenizer, end_of_turn: &[u32]) -> Result<Vec<Vec<u8>>> {
    let count = tokenizer.vocabulary_size();
    if count > MAX_TOKENS {
        return Err(unsupported(format!("{count} tokens are too many")));
    }
    let mut seen = HashSet::with_capacity(count);
    let mut total = 0;
    let mut words = Vec::with_capacity(count);
    for token in 0..count as u32 {
        let bytes = tokenizer.token_bytes(token);
        let usable = bytes.len() <= MAX_TOKEN_BYTES
            && !end_of_turn.contains(&token)
            // No text has this byte, and to the trie it marks special tokens.
            && bytes.first() != Some(&TokTrie::SPECIAL_TOKEN_MARKER)
            // Of tokens with the same bytes the first will do.
            && seen.insert(bytes.clone());
        words.push(if usable { bytes } else { Vec::new() });
        total += words.last().map_or(0, Vec::len);
    }
    match total <= MAX_VOCABULARY_BYTES {
        true => Ok(words),
        false => Err(unsupported(format!("its tokens have {total} bytes"))),
    }
}

fn unsupported(reason: impl Into<String>) -> Error {
    let reason = reason.into();
    invalid(format!(
        "this model's vocabulary cannot be constrained: {reason}"
    ))
}
