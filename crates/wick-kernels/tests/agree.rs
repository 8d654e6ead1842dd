//! Every path this processor has against the scalar one, for every format: random weights, odd sizes, odd scales.
//! `WICK_TEST_LONG=1` multiplies a million blocks of each.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use wick_kernels::{
    Activation, AttentionShape, CacheFormat, Format, Matrix, MatrixPart, PAGE_TOKENS, PageLayout,
    Path, Span, Threads, WeightBytes, attention, dequantize, gated, quantize, rms_norm,
};

mod common;
use common::Random;

/// The paths to test, apart from the scalar one; those that cannot be are named.
fn paths() -> Vec<Threads> {
    let (available, skipped): (Vec<Path>, Vec<Path>) = Path::ALL
        .iter()
        .filter(|path| **path != Path::Scalar)
        .partition(|path| path.available());
    for path in skipped {
        println!("skipped: this processor has no {}", path.name());
    }
    available
        .into_iter()
        .map(|path| Threads::on(path, 2))
        .collect()
}

fn multiply(threads: &Threads, part: MatrixPart, x: &[f32]) -> Vec<f32> {
    let mut out = vec![0.0; x.len() / part.columns * part.rows];
    let matrix = Matrix::new(vec![part], threads).unwrap();
    matrix.multiply(threads, x, &mut out).unwrap();
    out
}

/// How far results may lie apart, as a part of the sum of the products' sizes. All paths sum the same products, exactly
/// within a block, and differ by how sums of f32 are rounded. Rounding a factor to BF16 moves a product by up to 1/256.
fn bound(path: Path, format: Format) -> f32 {
    let rounded = match format {
        Format::BF16 => 1.0,
        Format::F16 => 2.01, // the weight too
        _ => 0.0,
    };
    4e-6 + f32::from(u8::from(path.rounds_to_bf16())) * rounded / 256.0
}

/// Where sizes near the largest f32, one result may overflow before the other.
fn check(threads: &Threads, part: &MatrixPart, x: &[f32]) {
    let scalar = multiply(&Threads::on(Path::Scalar, 2), part.clone(), x);
    let simd = multiply(threads, part.clone(), x);
    let (rows, columns) = (part.rows, part.columns);
    let bound = bound(threads.path(), part.format);
    let mut weights = vec![0.0; rows * columns];
    dequantize(part.format, part.data.bytes(), &mut weights).unwrap();
    for (i, (simd, scalar)) in simd.iter().zip(&scalar).enumerate() {
        let (x, weights) = (
            &x[i / rows * columns..][..columns],
            &weights[i % rows * columns..][..columns],
        );
        let size: f32 = x.iter().zip(weights).map(|(x, w)| (x * w).abs()).sum();
        let near = (simd - scalar).abs() <= bound * size + 1e-37;
        let same = near || size > 1e34 || (!simd.is_finite() && !scalar.is_finite());
        assert!(
            same,
            "{} {} {rows}x{columns}, result {i}: {simd}, scalar {scalar}, size {size}",
            threads.path().name(),
            part.format.name(),
        );
    }
}

#[test]
fn products_agree_with_the_scalar_path() {
    let long = std::env::var_os("WICK_TEST_LONG").is_some();
    let mut random = Random(31);
    for threads in paths() {
        for &format in Format::ALL {
            let block = format.block_size();
            let columns = |n: usize| (n * block).next_multiple_of(32.max(block)).min(n * 256);
            let mut shapes: Vec<(usize, usize, usize)> =
                [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 33, 100]
                    .iter()
                    .enumerate()
                    .map(|(i, tokens)| {
                        (
                            [1, 15, 16, 17, 40][i % 5],
                            columns([1, 2, 3, 5][i % 4]),
                            *tokens,
                        )
                    })
                    .collect();
            if long {
                shapes.push((1024, 1024 * block, 1));
            }
            for (rows, columns, tokens) in shapes {
                let data = Arc::new(random.blocks(format, rows * columns));
                let part = MatrixPart {
                    format,
                    rows,
                    columns,
                    data,
                };
                check(&threads, &part, &random.units(tokens * columns));
            }
        }
    }
}

