//! What attention keeps of the tokens a sequence has read. On the host it lies in pages of 64 tokens a layer, which
//! sequences share until one of them writes: a copy of a cache costs a list of pages, and growing copies nothing.

mod pages;
mod stored;
mod tensors;

use std::{collections::HashSet, sync::Arc};

use candle_core::Device;
use serde::{Deserialize, Serialize};
use wick_kernels::PageLayout;

pub use stored::{read_cache, write_cache};
pub use wick_kernels::{CacheFormat, PAGE_TOKENS};

pub(crate) use pages::Pages;
pub(crate) use tensors::Tensors;

use crate::Result;

/// What one layer keeps of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerShape {
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Length of a head.
    pub head_dim: usize,
    /// A token sees at most so many positions, its own included; all where this is `None`.
    pub window: Option<usize>,
}

/// What a model's caches look like.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheLayout {
    /// How keys and values are stored.
    pub format: CacheFormat,
    /// One a layer.
    pub layers: Vec<LayerShape>,
}

impl CacheLayout {
    /// Bytes that a sequence of `tokens` takes, windows considered.
    pub fn bytes(&self, tokens: usize) -> usize {
        let layer = |shape: &LayerShape| {
            let held = shape.window.map_or(tokens, |window| tokens.min(window));
            // A window begins and ends within a page, and one page before it is held.
            let spare = 2 * usize::from(shape.window.is_some_and(|window| window < tokens));
            (held.div_ceil(PAGE_TOKENS) + spare) * self.page(shape).bytes()
        };
        self.layers.iter().map(layer).sum()
    }

    fn page(&self, shape: &LayerShape) -> PageLayout {
        PageLayout {
            format: self.format,
            kv_heads: shape.kv_heads,
            head_dim: shape.head_dim,
        }
    }
}

/// The cache of one sequence.
pub struct KvCache {
    layout: Arc<CacheLayout>,
    store: Store,
    position: usize,
}

enum Store {
    Pages(Vec<Pages>),
    Tensors(Vec<Tensors>),
}

impl KvCache {
    /// An empty cache in the host's memory.
    pub fn on_host(layout: Arc<CacheLayout>) -> Self {
        let pages = layout.layers.iter();
        let pages = pages.map(|shape| Pages::new(layout.page(shape), shape.window));
        let store = Store::Pages(pages.collect());
        Self {
            layout,
            store,
            position: 0,
        }
    }

    /// An empty cache of candle's tensors on a device.
    pub fn on_device(layout: Arc<CacheLayout>, device: &Device) -> Self {
        let tensors = layout.layers.iter();
        let tensors = tensors.map(|shape| Tensors::new(*shape, layout.format, device));
        let store = Store::Tensors(tensors.collect());
        Self {
            layout,
            store,
            position: 0,
        }
    }

    /// Tokens read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What it looks like.
    pub fn layout(&self) -> &CacheLayout {
        &self.layout
    }

    /// Counts tokens whose keys and values every layer has written.
    pub(crate) fn advance(&mut self, tokens: usize) {
        self.position += tokens;
        if let Store::Pages(layers) = &mut self.store {
            for pages in layers {
                pages.leave_behind(self.position);
            }
        }
    }

    /// Holds what so many more tokens take; the numbers in it mean nothing.
    pub(crate) fn fill(&mut self, tokens: usize) -> Result<()> {
        let end = self.position + tokens;
        match &mut self.store {
            Store::Pages(layers) => layers.iter_mut().try_for_each(|pages| pages.fill(end))?,
            Store::Tensors(layers) => layers
                .iter_mut()
                .try_for_each(|tensors| tensors.fill(end))?,
        }
        self.advance(tokens);
        Ok(())
    }

    /// Forgets what was read beyond `position` and returns the new position. Layers with a window have left behind
    /// what is before it: where the window at `position` is no longer whole, everything is forgotten.
    pub fn truncate(&mut self, position: usize) -> usize {
        if position >= self.position {
            return self.position;
        }
        self.position = match &mut self.store {
            Store::Pages(layers) => match layers.iter().all(|pages| pages.reaches(position)) {
                true => position,
                false => 0,
            },
            Store::Tensors(_) => position,
        };
        if let Store::Pages(layers) = &mut self.store {
            for pages in layers {
                pages.truncate(self.position);
            }
        }
        self.position
    }

    /// The longest beginning, of at most `position` tokens, that [`KvCache::truncate`] would keep.
    pub fn kept_by_truncate(&self, position: usize) -> usize {
        let position = position.min(self.position);
        match &self.store {
            Store::Pages(layers) if position < self.position => {
                match layers.iter().all(|pages| pages.reaches(position)) {
                    true => position,
                    false => 0,
                }
            }
            _ => position,
        }
    }

    pub(crate) fn pages(&mut self, layer: usize) -> Option<&mut Pages> {
        match &mut self.store {
            Store::Pages(layers) => layers.get_mut(layer),
            Store::Tensors(_) => None,
        }
    }

    pub(crate) fn tensors(&mut self, layer: usize) -> Option<&mut Tensors> {
        match &mut self.store {
            Store::Tensors(layers) => layers.get_mut(layer),
            Store::Pages(_) => None,
        }
    }

    /// Bytes of the pages that are not in `counted`, which then are.
    pub fn count_bytes(&self, counted: &mut HashSet<usize>) -> usize {
        match &self.store {
            Store::Pages(layers) => layers.iter().map(|pages| pages.count_bytes(counted)).sum(),
            Store::Tensors(layers) => layers.iter().map(Tensors::bytes).sum(),
        }
    }

    /// A second cache that has read the same; on the host it shares the pages until one of the two writes.
    pub fn fork(&self) -> Result<Self> {
        let store = match &self.store {
            Store::Pages(layers) => Store::Pages(layers.clone()),
            Store::Tensors(layers) => {
                let layers = layers.iter().map(Tensors::fork);
                Store::Tensors(layers.collect::<Result<_>>()?)
            }
        };
        Ok(Self {
            layout: self.layout.clone(),
            store,
            position: self.position,
        })
    }
}
