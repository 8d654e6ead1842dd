//! Attention over pages against its definition.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use wick_kernels::{
    AttentionShape, CacheFormat, Error, PAGE_TOKENS, PageLayout, PageTable, Span, Threads,
    attention,
};

mod common;
use common::{Random, difference};

struct Sequence {
    pages: Vec<Option<Vec<u8>>>,
    keys: Vec<f32>,
    values: Vec<f32>,
}

/// Random keys and values, in pages and as the pages give them back.
fn sequence(random: &mut Random, layout: &PageLayout, tokens: usize) -> Sequence {
    let width = layout.kv_heads * layout.head_dim;
    let mut pages = vec![Some(vec![0xff; layout.bytes()]); tokens.div_ceil(PAGE_TOKENS)];
    let (mut keys, mut values) = (Vec::new(), Vec::new());
    let threads = Threads::new(1);
    for t in 0..tokens {
        let (mut key, mut value) = (random.units(width), random.units(width));
        let page = pages[t / PAGE_TOKENS].as_mut().unwrap();
        layout
            .write_rows(&threads, t % PAGE_TOKENS, &mut [page], &key, &value)
            .unwrap();
        layout
            .read(page, t % PAGE_TOKENS, &mut key, &mut value)
            .unwrap();
        keys.extend(key);
        values.extend(value);
    }
    Sequence {
        pages,
        keys,
        values,
    }
}

impl Sequence {
    fn span(&self, first_row: usize, rows: usize, first_position: usize) -> Span<'_> {
        Span {
            first_row,
            rows,
            first_position,
            pages: &self.pages,
        }
    }

    /// Gives up the pages that nobody sees who stands at `position` or after.
    fn leave_behind(&mut self, shape: &AttentionShape, position: usize) {
        let first = shape.window.map_or(0, |w| (position + 1).saturating_sub(w));
        self.pages[..first / PAGE_TOKENS].fill(None);
    }

    /// One query row by the definition, in f64.
    fn plain(&self, shape: &AttentionShape, query: &[f32], position: usize) -> Vec<f32> {
        let (dim, width) = (shape.head_dim, shape.kv_heads * shape.head_dim);
        let first = shape.window.map_or(0, |w| (position + 1).saturating_sub(w));
        let mut out = Vec::new();
        for (head, query) in query.chunks(dim).enumerate() {
            let at = head / (shape.heads / shape.kv_heads) * dim;
            let scores = (first..=position).map(|p| {
                let key = &self.keys[p * width + at..][..dim];
                let dot: f64 = query
                    .iter()
                    .zip(key)
                    .map(|(q, k)| *q as f64 * *k as f64)
                    .sum();
                let score = dot * shape.scale as f64;
                shape
                    .softcap
                    .map_or(score, |cap| (score / cap as f64).tanh() * cap as f64)
            });
            let weights: Vec<f64> = scores.map(f64::exp).collect();
            let sum: f64 = weights.iter().sum();
            out.extend((0..dim).map(|i| {
                let values = (first..=position).map(|p| self.values[p * width + at + i] as f64);
                (values.zip(&weights).map(|(v, w)| v * w).sum::<f64>() / sum) as f32
            }));
        }
        out
    }
}

const FORMATS: [CacheFormat; 3] = [CacheFormat::F32, CacheFormat::F16, CacheFormat::Q8_0];

fn shapes() -> Vec<AttentionShape> {
    let shape = |heads, kv_heads, head_dim, softcap, window| AttentionShape {
        heads,
        kv_heads,
        head_dim,
        scale: 0.3,
        softcap,
        window,
    };
    vec![
        shape(4, 2, 64, None, None),
        shape(3, 3, 20, None, None),
        shape(8, 1, 32, Some(5.0), None),
        shape(6, 2, 64, None, None),
        shape(7, 1, 32, None, Some(200)),
        shape(2, 1, 96, None, Some(70)),
        shape(2, 2, 16, None, Some(1)),
    ]
}