#[test]
fn floats_are_multiplied_in_f32_where_that_is_asked_for() {
    let mut random = Random(36);
    let scalar = Threads::on(Path::Scalar, 2);
    for threads in paths() {
        for format in [Format::F16, Format::BF16] {
            let part = MatrixPart {
                format,
                rows: 17,
                columns: 100,
                data: Arc::new(random.blocks(format, 17 * 100)),
            };
            let x = random.units(9 * 100);
            let exact = multiply(&scalar, part.clone(), &x);
            let mut out = vec![0.0; exact.len()];
            let matrix = Matrix::new(vec![part], &threads).unwrap().in_f32();
            matrix.multiply(&threads, &x, &mut out).unwrap();
            for (found, exact) in out.iter().zip(&exact) {
                assert!((found - exact).abs() < 1e-4, "{found} {exact}");
            }
        }
    }
}

#[test]
fn every_bit_pattern_of_a_block_agrees() {
    // Any bytes are a block: also with scales that are infinite, not a number, or too small to be normal.
    let mut random = Random(32);
    for threads in paths() {
        for &format in Format::ALL {
            let columns = 2 * format.block_size().max(32);
            for _ in 0..50 {
                let bytes = format.row_bytes(columns).unwrap();
                let data: Vec<u8> = (0..16 * bytes)
                    .map(|_| (random.bits() >> 32) as u8)
                    .collect();
                let part = MatrixPart {
                    format,
                    rows: 16,
                    columns,
                    data: Arc::new(data),
                };
                check(&threads, &part, &random.units(columns));
            }
        }
    }
}

#[test]
fn activations_of_all_sizes_agree() {
    let mut random = Random(33);
    for threads in paths() {
        for &format in Format::ALL {
            let part = MatrixPart {
                format,
                rows: 16,
                columns: 256,
                data: Arc::new(random.blocks(format, 16 * 256)),
            };
            for size in [
                0.0,
                1e-42,
                1e-36,
                1e-20,
                1e20,
                1e30,
                f32::INFINITY,
                f32::NAN,
            ] {
                let x: Vec<f32> = random.units(256).iter().map(|v| v * size).collect();
                check(&threads, &part, &x);
            }
        }
    }
}

#[test]
fn what_stands_between_products_agrees() {
    let mut random = Random(34);
    let scalar = Threads::on(Path::Scalar, 1);
    for threads in paths() {
        let run = |kernel: &dyn Fn(&Threads, &mut [f32])| {
            let (mut a, mut b) = (vec![0.0; 3 * 100], vec![0.0; 3 * 100]);
            kernel(&scalar, &mut a);
            kernel(&threads, &mut b);
            for (a, b) in a.iter().zip(&b) {
                assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{a} {b}");
            }
        };
        let (x, weight) = (random.units(300), random.units(100));
        run(&|threads, out| rms_norm(threads, &x, &weight, 1e-6, out).unwrap());
        let gates: Vec<f32> = random.units(600).iter().map(|v| v * 100.0).collect();
        for activation in [
            Activation::Silu,
            Activation::GeluTanh,
            Activation::ReluSquared,
        ] {
            run(&|threads, out| gated(threads, activation, 100, &gates, out).unwrap());
        }
        for format in [CacheFormat::F32, CacheFormat::F16, CacheFormat::Q8_0] {
            let layout = PageLayout {
                format,
                kv_heads: 1,
                head_dim: 100,
            };
            let shape = AttentionShape {
                heads: 1,
                kv_heads: 1,
                head_dim: 100,
                scale: 0.2,
                softcap: None,
                window: None,
            };
            let mut pages = vec![vec![0; layout.bytes()]; 2];
            for t in 0..100 {
                let (key, value) = (random.units(100), random.units(100));
                let page = &mut pages[t / PAGE_TOKENS];
                layout
                    .write_rows(&scalar, t % PAGE_TOKENS, &mut [page], &key, &value)
                    .unwrap();
            }
            let pages = pages.into_iter().map(Some).collect::<Vec<_>>();
            let spans = [Span {
                first_row: 0,
                rows: 3,
                first_position: 97,
                pages: &pages,
            }];
            run(&|threads, out| attention(threads, &layout, &shape, &spans, &x, out).unwrap());
        }
    }
}

