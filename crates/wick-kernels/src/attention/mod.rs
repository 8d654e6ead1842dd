//! Attention over a paged cache. Scores never exist for a whole context: a block of queries goes through the pages
//! with a running maximum, sum and weighted values. Queries that share a key head share what is read of the cache.
//!
//! The pages of a sequence are taken in chunks of fixed positions whose results are merged. Which thread computes a
//! chunk changes nothing, nor does which rows stand beside a row, so a result depends on its sequence alone.

mod block;
mod tiles;

use std::cell::Cell;
use std::ops::Deref;
use std::sync::Mutex;

use crate::cache::{PAGE_TOKENS, PageLayout};
use crate::error::{check_length, product, whole_rows};
use crate::shared::Shared;
use crate::threads::unpoisoned;
use crate::{Error, Result, Threads, dispatch};

pub(crate) use block::{Block, Partial, attend_chunk};

/// Pages of a chunk.
const CHUNK: usize = 16;

/// Queries of a block: enough that reading a page of the cache costs little beside using it.
const QUERIES: usize = 64;

/// The heads of an attention layer and how they see.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AttentionShape {
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; each serves `heads / kv_heads` query heads in a row.
    pub kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// What scores are multiplied with.
    pub scale: f32,
    /// Bounds scores smoothly: cap · tanh(score / cap).
    pub softcap: Option<f32>,
    /// A token sees at most this many positions, itself included.
    pub window: Option<usize>,
}

/// The pages of a sequence: page `p` holds positions p · 64 and on.
pub trait PageTable: Sync {
    /// The bytes of a page, if it is there.
    fn page(&self, page: usize) -> Option<&[u8]>;
}

impl<P: Deref<Target: AsRef<[u8]>> + Sync> PageTable for Vec<Option<P>> {
    fn page(&self, page: usize) -> Option<&[u8]> {
        self.get(page)?.as_ref().map(|page| (**page).as_ref())
    }
}

/// Consecutive query rows of one sequence. Row i stands at `first_position` + i and sees positions up to its own,
/// within the window.
#[derive(Clone, Copy)]
pub struct Span<'a> {
    /// The first of its rows among the queries.
    pub first_row: usize,
    /// How many rows.
    pub rows: usize,
    /// Position of the first row in its sequence.
    pub first_position: usize,
    /// Those that no row sees need not be there.
    pub pages: &'a dyn PageTable,
}

/// Everything a block of queries needs.
pub(crate) struct Context<'a> {
    pub layout: PageLayout,
    pub shape: AttentionShape,
    pub spans: &'a [Span<'a>],
    pub queries: &'a [f32],
}

impl AttentionShape {
    /// The first position a row at `position` sees.
    pub(crate) fn first_seen(&self, position: usize) -> usize {
        match self.window {
            Some(window) => (position + 1).saturating_sub(window.max(1)),
            None => 0,
        }
    }

    /// Query heads that share a key head.
    pub(crate) fn group(&self) -> usize {
        self.heads / self.kv_heads
    }
}