#[test]
fn attention_is_a_softmax_over_the_positions_a_row_sees() {
    let mut random = Random(11);
    let threads = Threads::new(2);
    for shape in shapes() {
        for format in FORMATS {
            let layout = PageLayout {
                format,
                kv_heads: shape.kv_heads,
                head_dim: shape.head_dim,
            };
            let (mut long, short) = (
                sequence(&mut random, &layout, 1300),
                sequence(&mut random, &layout, 5),
            );
            long.leave_behind(&shape, 960);
            // Rows across the end of a chunk, a row at the end, and a beginning.
            let spans = [
                long.span(0, 140, 960),
                long.span(140, 1, 1299),
                short.span(141, 5, 0),
            ];
            let width = shape.heads * shape.head_dim;
            let queries = random.units(146 * width);
            let mut out = vec![0.0; 146 * width];
            attention(&threads, &layout, &shape, &spans, &queries, &mut out).unwrap();
            for (row, (query, out)) in queries.chunks(width).zip(out.chunks(width)).enumerate() {
                let expected = match row {
                    0..140 => long.plain(&shape, query, 960 + row),
                    140 => long.plain(&shape, query, 1299),
                    _ => short.plain(&shape, query, row - 141),
                };
                let error = difference(out, &expected);
                assert!(error < 2e-5, "{shape:?} {format:?} row {row}: {error}");
            }
        }
    }
}

#[test]
fn a_row_is_the_same_alone_and_among_others() {
    let mut random = Random(12);
    let threads = Threads::new(2);
    for shape in shapes() {
        let layout = PageLayout {
            format: CacheFormat::F16,
            kv_heads: shape.kv_heads,
            head_dim: shape.head_dim,
        };
        let mut long = sequence(&mut random, &layout, 1200);
        long.leave_behind(&shape, 1100);
        let width = shape.heads * shape.head_dim;
        let queries = random.units(100 * width);
        let mut together = vec![0.0; 100 * width];
        let spans = [long.span(0, 100, 1100)];
        attention(&threads, &layout, &shape, &spans, &queries, &mut together).unwrap();
        for row in 0..100 {
            let mut alone = vec![0.0; width];
            let spans = [long.span(0, 1, 1100 + row)];
            let query = &queries[row * width..][..width];
            attention(&threads, &layout, &shape, &spans, query, &mut alone).unwrap();
            assert_eq!(
                alone,
                together[row * width..][..width],
                "{shape:?} row {row}"
            );
        }
    }
}

#[test]
fn what_cannot_be_computed_is_an_error() {
    let mut random = Random(13);
    let threads = Threads::new(2);
    let shape = shapes()[0];
    let layout = PageLayout {
        format: CacheFormat::F16,
        kv_heads: 2,
        head_dim: 64,
    };
    let tokens = sequence(&mut random, &layout, 130);
    let run = |shape: &AttentionShape, span: Span<'_>| {
        attention(
            &threads,
            &layout,
            shape,
            &[span],
            &[0.0; 2 * 256],
            &mut [0.0; 2 * 256],
        )
    };
    run(&shape, tokens.span(0, 2, 128)).unwrap();
    run(&shape, tokens.span(0, 0, 0)).unwrap();
    let mut missing = tokens.pages.clone();
    missing[1] = None;
    let pages: &dyn PageTable = &missing;
    let span = Span {
        pages,
        ..tokens.span(0, 2, 128)
    };
    assert_eq!(
        run(&shape, span),
        Err(Error::MissingPage { span: 0, page: 1 })
    );
    assert_eq!(
        run(&shape, tokens.span(0, 2, 191)),
        Err(Error::MissingPage { span: 0, page: 3 })
    );
    assert!(run(&shape, tokens.span(1, 2, 0)).is_err());
    assert!(run(&shape, tokens.span(0, 2, usize::MAX)).is_err());
    let short = Span {
        pages: &vec![Some(vec![0; 10])],
        ..tokens.span(0, 2, 0)
    };
    assert!(run(&shape, short).is_err());
    let uneven = AttentionShape { heads: 3, ..shape };
    assert!(matches!(
        run(&uneven, tokens.span(0, 2, 0)),
        Err(Error::Heads { .. })
    ));
    let none = AttentionShape {
        kv_heads: 0,
        ..shape
    };
    assert!(run(&none, tokens.span(0, 2, 0)).is_err());
}

