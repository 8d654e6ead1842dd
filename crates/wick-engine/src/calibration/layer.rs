//! What a layer does beside its products and attention to what came long before: all the small steps of one token.

use std::{sync::Arc, time::Duration};

use wick_kernels::{
    Activation, AttentionShape, CacheFormat, Format, Matrix, MatrixPart, PAGE_TOKENS, Page,
    PageLayout, RopeStyle, Threads, attention, gated, rms_norm, rope,
};

use super::{attention::span, buffer::Buffer, course::Course};
use crate::{Error, Result};

const WINDOW: Duration = Duration::from_millis(120);

const HEADS: usize = 16;
const KV_HEADS: usize = 8;
const HEAD_DIM: usize = 128;
const WIDTH: usize = HEADS * HEAD_DIM;
const KEYS: usize = KV_HEADS * HEAD_DIM;
const FEED_FORWARD: usize = 3 * WIDTH;

/// Layers of one run: a single one is too short for the clock.
const LAYERS: usize = 16;

const LAYOUT: PageLayout = PageLayout {
    format: CacheFormat::F16,
    kv_heads: KV_HEADS,
    head_dim: HEAD_DIM,
};

const SHAPE: AttentionShape = AttentionShape {
    heads: HEADS,
    kv_heads: KV_HEADS,
    head_dim: HEAD_DIM,
    scale: 0.09,
    softcap: None,
    window: None,
};

/// Seconds of a layer with one token, where its weights are so few that they cost nothing.
pub(super) fn layer_seconds(
    course: &Course<'_>,
    threads: &Threads,
    buffer: &Buffer,
) -> Result<f64> {
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
    let (from_width, from_feed_forward) = (matrix(WIDTH)?, matrix(FEED_FORWARD)?);
    let mut pages = vec![Some(Arc::new(Page::zeroed(LAYOUT.bytes())?))];
    let x: Vec<f32> = (0..2 * FEED_FORWARD)
        .map(|i| (i % 23) as f32 * 0.1)
        .collect();
    let (cos, sin) = (&x[..HEAD_DIM / 2], &x[HEAD_DIM / 2..HEAD_DIM]);
    let mut normed = vec![0.0; WIDTH];
    let mut heads = vec![0.1; WIDTH + KEYS];
    let mut seen = vec![0.0; WIDTH];
    let mut inner = vec![0.0; FEED_FORWARD];
    let [mut out, mut last] = [&from_width, &from_feed_forward].map(|m| vec![0.0; m.rows()]);
    let seconds = course.time(WINDOW, || {
        for _ in 0..LAYERS {
            rms_norm(threads, &x[..WIDTH], &x[..WIDTH], 1e-6, &mut normed)?;
            from_width.multiply(threads, &normed, &mut out)?; // queries, keys and values
            let (q, k) = heads.split_at_mut(WIDTH);
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
            let (q, k) = heads.split_at(WIDTH);
            let page = pages[0].as_mut().and_then(Arc::get_mut);
            let page = page.ok_or_else(|| Error::Compute {
                reason: "the page of a measurement is shared".into(),
            })?;
            LAYOUT.write_rows(threads, PAGE_TOKENS - 1, &mut [page], k, k)?;
            let spans = [span(&pages, PAGE_TOKENS - 1, 1)];
            attention(threads, &LAYOUT, &SHAPE, &spans, q, &mut seen)?;
            from_width.multiply(threads, &seen, &mut out)?; // output
            rms_norm(threads, &x[..WIDTH], &x[..WIDTH], 1e-6, &mut normed)?;
            from_width.multiply(threads, &normed, &mut out)?; // gate and up
            gated(threads, Activation::Silu, FEED_FORWARD, &x, &mut inner)?;
            from_feed_forward.multiply(threads, &inner, &mut last)?; // down
        }
        Ok(())
    })?;
    Ok(seconds / LAYERS as f64)
}
