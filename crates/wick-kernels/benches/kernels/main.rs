//! Figures of this machine, in lines of a table: each format's products with one column (decode, bound by reading
//! weights), eight (a batch) and 512 (prefill, bound by multiplying), then attention and what stands between.
//!
//! The machine's own ceilings come first, and shares of them stand beside the products.
//!
//!     cargo bench -p wick-kernels -- [--threads N] [--path NAME] [--record DATE] [FORMAT or `attention` or `rest`…]
//!
//! Times are medians; with `--least` they are the least, which says more on a busy machine. `--record` also writes
//! `benches/record/<processor>/<date>.csv`.

#![allow(unsafe_code)] // the ceilings

mod ceilings;

use std::sync::Arc;
use std::time::{Duration, Instant};

use wick_kernels::{
    Activation, AttentionShape, CacheFormat, Format, Matrix, MatrixPart, PAGE_TOKENS, Page,
    PageLayout, Path, RopeStyle, Span, Threads, attention, gated, quantize, rms_norm, rope,
};

/// Rows and columns of weights: a small model's, and a larger one's.
const SHAPES: [(usize, usize); 2] = [(1024, 3072), (2048, 8192)];

/// Heads, those of keys, and their width: of Qwen3-0.6B and of SmolLM2-135M.
const HEADS: [(usize, usize, usize); 2] = [(16, 8, 128), (9, 3, 64)];

/// More bytes than caches hold.
const UNCACHED: usize = 192 << 20;

struct Bench {
    threads: Threads,
    /// Bytes and integer products a second at most.
    ceilings: (f64, Option<f64>),
    least: bool,
    lines: Vec<String>,
}

fn main() {
    let mut names = Vec::new();
    let (mut count, mut path) = (
        std::thread::available_parallelism().map_or(1, |n| n.get()),
        Path::best(),
    );
    let (mut least, mut record) = (false, None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--threads" => {
                count = arguments
                    .next()
                    .and_then(|n| n.parse().ok())
                    .expect("a number of threads")
            }
            "--path" => {
                let name = arguments.next().expect("a path's name");
                path = *Path::ALL
                    .iter()
                    .find(|p| p.name() == name)
                    .expect("a path's name");
            }
            "--least" => least = true,
            "--record" => record = Some(arguments.next().expect("a date")),
            "--bench" => {}
            name => names.push(name.to_lowercase()),
        }
    }
    let threads = Threads::on(path, count);
    let mut bench = Bench {
        ceilings: (ceilings::memory(count), ceilings::integers(count)),
        threads,
        least,
        lines: vec!["path,threads,kernel,shape,columns,unit,value".into()],
    };
    let (memory, integers) = bench.ceilings;
    bench.line("memory", "read", 0, "GB/s at most", memory / 1e9);
    if let Some(integers) = integers {
        bench.line("integers", "vpdpbusd", 0, "GMAC/s at most", integers / 1e9);
    }
    let wanted = |name: &str| names.is_empty() || names.contains(&name.to_lowercase());
    for format in Format::ALL.iter().filter(|f| wanted(f.name())) {
        for (rows, columns) in SHAPES {
            bench.products(*format, rows, columns);
        }
    }
    if wanted("attention") {
        for format in [CacheFormat::F16, CacheFormat::Q8_0] {
            for (rows, context) in [(512, 512), (512, 8192), (1, 512), (1, 8192)] {
                for heads in HEADS {
                    bench.attention(heads, format, rows, context);
                }
            }
        }
    }
    if wanted("rest") {
        bench.rest();
    }
    if let Some(date) = record {
        bench.record(&date);
    }
}