#[test]
fn a_page_gives_back_what_was_written() {
    let mut random = Random(14);
    let threads = Threads::new(2);
    for format in FORMATS {
        for head_dim in [1, 20, 64, 100] {
            let layout = PageLayout {
                format,
                kv_heads: 3,
                head_dim,
            };
            let mut page = vec![0; layout.bytes()];
            let tokens: Vec<_> = (0..PAGE_TOKENS)
                .map(|_| random.units(2 * 3 * head_dim))
                .collect();
            for (slot, token) in tokens.iter().enumerate() {
                let (key, value) = token.split_at(3 * head_dim);
                layout
                    .write_rows(&threads, slot, &mut [&mut page], key, value)
                    .unwrap();
            }
            // All at once, over the end of a page, is the same.
            let of_all = |at: usize| -> Vec<f32> {
                let parts = tokens
                    .iter()
                    .map(|token| token.chunks(3 * head_dim).nth(at));
                parts.flat_map(|part| part.unwrap().to_vec()).collect()
            };
            let mut two = vec![vec![0; layout.bytes()]; 2];
            let mut pages: Vec<&mut [u8]> = two.iter_mut().map(Vec::as_mut_slice).collect();
            layout
                .write_rows(&threads, 50, &mut pages, &of_all(0), &of_all(1))
                .unwrap();
            for (slot, token) in tokens.iter().enumerate() {
                let at = 50 + slot;
                let mut back = [vec![0.0; token.len()], vec![0.0; token.len()]];
                for (back, (page, slot)) in back
                    .iter_mut()
                    .zip([(&page, slot), (&two[at / PAGE_TOKENS], at % PAGE_TOKENS)])
                {
                    let (key, value) = back.split_at_mut(3 * head_dim);
                    layout.read(page, slot, key, value).unwrap();
                }
                assert_eq!(back[0], back[1], "{format:?} {head_dim} {slot}");
            }
            let bound = match format {
                CacheFormat::F32 => 0.0,
                CacheFormat::F16 => 0.0005,
                CacheFormat::Q8_0 => 0.005,
            };
            for (slot, token) in tokens.iter().enumerate() {
                let mut back = vec![0.0; token.len()];
                let (key, value) = back.split_at_mut(3 * head_dim);
                layout.read(&page, slot, key, value).unwrap();
                assert!(
                    difference(&back, token) <= bound,
                    "{format:?} {head_dim} {slot}"
                );
            }
            let write = |page: &mut [u8], slot, key: &[f32], value: &[f32]| {
                layout.write_rows(&threads, slot, &mut [page], key, value)
            };
            assert!(write(&mut page, PAGE_TOKENS, &tokens[0], &tokens[0]).is_err());
            let (key, value) = (vec![0.0; 3 * head_dim], vec![0.0; 3 * head_dim]);
            assert!(write(&mut page[1..], 0, &key, &value).is_err());
            assert!(write(&mut page, 0, &key[1..], &value).is_err());
            assert!(write(&mut page, PAGE_TOKENS, &key, &value).is_err());
        }
    }
    let huge = PageLayout {
        format: CacheFormat::F32,
        kv_heads: usize::MAX,
        head_dim: usize::MAX,
    };
    assert!(
        huge.write_rows(&threads, 0, &mut [&mut []], &[], &[])
            .is_err()
    );
}
