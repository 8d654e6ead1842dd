//! How much of a long test runs.

use std::{env, ops::Range};

/// The seeds of a test that is quick in a usual run and thorough when `WICK_LONG` is set: to a piece of them, as in
/// `40..60`, or to anything else for all.
///
/// # Panics
///
/// When a piece is none.
pub fn seeds(quick: u64, thorough: u64) -> Range<u64> {
    match env::var("WICK_LONG") {
        Ok(long) => piece(&long, thorough),
        Err(_) => 0..quick,
    }
}

fn piece(long: &str, thorough: u64) -> Range<u64> {
    let Some((from, to)) = long.split_once("..") else {
        return 0..thorough;
    };
    let number = |text: &str| {
        let number = text.parse::<u64>();
        number.expect("WICK_LONG is 1, or a piece such as 40..60")
    };
    number(from)..number(to).min(thorough)
}

#[cfg(test)]
mod tests {
    use super::piece;

    #[test]
    fn a_piece_is_within_the_whole() {
        assert_eq!(piece("1", 60), 0..60);
        assert_eq!(piece("20..40", 60), 20..40);
        assert_eq!(piece("40..99", 60), 40..60);
    }
}