/// Attention of `queries` over the pages of their spans; `queries` and `out` are (rows, heads · head_dim). Rows of no
/// span are left as they are.
pub fn attention(
    threads: &Threads,
    layout: &PageLayout,
    shape: &AttentionShape,
    spans: &[Span<'_>],
    queries: &[f32],
    out: &mut [f32],
) -> Result<()> {
    let (heads, kv_heads, head_dim) = (shape.heads, shape.kv_heads, shape.head_dim);
    if kv_heads == 0 || head_dim == 0 || !heads.is_multiple_of(kv_heads) {
        return Err(Error::Heads {
            heads,
            kv_heads,
            head_dim,
        });
    }
    check_length("key heads of the cache", kv_heads, layout.kv_heads)?;
    check_length("width of the cache's heads", head_dim, layout.head_dim)?;
    let width = product("queries", &[heads, head_dim])?;
    let rows = whole_rows("queries", width, queries.len())?;
    check_length("attended rows", queries.len(), out.len())?;
    for (index, span) in spans.iter().enumerate() {
        check_span(layout, shape, rows, index, span)?;
    }
    let context = Context {
        layout: *layout,
        shape: *shape,
        spans,
        queries,
    };
    threads.with_attention(|scratch| run(threads, &context, scratch, &Shared::new(out)));
    Ok(())
}

fn check_span(
    layout: &PageLayout,
    shape: &AttentionShape,
    rows: usize,
    index: usize,
    span: &Span<'_>,
) -> Result<()> {
    let last_row = span.first_row.checked_add(span.rows);
    if last_row.is_none_or(|last| last > rows) {
        return Err(Error::OutOfRange {
            what: "row of a span",
            index: last_row.unwrap_or(usize::MAX),
            limit: rows + 1,
        });
    }
    let last = span.first_position.checked_add(span.rows);
    let last = last.filter(|&last| last < usize::MAX / 2);
    let last = last.ok_or(Error::TooLarge { what: "positions" })?;
    if span.rows == 0 {
        return Ok(());
    }
    for page in shape.first_seen(span.first_position) / PAGE_TOKENS..last.div_ceil(PAGE_TOKENS) {
        match span.pages.page(page) {
            Some(bytes) => check_length("page", layout.bytes(), bytes.len())?,
            None => return Err(Error::MissingPage { span: index, page }),
        }
    }
    Ok(())
}

/// Memory that is used again from one attention to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    blocks: Vec<Block>,
    /// Blocks by their numbers, each with the chunks it sees.
    items: Vec<(usize, usize)>,
    partials: Vec<Mutex<Partial>>,
}

fn run(threads: &Threads, context: &Context<'_>, scratch: &mut Scratch, out: &Shared<'_, f32>) {
    list_blocks(context, &mut scratch.blocks);
    let blocks = &scratch.blocks;
    let chunks = blocks.iter().map(|block| block.chunks(context).len()).max();
    if chunks.unwrap_or(0) > 1 && blocks.len() < 4 * threads.count() {
        return run_split(threads, context, scratch, out);
    }
    thread_local! {
        static PARTIALS: Cell<[Partial; 2]> = Cell::default();
    }
    let attend = dispatch::kernels(threads.path()).attend;
    threads.share(blocks.len(), &|i| {
        let block = &blocks[i];
        let [mut total, mut next] = PARTIALS.take();
        total.begin(context, block);
        for chunk in block.chunks(context) {
            // SAFETY: the path is available; the pages were checked.
            unsafe { attend(context, block, chunk, &mut next) };
            total.merge(&next);
        }
        total.finish(context, block, out);
        PARTIALS.set([total, next]);
    });
}

/// Few blocks over a long context: threads share the chunks of each.
fn run_split(
    threads: &Threads,
    context: &Context<'_>,
    scratch: &mut Scratch,
    out: &Shared<'_, f32>,
) {
    let attend = dispatch::kernels(threads.path()).attend;
    let Scratch {
        blocks,
        items,
        partials,
    } = scratch;
    items.clear();
    for (i, block) in blocks.iter().enumerate() {
        items.extend(block.chunks(context).map(|chunk| (i, chunk)));
    }
    if partials.len() < items.len() {
        partials.resize_with(items.len(), Mutex::default);
    }
    threads.share(items.len(), &|i| {
        let (block, chunk) = items[i];
        let mut partial = unpoisoned(&partials[i]);
        // SAFETY: the path is available; the pages were checked.
        unsafe { attend(context, &blocks[block], chunk, &mut partial) };
    });
    let mut partials = partials.iter_mut().map(|partial| match partial.get_mut() {
        Ok(partial) => partial,
        Err(poisoned) => poisoned.into_inner(),
    });
    for block in blocks.iter() {
        let mut parts = partials.by_ref().take(block.chunks(context).len());
        let Some(total) = parts.next() else { continue };
        parts.for_each(|part| total.merge(part));
        total.finish(context, block, out);
    }
}

/// The work: rows of a span with one key head, the longest contexts first.
fn list_blocks(context: &Context<'_>, blocks: &mut Vec<Block>) {
    let rows_each = (QUERIES / context.shape.group().max(1)).max(1);
    blocks.clear();
    for (span, s) in context.spans.iter().enumerate() {
        for first in (0..s.rows).step_by(rows_each) {
            for kv_head in 0..context.shape.kv_heads {
                blocks.push(Block {
                    span,
                    kv_head,
                    first,
                    rows: rows_each.min(s.rows - first),
                });
            }
        }
    }
    blocks.reverse();
}