/// Bytes that end where memory ends: reading past them is a fault.
#[cfg(target_os = "linux")]
struct Guarded {
    map: *mut libc::c_void,
    mapped: usize,
    start: *const u8,
    length: usize,
}

#[cfg(target_os = "linux")]
mod guarded {
    #![allow(unsafe_code)] // a page that must not be read

    use super::*;

    // SAFETY: memory nobody writes after it is made.
    unsafe impl Send for Guarded {}
    // SAFETY: as above.
    unsafe impl Sync for Guarded {}

    impl Guarded {
        pub fn new(bytes: &[u8]) -> Self {
            let page = 64 << 10;
            let room = bytes.len().next_multiple_of(page);
            let mapped = room + page;
            // SAFETY: a new mapping; the bytes end at the page that is then closed.
            unsafe {
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let map = libc::mmap(
                    std::ptr::null_mut(),
                    mapped,
                    libc::PROT_READ | libc::PROT_WRITE,
                    flags,
                    -1,
                    0,
                );
                assert_ne!(map, libc::MAP_FAILED);
                let start = map.cast::<u8>().add(room - bytes.len());
                std::ptr::copy_nonoverlapping(bytes.as_ptr(), start, bytes.len());
                assert_eq!(
                    libc::mprotect(map.cast::<u8>().add(room).cast(), page, libc::PROT_NONE),
                    0
                );
                Guarded {
                    map,
                    mapped,
                    start,
                    length: bytes.len(),
                }
            }
        }
    }

    impl WeightBytes for Guarded {
        fn bytes(&self) -> &[u8] {
            // SAFETY: within the mapping, which lives as long as self.
            unsafe { std::slice::from_raw_parts(self.start, self.length) }
        }
    }

    impl Drop for Guarded {
        fn drop(&mut self) {
            // SAFETY: mapped by `new`.
            unsafe { libc::munmap(self.map, self.mapped) };
        }
    }

    /// f32 that end where memory ends.
    pub fn floats(values: &[f32]) -> Guarded {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Guarded::new(&bytes)
    }

    pub fn as_floats(guarded: &Guarded) -> &[f32] {
        // SAFETY: written as f32; the start is aligned, since the end is a page's and the length is a multiple of 4.
        unsafe { std::slice::from_raw_parts(guarded.start.cast(), guarded.length / 4) }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn nothing_is_read_past_the_end() {
    let mut random = Random(35);
    let mut all = paths();
    all.push(Threads::on(Path::Scalar, 2));
    for threads in all {
        for &format in Format::ALL {
            let columns = if format.block_size() == 1 {
                37
            } else {
                format.block_size()
            };
            for (rows, tokens) in [(1, 1), (17, 3), (5, 20)] {
                let weights = random.units(rows * columns);
                let mut blocks = vec![0; format.row_bytes(rows * columns).unwrap_or(0)];
                quantize(format, &weights, &mut blocks).unwrap();
                let part = MatrixPart {
                    format,
                    rows,
                    columns,
                    data: Arc::new(Guarded::new(&blocks)),
                };
                let x = guarded::floats(&random.units(tokens * columns));
                multiply(&threads, part, guarded::as_floats(&x));
            }
        }
        let layout = PageLayout {
            format: CacheFormat::F16,
            kv_heads: 1,
            head_dim: 20,
        };
        let page = Guarded::new(&vec![0; layout.bytes()]);
        let shape = AttentionShape {
            heads: 3,
            kv_heads: 1,
            head_dim: 20,
            scale: 1.0,
            softcap: None,
            window: None,
        };
        let spans = [Span {
            first_row: 0,
            rows: 1,
            first_position: 63,
            pages: &vec![Some(page.bytes())],
        }];
        let queries = guarded::floats(&random.units(60));
        let mut out = vec![0.0; 60];
        attention(
            &threads,
            &layout,
            &shape,
            &spans,
            guarded::as_floats(&queries),
            &mut out,
        )
        .unwrap();
        let weight = guarded::floats(&random.units(20));
        let mut out = vec![0.0; 60];
        rms_norm(
            &threads,
            guarded::as_floats(&queries),
            guarded::as_floats(&weight),
            0.0,
            &mut out,
        )
        .unwrap();
    }
}
