//! A loaded model and the sequences that are read with it: tokens go in, logits for the next one come out.

use std::{
    fmt,
    ops::{Deref, Range},
    sync::Arc,
};

use crate::{
    Error, Result,
    kv_cache::{CacheFormat, CacheLayout, KvCache},
    layers::{Compute, Numbers},
    models::{self, Model, Step},
    source::ModelSource,
};

/// Weights with what all of their sequences have in common.
pub struct LoadedModel {
    model: Box<dyn Model>,
    compute: Compute,
    layout: Arc<CacheLayout>,
    context_length: usize,
}

impl LoadedModel {
    /// Loads the weights, for sequences of at most `context_length` tokens.
    pub fn load(
        source: &ModelSource,
        context_length: usize,
        cache: CacheFormat,
        compute: Compute,
        progress: &mut dyn FnMut(f32),
    ) -> Result<Arc<Self>> {
        let model = models::load(source, context_length, compute.clone(), progress)?;
        let layout = CacheLayout {
            format: cache,
            layers: model.cache_layers(),
        };
        Ok(Arc::new(Self {
            model,
            compute,
            layout: Arc::new(layout),
            context_length,
        }))
    }

    /// Most tokens of a sequence.
    pub fn context_length(&self) -> usize {
        self.context_length
    }

    /// Number of tokens it knows.
    pub fn vocabulary_size(&self) -> usize {
        self.model.vocabulary_size()
    }

    /// What the caches look like.
    pub fn cache_layout(&self) -> &Arc<CacheLayout> {
        &self.layout
    }

    fn empty_cache(&self) -> KvCache {
        match &self.compute {
            Compute::Host(_) => KvCache::on_host(self.layout.clone()),
            Compute::Candle(device) => KvCache::on_device(self.layout.clone(), device),
        }
    }
}

/// One sequence.
pub struct Decoder {
    model: Arc<LoadedModel>,
    cache: KvCache,
    /// What it has read.
    tokens: Vec<u32>,
}

/// Tokens for one sequence to read in a pass.
pub struct Reading<'a> {
    /// The sequence.
    pub decoder: &'a mut Decoder,
    /// What it reads next; not empty.
    pub tokens: &'a [u32],
    /// Logits are asked for the last so many of the tokens.
    pub outputs: usize,
}

/// Logits of one sequence, row after row, in memory that the next pass uses again when these are gone.
pub struct Logits {
    numbers: Arc<Numbers>,
    range: Range<usize>,
}

impl fmt::Debug for Logits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Logits {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Deref for Logits {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.numbers[self.range.clone()]
    }
}

impl Decoder {
    /// A sequence that has read nothing.
    pub fn new(model: &Arc<LoadedModel>) -> Self {
        Self {
            model: model.clone(),
            cache: model.empty_cache(),
            tokens: Vec::new(),
        }
    }

    /// A sequence that has read `tokens` into `cache` before.
    pub fn with_cache(model: &Arc<LoadedModel>, tokens: Vec<u32>, cache: KvCache) -> Result<Self> {
        let same = *cache.layout() == **model.cache_layout() && cache.position() == tokens.len();
        match same {
            true => Ok(Self {
                model: model.clone(),
                cache,
                tokens,
            }),
            false => Err(Error::Compute {
                reason: "a cache of another model or of other tokens".into(),
            }),
        }
    }

    /// Reads tokens and returns the logits that follow the last of them: one for each token there is.
    pub fn prefill(&mut self, tokens: &[u32]) -> Result<Logits> {
        let reading = Reading {
            decoder: self,
            tokens,
            outputs: 1,
        };
        Ok(read(vec![reading])?.remove(0))
    }

    /// Reads one token and returns the logits that follow it.
    pub fn decode(&mut self, token: u32) -> Result<Logits> {
        self.prefill(&[token])
    }

    /// Counts tokens as read without computing anything but what they take in memory: for measurements of what comes
    /// after them. What the cache then holds has no meaning.
    pub fn fill(&mut self, tokens: &[u32]) -> Result<()> {
        self.model.model.embed(tokens)?;
        self.cache.fill(tokens.len())?;
        self.tokens.extend_from_slice(tokens);
        Ok(())
    }

    /// Number of tokens read.
    pub fn position(&self) -> usize {
        self.tokens.len()
    }

    /// The tokens read.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens
    }

    /// What it keeps of them.
    pub fn cache(&self) -> &KvCache {
        &self.cache
    }

    /// Most tokens it can read.
    pub fn context_length(&self) -> usize {
        self.model.context_length
    }

    /// Forgets what was read beyond `position`, and returns the new position: where a layer's window has moved on too
    /// far to go back, everything is forgotten.
    pub fn truncate(&mut self, position: usize) -> usize {
        let kept = self.cache.truncate(position);
        self.tokens.truncate(kept);
        kept
    }

    /// How much of the beginning it has in common with `prompt` and could go on from.
    pub fn usable_prefix(&self, prompt: &[u32]) -> usize {
        let same = self.tokens.iter().zip(prompt).take_while(|(a, b)| a == b);
        self.cache.kept_by_truncate(same.count())
    }

    /// A second sequence that has read the same.
    pub fn fork(&self) -> Result<Self> {
        Ok(Self {
            model: self.model.clone(),
            cache: self.cache.fork()?,
            tokens: self.tokens.clone(),
        })
    }
}

/// Reads tokens of several sequences of one model in one pass. Returns for each the logits asked for, row after row.
/// If it fails, no sequence has moved.
pub fn read(readings: Vec<Reading<'_>>) -> Result<Vec<Logits>> {
    let Some(first) = readings.first() else {
        return Ok(Vec::new());
    };
    let model = first.decoder.model.clone();
    let vocabulary = model.vocabulary_size();
    let mut step = Step::new();
    let mut wanted = Vec::with_capacity(readings.len());
    let mut histories = Vec::with_capacity(readings.len());
    for reading in readings {
        let Decoder { cache, tokens, .. } = reading.decoder;
        let needed = tokens.len() + reading.tokens.len();
        if reading.tokens.is_empty() || needed > model.context_length {
            return Err(Error::PromptTooLong {
                needed: needed as u32,
                available: model.context_length as u32,
            });
        }
        let outputs = reading.outputs.min(reading.tokens.len());
        step.add(reading.tokens, cache, outputs);
        wanted.push(outputs);
        histories.push((tokens, reading.tokens));
    }
    let logits = model.model.forward(&mut step)?; // (n_outputs, n_vocabulary)
    let numbers = Arc::new(logits.into_numbers()?);
    step.advance();
    for (history, tokens) in histories {
        history.extend_from_slice(tokens);
    }
    let mut end = 0;
    let parts = wanted.into_iter().map(|outputs| {
        let start = end;
        end += outputs * vocabulary;
        Logits {
            numbers: numbers.clone(),
            range: start..end,
        }
    });
    Ok(parts.collect())
}
