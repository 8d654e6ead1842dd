//! Output that several threads write at once, each its own places.

use std::marker::PhantomData;

/// A slice of which each thread writes places no other thread touches.
#[derive(Clone, Copy)]
pub(crate) struct Output<'a> {
    start: *mut f32,
    length: usize,
    slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: all access goes through methods whose callers promise disjoint places.
unsafe impl Send for Output<'_> {}
// SAFETY: as above.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Output {
            start: slice.as_mut_ptr(),
            length: slice.len(),
            slice: PhantomData,
        }
    }

    /// A part of the slice.
    ///
    /// # Safety
    /// While the part lives nobody else may hold a part that overlaps it.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, from: usize, length: usize) -> &mut [f32] {
        assert!(from <= self.length && length <= self.length - from);
        // SAFETY: within the slice, which 'a keeps borrowed; the caller promises that parts are disjoint.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), length) }
    }
}
