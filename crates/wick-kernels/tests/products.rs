//! Matrix products against plain sums.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::Arc;

use wick_kernels::{Error, Format, Matrix, MatrixPart, Path, Threads, dequantize};

mod common;
use common::{Random, difference};

fn part(random: &mut Random, format: Format, rows: usize, columns: usize) -> MatrixPart {
    let data = Arc::new(random.blocks(format, rows * columns));
    MatrixPart {
        format,
        rows,
        columns,
        data,
    }
}

/// The product by its definition, in f64; quantized weights see activations rounded to 1/127 of their block's largest,
/// and those of sixteen bits may be rounded to BF16 as what they are multiplied with.
fn plain(part: &MatrixPart, x: &[f32], path: Path) -> Vec<f64> {
    let mut weights = vec![0.0; part.rows * part.columns];
    dequantize(part.format, part.data.bytes(), &mut weights).unwrap();
    let float = matches!(part.format, Format::F32 | Format::F16 | Format::BF16);
    let mut rounded = x.to_vec();
    for block in rounded.chunks_mut(32).filter(|_| !float) {
        let largest = block.iter().fold(0f32, |a, b| a.max(b.abs()));
        for v in block {
            *v = (*v * (127.0 / largest)).round_ties_even() * (largest / 127.0);
        }
    }
    if path.rounds_to_bf16() && matches!(part.format, Format::F16 | Format::BF16) {
        for v in rounded.iter_mut().chain(&mut weights) {
            *v = half::bf16::from_f32(*v).to_f32();
        }
    }
    let mut out = Vec::new();
    for x in rounded.chunks(part.columns) {
        for w in weights.chunks(part.columns) {
            out.push(w.iter().zip(x).map(|(w, x)| *w as f64 * *x as f64).sum());
        }
    }
    out
}

#[test]
fn products_are_the_sums_they_stand_for() {
    let mut random = Random(3);
    let threads = Threads::new(2);
    for &format in Format::ALL {
        for (rows, columns, tokens) in [(1, 256, 1), (17, 512, 3), (48, 768, 21)] {
            let part = part(&mut random, format, rows, columns);
            let x = random.units(tokens * columns);
            let expected = plain(&part, &x, threads.path());
            let matrix = Matrix::new(vec![part], &threads).unwrap();
            let mut out = vec![0.0; tokens * rows];
            matrix.multiply(&threads, &x, &mut out).unwrap();
            for (found, expected) in out.iter().zip(&expected) {
                let error = (*found as f64 - expected).abs();
                assert!(
                    error < 1e-4,
                    "{} {rows}x{columns}: {found} {expected}",
                    format.name()
                );
            }
        }
    }
}

#[test]
fn a_row_is_the_same_alone_and_among_others() {
    let mut random = Random(4);
    let threads = Threads::new(2);
    for &format in Format::ALL {
        let matrix = Matrix::new(vec![part(&mut random, format, 40, 512)], &threads).unwrap();
        let x = random.units(37 * 512);
        let mut together = vec![0.0; 37 * 40];
        matrix.multiply(&threads, &x, &mut together).unwrap();
        for (x, together) in x.chunks(512).zip(together.chunks(40)) {
            let mut alone = vec![0.0; 40];
            matrix.multiply(&threads, x, &mut alone).unwrap();
            assert_eq!(alone, together, "{}", format.name());
        }
    }
}

#[test]
fn stacked_matrices_are_the_matrices_side_by_side() {
    let mut random = Random(5);
    let threads = Threads::new(2);
    let formats = [Format::Q4K, Format::F32, Format::Q6K, Format::Q8_0];
    let parts: Vec<MatrixPart> = formats
        .iter()
        .zip([33, 7, 16, 1])
        .map(|(format, rows)| part(&mut random, *format, rows, 256))
        .collect();
    let x = random.units(5 * 256);
    let stacked = Matrix::new(parts.clone(), &threads).unwrap();
    assert_eq!((stacked.rows(), stacked.columns()), (57, 256));
    let mut out = vec![0.0; 5 * 57];
    stacked.multiply(&threads, &x, &mut out).unwrap();
    let mut first = 0;
    for part in parts {
        let rows = part.rows;
        let (mut row, mut expected_row) = (vec![0.0; 256], vec![0.0; rows * 256]);
        dequantize(part.format, part.data.bytes(), &mut expected_row).unwrap();
        stacked.row(first + rows - 1, &mut row).unwrap();
        assert_eq!(row, expected_row[(rows - 1) * 256..]);

        let alone = Matrix::new(vec![part], &threads).unwrap();
        let mut expected = vec![0.0; 5 * rows];
        alone.multiply(&threads, &x, &mut expected).unwrap();
        for (out, expected) in out.chunks(57).zip(expected.chunks(rows)) {
            assert_eq!(difference(&out[first..first + rows], expected), 0.0);
        }
        first += rows;
    }
}

