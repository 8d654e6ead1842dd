//! What a layer does beside its products and attention to what came long before: all the small steps of one token.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use wick_kernels::{
    Activation, AttentionShape, CacheFormat, Format, Matrix, MatrixPart, PAGE_TOKENS, Page,
    PageLayout, RopeStyle, Threads, attention, gated, rms_norm, rope,
};

use super::{Calibration, attention::span, buffer::Buffer, course::Course, line::on_line};
use crate::{Error, Result};

const WINDOW: Duration = Duration::from_millis(100);

/// Widths of an embedding: a very small model's, and one of a billion weights. What others take lies on a line through
/// these.
pub(super) const WIDTHS: [usize; 2] = [512, 2048];

const HEAD_DIM: usize = 128;

/// Layers of one run: a single one is too short for the clock.
const LAYERS: usize = 16;

/// What a layer costs beside its products, where an embedding has one width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "bindings", derive(ts_rs::TS))]
pub struct LayerCost {
    /// Width of the embedding.
    pub embedding: u32,
    /// Seconds of one token, its attention to the first tokens among them, and what it takes to begin a product.
    pub seconds: f64,
}

impl Calibration {
    /// Seconds of a layer with one token beside its products and attention to what came long before.
    pub(crate) fn layer_seconds(&self, embedding: u64) -> f64 {
        let costs = self.layers.iter();
        let costs = costs.map(|cost| (f64::from(cost.embedding), cost.seconds));
        on_line(costs, embedding as f64)
    }
}

/// The cost with each width.
pub(super) fn costs(
    course: &mut Course<'_>,
    threads: &Threads,
    buffer: &Buffer,
) -> Result<Vec<LayerCost>> {
    let mut costs = Vec::new();
    for width in WIDTHS {
        costs.push(LayerCost {
            embedding: width as u32,
            seconds: seconds(course, threads, buffer, width)?,
        });
        course.step()?;
    }
    Ok(costs)
}

/// Seconds of a layer with one token, where its weights are so few that they cost nothing.
fn seconds(course: &Course<'_>, threads: &Threads, buffer: &Buffer, width: usize) -> Result<f64> {
    let (heads, kv_heads) = (width / HEAD_DIM, width / HEAD_DIM / 2);
    let (keys_width, feed_forward) = (width / 2, 3 * width);
    let layout = PageLayout {
        format: CacheFormat::F16,
        kv_heads,
        head_dim: HEAD_DIM,
    };
    let shape = AttentionShape {
        heads,
        kv_heads,
        head_dim: HEAD_DIM,
        scale: 0.09,
        softcap: None,
        window: None,
    };
    // A panel for each thread, so that all of them take part.
    let matrix = |columns: usize| {
        let row = Format::Q8_0.row_bytes(columns).unwrap_or(columns);
        let rows = (16 * threads.count()).min(buffer.bytes().len() / row);
        let part = MatrixPart {
            format: Format::Q8_0,
            rows,
            columns,
            data: buffer.weights(0..rows * row),
        };
        Matrix::new(vec![part], threads)
    };
    let (from_width, from_feed_forward) = (matrix(width)?, matrix(feed_forward)?);
    let mut pages = vec![Some(Arc::new(Page::zeroed(layout.bytes())?))];
    let x: Vec<f32> = (0..2 * feed_forward)
        .map(|i| (i % 23) as f32 * 0.1)
        .collect();
    let (cos, sin) = (&x[..HEAD_DIM / 2], &x[HEAD_DIM / 2..HEAD_DIM]);
    let mut normed = vec![0.0; width];
    let mut heads = vec![0.1; width + keys_width];
    let mut seen = vec![0.0; width];
    let mut inner = vec![0.0; feed_forward];
    let [mut out, mut last] = [&from_width, &from_feed_forward].map(|m| vec![0.0; m.rows()]);
    let seconds = course.time(WINDOW, || {
        for _ in 0..LAYERS {
            rms_norm(threads, &x[..width], &x[..width], 1e-6, &mut normed)?;
            from_width.multiply(threads, &normed, &mut out)?; // queries, keys and values
            let (q, k) = heads.split_at_mut(width);
            for x in [q, k] {
                rope(
                    threads,
                    RopeStyle::Halves,
                    HEAD_DIM,
                    HEAD_DIM,
                    cos,
                    sin,
                    &[0],
                    x,
                )?;
            }
            let (q, k) = heads.split_at(width);
            let page = pages[0].as_mut().and_then(Arc::get_mut);
            let page = page.ok_or_else(|| Error::Compute {
                reason: "the page of a measurement is shared".into(),
            })?;
            layout.write_rows(threads, PAGE_TOKENS - 1, &mut [page], k, k)?;
            let spans = [span(&pages, PAGE_TOKENS - 1, 1)];
            attention(threads, &layout, &shape, &spans, q, &mut seen)?;
            from_width.multiply(threads, &seen, &mut out)?; // output
            rms_norm(threads, &x[..width], &x[..width], 1e-6, &mut normed)?;
            from_width.multiply(threads, &normed, &mut out)?; // gate and up
            gated(threads, Activation::Silu, feed_forward, &x, &mut inner)?;
            from_feed_forward.multiply(threads, &inner, &mut last)?; // down
        }
        Ok(())
    })?;
    Ok(seconds / LAYERS as f64)
}