impl Bench {
    fn products(&mut self, format: Format, rows: usize, columns: usize) {
        let bytes = format.row_bytes(columns).expect("whole blocks") * rows;
        let copies = UNCACHED / bytes + 1;
        let data = weights(format, bytes);
        let copy = || {
            let data = Arc::new(data.clone());
            MatrixPart {
                format,
                rows,
                columns,
                data,
            }
        };
        let start = Instant::now();
        let matrices: Vec<Matrix> = (0..copies)
            .map(|_| Matrix::new(vec![copy()], &self.threads).expect("sizes fit"))
            .collect();
        let load = (bytes * copies) as f64 / start.elapsed().as_secs_f64();
        let shape = format!("{rows}x{columns}");
        self.line(format.name(), &shape, 0, "GB/s loading", load / 1e9);
        let x: Vec<f32> = (0..512 * columns).map(|i| (i % 61) as f32 - 30.0).collect();
        let mut out = vec![0.0; 512 * rows];
        for tokens in [1, 8, 512] {
            let mut matrices = matrices.iter().cycle();
            let turns = if tokens == 512 { 1 } else { copies };
            let time = self.time(|| {
                for matrix in matrices.by_ref().take(turns) {
                    let x = &x[..tokens * columns];
                    matrix
                        .multiply(&self.threads, x, &mut out[..tokens * rows])
                        .expect("sizes fit");
                }
            });
            let rate = (turns * tokens * rows * columns) as f64 / time;
            let (memory, integers) = self.ceilings;
            let is_float = format.is_float();
            if tokens == 1 {
                let read = (turns * bytes) as f64 / time;
                self.line(format.name(), &shape, tokens, "GB/s", read / 1e9);
                let share = 100.0 * read / memory;
                self.line(format.name(), &shape, tokens, "% of reading", share);
            }
            self.line(format.name(), &shape, tokens, "GMAC/s", rate / 1e9);
            if let Some(integers) = integers.filter(|_| tokens == 512 && !is_float) {
                let share = 100.0 * rate / integers;
                self.line(format.name(), &shape, tokens, "% of integers", share);
            }
        }
    }

    /// The last `rows` rows of a context with the heads of a small model.
    fn attention(
        &mut self,
        (heads, kv_heads, head_dim): (usize, usize, usize),
        format: CacheFormat,
        rows: usize,
        context: usize,
    ) {
        let layout = PageLayout {
            format,
            kv_heads,
            head_dim,
        };
        let shape = AttentionShape {
            heads,
            kv_heads,
            head_dim,
            scale: 0.09,
            softcap: None,
            window: None,
        };
        let mut page = Page::zeroed(layout.bytes()).expect("memory");
        let vector: Vec<f32> = (0..kv_heads * head_dim)
            .map(|i| (i % 17) as f32 * 0.1 - 0.8)
            .collect();
        let all = vector.repeat(PAGE_TOKENS);
        layout
            .write_rows(&self.threads, 0, &mut [&mut page], &all, &all)
            .expect("sizes fit");
        // Layers enough that none is in a cache when its turn comes.
        let pages = context / PAGE_TOKENS;
        let layers = if rows == 1 {
            UNCACHED / (pages * page.len()) + 1
        } else {
            1
        };
        let layer = || (0..pages).map(|_| Some(Arc::new(page.copied().expect("memory"))));
        let cache: Vec<Vec<_>> = (0..layers).map(|_| layer().collect()).collect();
        let mut layers = cache.iter().cycle();
        let queries = vec![0.1; rows * heads * head_dim];
        let mut out = vec![0.0; queries.len()];
        let time = self.time(|| {
            let pages = layers.next().expect("there is one");
            let spans = [Span {
                first_row: 0,
                rows,
                first_position: context - rows,
                pages,
            }];
            attention(&self.threads, &layout, &shape, &spans, &queries, &mut out)
                .expect("sizes fit");
        });
        let seen: usize = (context - rows + 1..=context).sum();
        let name = format!("attention {format:?}");
        let shape = format!("{heads}/{kv_heads}x{head_dim} at {context}");
        let macs = (2 * seen * heads * head_dim) as f64;
        self.line(&name, &shape, rows, "GMAC/s", macs / time / 1e9);
        if rows == 1 {
            self.line(
                &name,
                &shape,
                rows,
                "GB/s",
                (pages * page.len()) as f64 / time / 1e9,
            );
        }
    }