#[test]
fn an_infinite_activation_shows_in_its_own_row_alone() {
    let mut random = Random(6);
    let threads = Threads::new(1);
    let matrix = Matrix::new(vec![part(&mut random, Format::Q4_0, 16, 64)], &threads).unwrap();
    let mut x = random.units(2 * 64);
    x[70] = f32::INFINITY;
    let mut out = vec![0.0; 32];
    matrix.multiply(&threads, &x, &mut out).unwrap();
    assert!(out[..16].iter().all(|v| v.is_finite()));
    assert!(out[16..].iter().all(|v| !v.is_finite()));
}

#[test]
fn nothing_in_gives_nothing_out_and_wrong_sizes_are_errors() {
    let mut random = Random(7);
    let threads = Threads::new(2);
    let matrix = Matrix::new(vec![part(&mut random, Format::Q8_0, 8, 64)], &threads).unwrap();
    matrix.multiply(&threads, &[], &mut []).unwrap();
    assert!(
        matrix
            .multiply(&threads, &[0.0; 63], &mut [0.0; 8])
            .is_err()
    );
    assert!(
        matrix
            .multiply(&threads, &[0.0; 64], &mut [0.0; 7])
            .is_err()
    );
    assert!(matches!(
        matrix.row(8, &mut [0.0; 64]),
        Err(Error::OutOfRange {
            index: 8,
            limit: 8,
            ..
        })
    ));
    assert!(matches!(Matrix::new(vec![], &threads), Err(Error::NoParts)));
    let data: Arc<Vec<u8>> = Arc::new(vec![0; 34]);
    let bad = |rows, columns| MatrixPart {
        format: Format::Q8_0,
        rows,
        columns,
        data: data.clone(),
    };
    assert!(Matrix::new(vec![bad(1, 64)], &threads).is_err());
    assert!(Matrix::new(vec![bad(1, 33)], &threads).is_err());
    assert!(Matrix::new(vec![bad(usize::MAX, 32)], &threads).is_err());
    assert!(
        Matrix::new(
            vec![bad(1, 32), part(&mut random, Format::Q8_0, 1, 64)],
            &threads
        )
        .is_err()
    );
    Matrix::new(vec![bad(1, 32)], &threads).unwrap();
    for &format in Format::ALL {
        let rowless = Matrix::new(vec![part(&mut random, format, 0, 256)], &threads).unwrap();
        rowless.multiply(&threads, &[0.0; 256], &mut []).unwrap();
    }
}

#[test]
fn what_a_matrix_takes_is_known_before_it_is_made() {
    let threads = Threads::new(1);
    for &format in Format::ALL {
        let (rows, columns) = (50, 768);
        let bytes = vec![0; rows * format.row_bytes(columns).unwrap()];
        let part = MatrixPart {
            format,
            rows,
            columns,
            data: Arc::new(bytes),
        };
        let held = Matrix::new(vec![part], &threads).unwrap().resident_bytes();
        match Matrix::repacked_bytes(format, rows, columns) {
            Some(known) => assert!(
                held == 0 || held <= known && known < held + held / 20 + 64,
                "{format:?}"
            ),
            None => assert_eq!(held, 0, "{format:?}"),
        }
    }
    let whole_pages = Matrix::repacked_bytes(Format::Q8_0, 50_000, 768);
    assert_eq!(whole_pages.map(|bytes| bytes % (2 << 20)), Some(0));
    let huge = Matrix::repacked_bytes(Format::Q8_0, usize::MAX, usize::MAX);
    assert_eq!(huge, Some(usize::MAX));
}
