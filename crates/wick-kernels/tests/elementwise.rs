//! Normalization, gates and rotary positions against their definitions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use wick_kernels::{Activation, Path, RopeStyle, Threads, gated, rms_norm, rope, split};

mod common;
use common::{Random, difference};

#[test]
fn rms_norm_divides_by_the_root_of_the_mean_square() {
    let threads = Threads::new(2);
    let mut random = Random(21);
    for width in [1, 16, 100, 1024] {
        let (x, weight) = (random.units(70 * width), random.units(width));
        let mut out = vec![0.0; x.len()];
        rms_norm(&threads, &x, &weight, 1e-5, &mut out).unwrap();
        let expected = x.chunks(width).flat_map(|x| {
            let mean = x.iter().map(|v| (*v as f64).powi(2)).sum::<f64>() / width as f64;
            let factor = 1.0 / (mean + 1e-5).sqrt();
            x.iter()
                .zip(&weight)
                .map(move |(x, w)| (*x as f64 * factor * *w as f64) as f32)
        });
        assert!(difference(&out, &expected.collect::<Vec<_>>()) < 1e-5);
    }
    assert!(rms_norm(&threads, &[0.0; 5], &[1.0; 2], 0.0, &mut [0.0; 5]).is_err());
    assert!(rms_norm(&threads, &[0.0; 4], &[1.0; 2], 0.0, &mut [0.0; 2]).is_err());
    rms_norm(&threads, &[], &[], 0.0, &mut []).unwrap();
}

#[test]
fn gates_open_as_their_functions_say() {
    let threads = Threads::new(2);
    let mut random = Random(22);
    type Function = fn(f64) -> f64;
    let functions: [(Activation, Function); 3] = [
        (Activation::Silu, |x| x / (1.0 + (-x).exp())),
        (Activation::GeluTanh, |x| {
            0.5 * x
                * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }),
        (Activation::ReluSquared, |x| x.max(0.0).powi(2)),
    ];
    for (activation, function) in functions {
        for n in [1, 17, 300] {
            let mut gate_up = random.units(20 * 2 * n);
            gate_up.iter_mut().for_each(|v| *v *= 8.0);
            gate_up[0] = -200.0;
            gate_up[2 * n] = 200.0;
            let mut out = vec![0.0; 20 * n];
            gated(&threads, activation, n, &gate_up, &mut out).unwrap();
            for (row, out) in gate_up.chunks(2 * n).zip(out.chunks(n)) {
                for i in 0..n {
                    let expected = function(row[i] as f64) * row[n + i] as f64;
                    let error = (out[i] as f64 - expected).abs();
                    assert!(
                        error <= 1e-5 + 1e-6 * expected.abs(),
                        "{activation:?}({}): {}",
                        row[i],
                        out[i]
                    );
                }
            }
        }
    }
    assert!(gated(&threads, Activation::Silu, 3, &[0.0; 7], &mut [0.0; 3]).is_err());
    assert!(gated(&threads, Activation::Silu, 3, &[0.0; 6], &mut [0.0; 4]).is_err());
    assert!(
        gated(
            &threads,
            Activation::Silu,
            usize::MAX,
            &[0.0; 6],
            &mut [0.0; 3]
        )
        .is_err()
    );
}

#[test]
fn rope_turns_pairs_by_the_angle_of_their_position() {
    let threads = Threads::new(2);
    let mut random = Random(23);
    let (cos, sin) = (random.units(50 * 12), random.units(50 * 12));
    let positions: Vec<u32> = (0..200).map(|i| i * 7 % 50).collect();
    for style in [RopeStyle::Interleaved, RopeStyle::Halves] {
        let before = random.units(200 * 3 * 40);
        let mut x = before.clone();
        rope(&threads, style, 40, 24, &cos, &sin, &positions, &mut x).unwrap();
        for (i, (head, before)) in x.chunks(40).zip(before.chunks(40)).enumerate() {
            let at = positions[i / 3] as usize * 12;
            for pair in 0..12 {
                let (a, b) = match style {
                    RopeStyle::Interleaved => (2 * pair, 2 * pair + 1),
                    RopeStyle::Halves => (pair, pair + 12),
                };
                let (c, s) = (cos[at + pair], sin[at + pair]);
                assert!((head[a] - (before[a] * c - before[b] * s)).abs() < 1e-6);
                assert!((head[b] - (before[a] * s + before[b] * c)).abs() < 1e-6);
            }
            assert_eq!(head[24..], before[24..]);
        }
    }
    let turn = |head_dim, rotary_dim, positions: &[u32], x: &mut [f32]| {
        rope(
            &threads,
            RopeStyle::Halves,
            head_dim,
            rotary_dim,
            &cos,
            &sin,
            positions,
            x,
        )
    };
    turn(40, 24, &[], &mut []).unwrap();
    turn(40, 24, &[49], &mut [0.0; 80]).unwrap();
    assert!(turn(40, 24, &[50], &mut [0.0; 80]).is_err());
    assert!(turn(40, 24, &[0, 1], &mut [0.0; 60]).is_err());
    assert!(turn(40, 48, &[0], &mut [0.0; 40]).is_err());
    assert!(turn(40, 23, &[0], &mut [0.0; 40]).is_err());
}

#[test]
fn what_is_rounded_and_what_is_left_make_up_the_whole() {
    let mut x = Random(25).units(4 * 64);
    x[64..96].fill(0.0);
    x[100] = f32::NAN;
    for path in Path::ALL.iter().filter(|path| path.available()) {
        let threads = Threads::on(*path, 2);
        // What the memory held before must not show.
        let (mut rounded, mut error) = (vec![7.0; x.len()], vec![7.0; x.len()]);
        split(&threads, 64, &x, &mut rounded, &mut error).unwrap();
        for (block, (x, (rounded, error))) in x
            .chunks(32)
            .zip(rounded.chunks(32).zip(error.chunks(32)))
            .enumerate()
        {
            let largest = x.iter().fold(0f32, |largest, x| largest.max(x.abs()));
            for ((x, rounded), error) in x.iter().zip(rounded).zip(error) {
                let whole = rounded + error;
                assert!(whole == *x || (x.is_nan() && whole.is_nan()), "{path:?}");
                assert!(block == 3 || error.abs() <= largest / 253.0, "{path:?}");
            }
        }
        assert!(split(&threads, 48, &x[..48], &mut rounded[..48], &mut error[..48]).is_err());
    }
}
