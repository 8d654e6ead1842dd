//! Bars on standard error, where that is a terminal, for what takes long.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar that counts bytes; nothing is drawn where nobody looks or JSON is wanted.
pub fn bar(what: &str, as_json: bool) -> ProgressBar {
    let target = match as_json {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr(),
    };
    let bar = ProgressBar::with_draw_target(None, target);
    let template = "{prefix} {wide_bar} {decimal_bytes} of {decimal_total_bytes} {msg}";
    // The default serves where the template is not understood.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// Moves it.
pub fn show(bar: &ProgressBar, done_bytes: u64, total_bytes: u64) {
    bar.set_length(total_bytes);
    bar.set_position(done_bytes);
}

/// `3 min 20 s`, as people say it.
pub fn duration(seconds: f64) -> String {
    // A download that takes years has no end that anybody could name.
    let seconds = Duration::try_from_secs_f64(seconds.round()).unwrap_or(Duration::MAX);
    match seconds.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds @ 3600..360_000 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => "days".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_do() {
        for (seconds, text) in [
            (0.2, "0 s"),
            (59.0, "59 s"),
            (200.0, "3 min 20 s"),
            (7261.0, "2 h 1 min"),
            (1e12, "days"),
            (f64::INFINITY, "days"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
