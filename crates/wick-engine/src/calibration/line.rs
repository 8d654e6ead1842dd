//! What lies between two measured points, and beyond them.

/// The value at `x` on the line through the first and the last of `points`, which are (x, value), the smallest x first.
/// Below the first, at least half of what is in proportion to it: noise must not make anything free.
pub(super) fn on_line(points: impl IntoIterator<Item = (f64, f64)>, x: f64) -> f64 {
    let mut points = points.into_iter();
    let Some((narrow, least)) = points.next() else {
        return f64::NAN;
    };
    let Some((wide, most)) = points.last() else {
        return least;
    };
    let on_line = least + (most - least) * (x - narrow) / (wide - narrow);
    on_line.max(least * (x / narrow).min(1.0) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_points_make_a_line_and_one_is_all_there_is() {
        let points = [(2.0, 10.0), (4.0, 14.0)];
        for (x, y) in [(1.0, 8.0), (2.0, 10.0), (3.0, 12.0), (8.0, 22.0)] {
            assert_eq!(on_line(points, x), y);
        }
        assert_eq!(on_line([(2.0, 10.0)], 8.0), 10.0);
        assert!(on_line([], 8.0).is_nan());
    }

    #[test]
    fn nothing_becomes_free() {
        assert_eq!(on_line([(2.0, 1.0), (4.0, 9.0)], 1.0), 0.25);
        assert_eq!(on_line([(2.0, 9.0), (4.0, 1.0)], 8.0), 4.5);
    }
}
