//! Figures of this machine: each format's products with one column (decode; GB/s of weights) and with 512 (prefill;
//! GMAC/s), then attention and what stands between. `cargo bench -p wick-kernels -- [FORMAT…]`; with `--record` the
//! figures also go to `benches/record/<processor>/<date>.csv`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use wick_kernels::{Format, Matrix, MatrixPart, Path, Threads};

/// Rows and columns of weights: a small model's down projection, a larger one's gate.
const SHAPES: [(usize, usize); 2] = [(1024, 3072), (8192, 2048)];

fn main() {
    let names: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with("--"))
        .collect();
    let count = std::thread::available_parallelism().map_or(1, |n| n.get());
    let count = std::env::var("THREADS").map_or(count, |t| t.parse().expect("number"));
    let paths: Vec<Threads> = Path::ALL
        .iter()
        .filter(|path| {
            path.available() && std::env::var("WICK_SIMD").is_ok_and(|n| n == path.name())
                || **path == Path::best()
        })
        .map(|path| Threads::on(*path, count))
        .collect();
    for threads in &paths {
        for &format in Format::ALL {
            if names.is_empty() || names.iter().any(|n| n == format.name()) {
                for (rows, columns) in SHAPES {
                    product(threads, format, rows, columns);
                }
            }
        }
    }
}

fn product(threads: &Threads, format: Format, rows: usize, columns: usize) {
    let bytes = format.row_bytes(columns).expect("whole blocks") * rows;
    // Enough copies that decode reads them from memory, not from a cache.
    let copies = (256 << 20) / bytes + 1;
    let mut random = 88172645463325252u64;
    let mut data = vec![0u8; bytes];
    for byte in &mut data {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        *byte = random as u8 & 0x3f;
    }
    let start = Instant::now();
    let data = Arc::new(data);
    let matrices: Vec<Matrix> = (0..copies)
        .map(|_| {
            let part = MatrixPart {
                format,
                rows,
                columns,
                data: data.clone(),
            };
            Matrix::new(vec![part], threads).expect("sizes fit")
        })
        .collect();
    let load = start.elapsed();
    let x: Vec<f32> = (0..512 * columns).map(|i| (i % 61) as f32 - 30.0).collect();
    let mut out = vec![0.0; 512 * rows];
    let mut next = 0;
    let mut run = |tokens: usize| {
        next = (next + 1) % copies;
        let matrix = &matrices[next];
        matrix
            .multiply(threads, &x[..tokens * columns], &mut out[..tokens * rows])
            .expect("sizes fit");
    };
    let one = median(|| (0..copies).for_each(|_| run(1))).as_secs_f64() / copies as f64;
    let eight = median(|| run(8)).as_secs_f64();
    let many = median(|| run(512)).as_secs_f64();
    let macs = (rows * columns) as f64;
    println!(
        "{:<12} {:<7} {rows:>5}x{columns:<5} 1 column {:6.1} GB/s {:6.1} GMAC/s   8 columns {:6.1} GMAC/s   512 columns {:6.1} GMAC/s   load {:5.2} GB/s",
        threads.path().name(),
        format.name(),
        bytes as f64 / one / 1e9,
        macs / one / 1e9,
        8.0 * macs / eight / 1e9,
        512.0 * macs / many / 1e9,
        (bytes * copies) as f64 / load.as_secs_f64() / 1e9,
    );
}

/// The median time of at least seven calls within about 300 ms.
fn median(mut call: impl FnMut()) -> Duration {
    call();
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 7 || start.elapsed() < Duration::from_millis(300) {
        let start = Instant::now();
        call();
        times.push(start.elapsed());
    }
    times.sort();
    if std::env::var_os("LEAST").is_some() {
        return times[0];
    }
    times[times.len() / 2]
}
