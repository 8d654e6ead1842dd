//! Reading and writing blocks, held to recorded values of the format's own Python package
//! (`scripts/reference/dequantize.py`).

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use wick_kernels::{Error, Format, dequantize, quantize};

mod common;
use common::Random;

struct Recorded<'a> {
    name: &'a str,
    blocks: &'a [u8],
    weights: Vec<f32>,
}

fn recorded() -> Vec<Recorded<'static>> {
    let mut rest: &[u8] = include_bytes!("fixtures/dequantize.bin");
    let mut all = Vec::new();
    while !rest.is_empty() {
        let mut take = |n: usize| {
            let (head, tail) = rest.split_at(n);
            rest = tail;
            head
        };
        let length = take(1)[0] as usize;
        let name = std::str::from_utf8(take(length)).unwrap();
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().unwrap()) as usize;
        let (bytes, count) = (number(take(4)), number(take(4)));
        let blocks = take(bytes);
        let weights = take(4 * count).chunks(4);
        let weights = weights
            .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
            .collect();
        all.push(Recorded {
            name,
            blocks,
            weights,
        });
    }
    all
}

#[test]
fn every_format_reads_as_recorded() {
    let recorded = recorded();
    for format in Format::ALL {
        if *format == Format::F32 {
            continue;
        }
        let case = recorded.iter().find(|r| r.name == format.name()).unwrap();
        let mut out = vec![0.0; case.weights.len()];
        dequantize(*format, case.blocks, &mut out).unwrap();
        for (i, (found, expected)) in out.iter().zip(&case.weights).enumerate() {
            assert_eq!(found, expected, "{} weight {i}", case.name);
        }
    }
}

#[test]
fn quantizing_keeps_weights_near() {
    // The largest error in units of the largest weight.
    let bound = |format| match format {
        Format::F32 => 0.0,
        Format::F16 => 0.0005,
        Format::BF16 | Format::Q8_0 => 0.005,
        Format::Q6K => 0.035,
        Format::Q5_0 | Format::Q5_1 | Format::Q5K => 0.07,
        Format::Q4_0 | Format::Q4_1 | Format::Q4K => 0.14,
        Format::Iq4Nl | Format::Iq4Xs => 0.15,
        Format::Mxfp4 | Format::Q3K => 0.3,
        Format::Q2K => 0.4,
        Format::Tq1_0 | Format::Tq2_0 => 0.51,
    };
    let mut random = Random(1);
    for &format in Format::ALL {
        let weights: Vec<f32> = (0..1024).map(|_| random.unit()).collect();
        let mut blocks = vec![0; format.row_bytes(1024).unwrap()];
        quantize(format, &weights, &mut blocks).unwrap();
        let mut back = vec![0.0; 1024];
        dequantize(format, &blocks, &mut back).unwrap();
        let error = weights
            .iter()
            .zip(&back)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(error <= bound(format), "{}: {error}", format.name());
    }
}

#[test]
fn what_a_format_can_say_survives_being_written_again() {
    let mut random = Random(2);
    for &format in Format::ALL {
        let weights: Vec<f32> = (0..512).map(|_| random.unit()).collect();
        let mut blocks = vec![0; format.row_bytes(512).unwrap()];
        quantize(format, &weights, &mut blocks).unwrap();
        let (mut once, mut twice) = (vec![0.0; 512], vec![0.0; 512]);
        dequantize(format, &blocks, &mut once).unwrap();
        quantize(format, &once, &mut blocks).unwrap();
        dequantize(format, &blocks, &mut twice).unwrap();
        let drift = once
            .iter()
            .zip(&twice)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(drift < 0.1, "{}: {drift}", format.name());
    }
}

#[test]
fn a_block_of_zeros_and_of_odd_numbers_does_no_harm() {
    for &format in Format::ALL {
        for value in [0.0, 1e-42, f32::MAX, f32::INFINITY, f32::NAN] {
            let mut blocks = vec![0; format.row_bytes(256).unwrap()];
            quantize(format, &[value; 256], &mut blocks).unwrap();
            let mut out = vec![0.0; 256];
            dequantize(format, &blocks, &mut out).unwrap();
            if value == 0.0 {
                assert!(out.iter().all(|v| *v == 0.0), "{}", format.name());
            }
        }
    }
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let partial = dequantize(Format::Q4_0, &[0; 18], &mut [0.0; 31]);
    assert!(matches!(
        partial,
        Err(Error::PartialBlock { columns: 31, .. })
    ));
    let short = dequantize(Format::Q4K, &[0; 143], &mut [0.0; 256]);
    assert!(matches!(
        short,
        Err(Error::Length {
            expected: 144,
            found: 143,
            ..
        })
    ));
    assert!(quantize(Format::Q8_0, &[0.0; 32], &mut [0; 33]).is_err());
    assert_eq!(Format::Q6K.row_bytes(usize::MAX), None);
    assert_eq!(Format::F32.row_bytes(usize::MAX), None);
}
