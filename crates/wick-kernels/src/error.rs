//! What can be wrong with what a caller hands in.

/// An error of the kernels: sizes or shapes that do not fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A row that is not made of whole blocks.
    #[error("{columns} columns are not whole {format} blocks")]
    PartialBlock {
        /// The format's name.
        format: &'static str,
        /// The columns asked for.
        columns: usize,
    },
    /// A buffer of another length than its meaning asks for.
    #[error("{what}: expected a length of {expected}, found {found}")]
    Length {
        /// Which buffer.
        what: &'static str,
        /// What its length must be (a multiple of it for buffers of rows).
        expected: usize,
        /// What it is.
        found: usize,
    },
    /// Sizes whose product does not fit into memory's addresses.
    #[error("{what}: the size is too large")]
    TooLarge {
        /// Which buffer.
        what: &'static str,
    },
    /// A format that can be read and not written.
    #[error("cannot quantize to {format}")]
    CannotQuantize {
        /// The format's name.
        format: &'static str,
    },
    /// A matrix of no parts.
    #[error("a matrix needs at least one part")]
    NoParts,
    /// Stacked matrices whose rows differ in length.
    #[error("stacked matrices must have the same columns: {expected} and {found}")]
    PartColumns {
        /// Columns of the first part.
        expected: usize,
        /// Columns of the part that differs.
        found: usize,
    },
    /// An index outside of what is there.
    #[error("{what} {index} is not below {limit}")]
    OutOfRange {
        /// What the index counts.
        what: &'static str,
        /// The index.
        index: usize,
        /// How many there are.
        limit: usize,
    },
    /// Query heads that cannot share key heads evenly, or a head of no width.
    #[error("{heads} heads of {head_dim} do not divide over {kv_heads} key heads")]
    Heads {
        /// Query heads.
        heads: usize,
        /// Key and value heads.
        kv_heads: usize,
        /// Width of a head.
        head_dim: usize,
    },
    /// A page of the cache that a row sees and that is not there.
    #[error("page {page} of span {span} is needed and missing")]
    MissingPage {
        /// Index of the span.
        span: usize,
        /// Index of the page within the sequence.
        page: usize,
    },
    /// More dimensions to rotate than a head has, or an odd number of them.
    #[error("cannot rotate {rotary_dim} dimensions of a head of {head_dim}")]
    RotaryDim {
        /// Dimensions to rotate.
        rotary_dim: usize,
        /// Width of a head.
        head_dim: usize,
    },
}

/// The result of a kernel.
pub type Result<T> = std::result::Result<T, Error>;

/// Fails unless a buffer has the length its meaning asks for.
pub(crate) fn check_length(what: &'static str, expected: usize, found: usize) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(Error::Length {
            what,
            expected,
            found,
        })
    }
}

/// How many rows of `width` a buffer holds; fails unless they are whole.
pub(crate) fn whole_rows(what: &'static str, width: usize, length: usize) -> Result<usize> {
    if length == 0 {
        Ok(0)
    } else if width != 0 && length.is_multiple_of(width) {
        Ok(length / width)
    } else {
        Err(Error::Length {
            what,
            expected: width,
            found: length,
        })
    }
}

/// A product of sizes, checked.
pub(crate) fn product(what: &'static str, sizes: &[usize]) -> Result<usize> {
    sizes
        .iter()
        .try_fold(1usize, |product, &size| product.checked_mul(size))
        .ok_or(Error::TooLarge { what })
}