    /// A layer's rest, for 512 rows of a small model.
    fn rest(&mut self) {
        let x: Vec<f32> = (0..512 * 2 * 3072)
            .map(|i| (i % 23) as f32 * 0.3 - 3.0)
            .collect();
        let mut out = vec![0.0; 512 * 3072];
        let time = self.time(|| {
            rms_norm(
                &self.threads,
                &x[..512 * 1024],
                &x[..1024],
                1e-6,
                &mut out[..512 * 1024],
            )
            .expect("sizes fit");
        });
        self.line("rms_norm", "1024", 512, "ns a row", time * 1e9 / 512.0);
        for activation in [Activation::Silu, Activation::GeluTanh] {
            let time = self.time(|| {
                gated(&self.threads, activation, 3072, &x, &mut out).expect("sizes fit");
            });
            self.line(
                &format!("gated {activation:?}"),
                "3072",
                512,
                "ns a row",
                time * 1e9 / 512.0,
            );
        }
        let positions: Vec<u32> = (0..512).collect();
        for style in [RopeStyle::Halves, RopeStyle::Interleaved] {
            let (table, heads) = (&x[..512 * 64], &mut out[..512 * 2048]);
            let time = self.time(|| {
                rope(
                    &self.threads,
                    style,
                    128,
                    128,
                    table,
                    table,
                    &positions,
                    heads,
                )
                .expect("sizes fit");
            });
            self.line(
                &format!("rope {style:?}"),
                "16x128",
                512,
                "ns a row",
                time * 1e9 / 512.0,
            );
        }
    }

    /// Seconds of a call, from at least seven within about 300 ms.
    fn time(&self, mut call: impl FnMut()) -> f64 {
        call();
        let start = Instant::now();
        let mut times = Vec::new();
        while times.len() < 7 || start.elapsed() < Duration::from_millis(300) {
            let start = Instant::now();
            call();
            times.push(start.elapsed());
        }
        times.sort();
        times[if self.least { 0 } else { times.len() / 2 }].as_secs_f64()
    }

    fn line(&mut self, kernel: &str, shape: &str, columns: usize, unit: &str, value: f64) {
        let (path, threads) = (self.threads.path().name(), self.threads.count());
        println!("{path:<12} {threads} {kernel:<16} {shape:<18} {columns:>4} {value:>9.2} {unit}");
        self.lines.push(format!(
            "{path},{threads},{kernel},{shape},{columns},{unit},{value:.2}"
        ));
    }

    fn record(&self, date: &str) {
        let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = processor
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let family = processor
            .lines()
            .find_map(|line| line.strip_prefix("cpu family")?.split_once(": "));
        let name = name.map_or(std::env::consts::ARCH, |(_, name)| name);
        let name = format!(
            "{name} family {}",
            family.map_or("unknown", |(_, family)| family)
        );
        let name: String = name
            .chars()
            .map(|c| if c.is_alphanumeric() { c } else { '-' })
            .collect();
        let folder = format!("{}/benches/record/{name}", env!("CARGO_MANIFEST_DIR"));
        std::fs::create_dir_all(&folder).expect("the folder can be made");
        let file = format!("{folder}/{date}.csv");
        std::fs::write(&file, self.lines.join("\n") + "\n").expect("the record can be written");
        println!("{file}");
    }
}

/// Weights as models have them: numbers too small to be normal, as random bits would be, are slow to compute with.
fn weights(format: Format, bytes: usize) -> Vec<u8> {
    let numbers: Vec<f32> = (0..4096)
        .map(|i| ((i * 7919 % 1009) as f32 - 504.0) / 504.0)
        .collect();
    let mut stored = vec![0; format.row_bytes(numbers.len()).expect("whole blocks")];
    quantize(format, &numbers, &mut stored).expect("sizes fit");
    stored.into_iter().cycle().take(bytes).collect()
}
