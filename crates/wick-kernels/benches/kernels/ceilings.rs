//! What the machine can do at most: reading memory, and multiplying eight-bit integers. Kernels are held against it.

use std::time::Instant;

/// Bytes each thread reads: more than caches hold.
const READ: usize = 128 << 20;

/// Places at which a thread reads at a time: one alone does not keep memory busy.
const STREAMS: usize = 4;

/// A large page, and a cache line.
const PAGE: usize = 2 << 20;
const LINE: usize = 64;

/// Bytes a second that so many threads read together: a number of each cache line, from large pages where there are any.
pub fn memory(threads: usize) -> f64 {
    let all: Vec<u8> = vec![1; threads * READ + PAGE];
    let skipped = all.as_ptr().align_offset(PAGE);
    let all = &all[skipped..][..threads * READ];
    #[cfg(target_os = "linux")]
    // SAFETY: advice about whole pages of the slice.
    unsafe {
        let start = all.as_ptr().cast_mut().cast();
        libc::madvise(start, all.len(), libc::MADV_HUGEPAGE);
        libc::madvise(start, all.len(), MADV_COLLAPSE);
    }
    let seconds = fastest(threads, |thread| {
        let own = &all[thread * READ..][..READ];
        let mut sums = [0u64; STREAMS];
        for at in (0..READ / STREAMS).step_by(LINE) {
            for (stream, sum) in sums.iter_mut().enumerate() {
                *sum += u64::from(own[stream * (READ / STREAMS) + at]);
            }
        }
        sums.iter().sum()
    });
    (threads * READ) as f64 / seconds
}

/// Makes large pages of memory that is there already; the C library's headers lack its name.
#[cfg(target_os = "linux")]
const MADV_COLLAPSE: libc::c_int = 25;

/// Multiplications and additions a second of eight-bit integers, of so many threads; `None` on processors without the
/// instructions that are timed.
pub fn integers(threads: usize) -> Option<f64> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512vnni") {
        const ROUNDS: u64 = 4_000_000;
        let seconds = fastest(threads, |_| {
            // SAFETY: the processor has the instructions; only registers are used.
            unsafe { multiply_avx512(ROUNDS) }
            0
        });
        return Some(threads as f64 * ROUNDS as f64 * 16.0 * 64.0 / seconds);
    }
    let _ = threads;
    None
}

/// The least seconds of several runs of `work` on all threads.
fn fastest(threads: usize, work: impl Fn(usize) -> u64 + Sync) -> f64 {
    let run = || {
        let start = Instant::now();
        std::thread::scope(|scope| {
            for thread in 0..threads {
                let work = &work;
                scope.spawn(move || std::hint::black_box(work(thread)));
            }
        });
        start.elapsed().as_secs_f64()
    };
    (0..7).map(|_| run()).fold(f64::INFINITY, f64::min)
}

/// 16 products of 64 bytes a round, in chains of their own.
///
/// # Safety
/// The processor has AVX-512 VNNI.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn multiply_avx512(rounds: u64) {
    // SAFETY: as promised by the caller; what is changed is declared.
    unsafe {
        std::arch::asm!(
            "2:",
            "vpdpbusd zmm0, zmm31, zmm31",
            "vpdpbusd zmm1, zmm31, zmm31",
            "vpdpbusd zmm2, zmm31, zmm31",
            "vpdpbusd zmm3, zmm31, zmm31",
            "vpdpbusd zmm4, zmm31, zmm31",
            "vpdpbusd zmm5, zmm31, zmm31",
            "vpdpbusd zmm6, zmm31, zmm31",
            "vpdpbusd zmm7, zmm31, zmm31",
            "vpdpbusd zmm8, zmm31, zmm31",
            "vpdpbusd zmm9, zmm31, zmm31",
            "vpdpbusd zmm10, zmm31, zmm31",
            "vpdpbusd zmm11, zmm31, zmm31",
            "vpdpbusd zmm12, zmm31, zmm31",
            "vpdpbusd zmm13, zmm31, zmm31",
            "vpdpbusd zmm14, zmm31, zmm31",
            "vpdpbusd zmm15, zmm31, zmm31",
            "dec {rounds}",
            "jnz 2b",
            rounds = inout(reg) rounds => _,
            out("zmm0") _, out("zmm1") _, out("zmm2") _, out("zmm3") _,
            out("zmm4") _, out("zmm5") _, out("zmm6") _, out("zmm7") _,
            out("zmm8") _, out("zmm9") _, out("zmm10") _, out("zmm11") _,
            out("zmm12") _, out("zmm13") _, out("zmm14") _, out("zmm15") _,
            options(nomem, nostack),
        );
    }
}
