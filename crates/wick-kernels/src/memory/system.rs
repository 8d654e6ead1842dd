//! Memory from the system: whole large pages, which go back to it as soon as they are given up.

use super::PAGE;

/// Some large pages of undefined contents.
pub(crate) struct Chunk {
    start: *mut u8,
    length: usize,
}

// SAFETY: a chunk is plain memory; who may write a part of it is its owner's matter.
unsafe impl Send for Chunk {}
// SAFETY: as above.
unsafe impl Sync for Chunk {}

impl Chunk {
    /// At least so many bytes. `None` where the size is not one that can be had.
    pub(crate) fn new(length: usize) -> Option<Self> {
        let length = length.max(1).checked_next_multiple_of(PAGE)?;
        let start = map(length)?;
        Some(Self { start, length })
    }

    pub(crate) fn start(&self) -> *mut u8 {
        self.start
    }

    pub(crate) fn length(&self) -> usize {
        self.length
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        // SAFETY: mapped with this length, and whoever used it has given it up.
        unsafe { unmap(self.start, self.length) }
    }
}

/// An allocator may keep what is given back to it for what comes later, which may be nothing.
#[cfg(target_os = "linux")]
fn map(length: usize) -> Option<*mut u8> {
    use libc::{
        MADV_HUGEPAGE, MAP_ANONYMOUS, MAP_FAILED, MAP_PRIVATE, PROT_READ, PROT_WRITE, madvise, mmap,
    };

    let mapped = length.checked_add(PAGE)?;
    let (access, kind) = (PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
    // SAFETY: a mapping of its own, of which only whole large pages are kept. Advice is a wish: without it, or where it
    // is refused, pages are small.
    unsafe {
        let start = mmap(std::ptr::null_mut(), mapped, access, kind, -1, 0);
        if start == MAP_FAILED {
            return None;
        }
        let start = start.cast::<u8>();
        let before = start.align_offset(PAGE);
        unmap(start, before);
        let start = start.add(before);
        unmap(start.add(length), PAGE - before);
        madvise(start.cast(), length, MADV_HUGEPAGE);
        Some(start)
    }
}

/// # Safety
/// All of it is mapped, and used by nobody.
#[cfg(target_os = "linux")]
unsafe fn unmap(start: *mut u8, length: usize) {
    if length > 0 {
        // SAFETY: as promised by the caller.
        unsafe { libc::munmap(start.cast(), length) };
    }
}

#[cfg(not(target_os = "linux"))]
fn layout(length: usize) -> Option<std::alloc::Layout> {
    std::alloc::Layout::from_size_align(length, PAGE).ok()
}

#[cfg(not(target_os = "linux"))]
fn map(length: usize) -> Option<*mut u8> {
    // SAFETY: the size is not zero.
    let start = unsafe { std::alloc::alloc(layout(length)?) };
    (!start.is_null()).then_some(start)
}

/// # Safety
/// It came from `map` with this length, and is used by nobody.
#[cfg(not(target_os = "linux"))]
unsafe fn unmap(start: *mut u8, length: usize) {
    if let Some(layout) = layout(length) {
        // SAFETY: as promised by the caller.
        unsafe { std::alloc::dealloc(start, layout) }
    }
}
