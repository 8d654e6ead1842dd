//! Slices that several threads write at once, each its own places.

use std::marker::PhantomData;

/// A slice of which each thread writes places no other thread touches.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    length: usize,
    slice: PhantomData<&'a mut [T]>,
}

// SAFETY: all access goes through methods whose callers promise disjoint places.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Shared {
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
    pub(crate) unsafe fn part(&self, from: usize, length: usize) -> &mut [T] {
        assert!(from <= self.length && length <= self.length - from);
        // SAFETY: within the slice, which 'a keeps borrowed; the caller promises that parts are disjoint.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(from), length) }
    }

    /// Where an element lies, for kernels that write on from there.
    pub(crate) fn at(&self, index: usize) -> *mut T {
        assert!(index <= self.length);
        // SAFETY: within the slice or at its end.
        unsafe { self.start.add(index) }
    }
}

/// Where the results of a matrix go.
pub(crate) enum Results<'a> {
    /// Token after token, `stride` values each, the parts of the matrix side by side.
    Together { out: Shared<'a, f32>, stride: usize },
    /// Token after token in a slice for each part.
    Apart(Vec<Shared<'a, f32>>),
}

/// A part of a matrix among the others.
#[derive(Clone, Copy)]
pub(crate) struct PartOf {
    pub index: usize,
    /// Rows of the parts before it.
    pub first_row: usize,
    pub rows: usize,
}

/// Where a kernel writes: `rows` values at each multiple of `stride`.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub start: *mut f32,
    pub stride: usize,
    pub rows: usize,
}

impl Results<'_> {
    /// Where the results of a part and a token begin, and how far apart tokens are.
    fn token(&self, part: PartOf, token: usize) -> (&Shared<'_, f32>, usize, usize) {
        match self {
            Results::Together { out, stride } => (out, token * stride + part.first_row, *stride),
            Results::Apart(outs) => (&outs[part.index], token * part.rows, part.rows),
        }
    }

    /// The results of some rows of a part and one token.
    ///
    /// # Safety
    /// As for [`Shared::part`].
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(
        &self,
        part: PartOf,
        token: usize,
        row: usize,
        rows: usize,
    ) -> &mut [f32] {
        let (out, start, _) = self.token(part, token);
        // SAFETY: as promised by the caller.
        unsafe { out.part(start + row, rows) }
    }

    /// Where the results of `rows` rows of a part and the tokens from `token` on go.
    pub(crate) fn place(&self, part: PartOf, token: usize, row: usize, rows: usize) -> Place {
        let (out, start, stride) = self.token(part, token);
        Place {
            start: out.at(start + row),
            stride,
            rows,
        }
    }
}

impl Place {
    /// Where the results of a column (a token) go.
    #[inline(always)]
    pub(crate) fn column(self, c: usize) -> Place {
        Place {
            start: self.start.wrapping_add(c * self.stride),
            ..self
        }
    }
}
