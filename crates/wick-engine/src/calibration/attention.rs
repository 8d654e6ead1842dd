//! How fast attention is: to a prompt, and of one token over what is kept of the tokens before.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use wick_kernels::{
    AttentionShape, CacheFormat, PAGE_TOKENS, Page, PageLayout, PageTable, Span, Threads, attention,
};

use super::{Calibration, course::Course, line::on_line};
use crate::Result;

const WINDOW: Duration = Duration::from_millis(100);

/// Widths of a head: those that most models have. What others take lies on a line through these.
pub(super) const WIDTHS: [usize; 2] = [64, 128];

/// Heads of keys and values, and queries that share one.
const KV_HEADS: usize = 8;
const GROUP: usize = 3;

/// Rows of a prompt, and the context at whose end they stand.
const PROMPT: (usize, usize) = (256, 512);

/// The same of a token that is written.
const TOKEN: (usize, usize) = (1, 4096);

/// How fast attention with heads of one width is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct AttentionRate {
    /// Width of a head.
    pub head_dim: u32,
    /// Multiplications and additions a second while a prompt is read: one for a query, a position it sees and a number
    /// of the key, and one for each number of the value.
    pub prefill_macs_per_second: f64,
    /// The same while a token is written, over keys and values that a near cache holds. Where they come from memory, it
    /// takes at least what reading them takes.
    pub decode_macs_per_second: f64,
}

impl Calibration {
    /// Seconds of so many multiplications with heads of this width. What a query and a position cost grows evenly with
    /// the width, but not from zero: weighing a position costs the same for any.
    pub(crate) fn attention_seconds(
        &self,
        head_dim: usize,
        macs: f64,
        rate: fn(&AttentionRate) -> f64,
    ) -> f64 {
        let width = head_dim.max(1) as f64;
        let costs = self.attention.iter().map(|measured| {
            let width = f64::from(measured.head_dim);
            (width, width / rate(measured))
        });
        macs / width * on_line(costs, width)
    }
}

/// Rates with heads of each width.
pub(super) fn rates(course: &mut Course<'_>, threads: &Threads) -> Result<Vec<AttentionRate>> {
    let mut rates = Vec::new();
    for head_dim in WIDTHS {
        let case = Case::new(head_dim, GROUP);
        // The same page again and again: it stays in a near cache.
        let page = Arc::new(case.page(threads)?);
        let rate = |(rows, context): (usize, usize)| {
            let pages = vec![Some(page.clone()); context / PAGE_TOKENS];
            let seconds = case.seconds(course, threads, &[pages], rows)?;
            Ok::<_, crate::Error>(case.macs(rows, context) / seconds)
        };
        let rate = AttentionRate {
            head_dim: head_dim as u32,
            prefill_macs_per_second: rate(PROMPT)?,
            decode_macs_per_second: rate(TOKEN)?,
        };
        rates.push(rate);
        course.step()?;
    }
    Ok(rates)
}

/// Bytes of keys and values a second, of which at most `limit` are made, more than caches hold if that is enough.
pub(super) fn cache_bytes_per_second(
    course: &Course<'_>,
    threads: &Threads,
    limit: usize,
) -> Result<f64> {
    let case = Case::new(WIDTHS[1], 1);
    let (rows, context) = TOKEN;
    let page = case.page(threads)?;
    let bytes = context / PAGE_TOKENS * page.len();
    let layer = || -> Result<Vec<_>> {
        let pages = (0..context / PAGE_TOKENS).map(|_| Ok(Some(Arc::new(page.copied()?))));
        pages.collect()
    };
    let layers = (0..(limit / bytes).max(1)).map(|_| layer());
    let layers = layers.collect::<Result<Vec<_>>>()?;
    Ok(bytes as f64 / case.seconds(course, threads, &layers, rows)?)
}

/// Attention with heads of one width.
struct Case {
    layout: PageLayout,
    shape: AttentionShape,
}

impl Case {
    fn new(head_dim: usize, group: usize) -> Self {
        Self {
            layout: PageLayout {
                format: CacheFormat::F16,
                kv_heads: KV_HEADS,
                head_dim,
            },
            shape: AttentionShape {
                heads: KV_HEADS * group,
                kv_heads: KV_HEADS,
                head_dim,
                scale: 0.09,
                softcap: None,
                window: None,
            },
        }
    }

    fn page(&self, threads: &Threads) -> Result<Page> {
        let mut page = Page::zeroed(self.layout.bytes())?;
        let vector: Vec<f32> = (0..KV_HEADS * self.layout.head_dim)
            .map(|i| (i % 17) as f32 * 0.1 - 0.8)
            .collect();
        let all = vector.repeat(PAGE_TOKENS);
        self.layout
            .write_rows(threads, 0, &mut [&mut page], &all, &all)?;
        Ok(page)
    }

    /// Seconds of the last `rows` rows of a context: that of each of these layers in turn.
    fn seconds(
        &self,
        course: &Course<'_>,
        threads: &Threads,
        layers: &[Vec<Option<Arc<Page>>>],
        rows: usize,
    ) -> Result<f64> {
        let queries = vec![0.1; rows * self.shape.heads * self.shape.head_dim];
        let mut out = vec![0.0; queries.len()];
        let mut layers = layers.iter().cycle();
        course.time(WINDOW, || {
            let Some(pages) = layers.next() else {
                return Ok(());
            };
            let spans = [span(pages, pages.len() * PAGE_TOKENS - rows, rows)];
            let (layout, shape) = (&self.layout, &self.shape);
            Ok(attention(
                threads, layout, shape, &spans, &queries, &mut out,
            )?)
        })
    }

    fn macs(&self, rows: usize, context: usize) -> f64 {
        let seen: usize = (context - rows + 1..=context).sum();
        (2 * seen * self.shape.heads * self.shape.head_dim) as f64
    }
}

/// Rows from a position on.
pub(super) fn span(pages: &dyn PageTable, first_position: usize, rows: usize) -> Span<'_> {
    Span {
        first_row: 0,
        rows,
        first_position,
        pages,
    }
}
