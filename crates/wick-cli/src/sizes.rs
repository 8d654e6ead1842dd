//! Sizes and rates as people write them: 16GB, 50 GB/s.

/// `16GB`, `512 MiB`, `3.5G`: a number of bytes.
pub fn bytes(text: &str) -> Result<u64, Unreadable> {
    let bytes = number(text)?;
    match bytes < u64::MAX as f64 {
        true => Ok(bytes as u64),
        false => Err(Unreadable),
    }
}

/// `50GB/s`: bytes a second.
pub fn rate(text: &str) -> Result<f64, Unreadable> {
    let rate = number(text.trim().strip_suffix("/s").unwrap_or(text))?;
    match rate > 0.0 {
        true => Ok(rate),
        false => Err(Unreadable),
    }
}

/// What is neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "write a number and a unit, such as 16GB or 50GB/s")
    }
}

impl std::error::Error for Unreadable {}

fn number(text: &str) -> Result<f64, Unreadable> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "b" => 1.0,
        "k" | "kb" => 1e3,
        "m" | "mb" => 1e6,
        "g" | "gb" => 1e9,
        "t" | "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(Unreadable),
    };
    let number: f64 = number.parse().map_err(|_| Unreadable)?;
    Some(number * factor)
        .filter(|bytes| bytes.is_finite())
        .ok_or(Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, expected) in [
            ("16GB", 16_000_000_000),
            ("16 GB", 16_000_000_000),
            ("1.5g", 1_500_000_000),
            ("2GiB", 2 << 30),
            ("512MiB", 512 << 20),
            ("100b", 100),
            ("0GB", 0),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in [
            "",
            "16",
            "GB",
            "-1GB",
            "16 apples",
            "1e9GB",
            "1.2.3GB",
            "99999999999999TB",
        ] {
            assert_eq!(bytes(text), Err(Unreadable), "{text}");
        }
        assert_eq!(rate("50GB/s"), Ok(50e9));
        assert_eq!(rate("50 GB"), Ok(50e9));
        assert_eq!(rate("0GB/s"), Err(Unreadable));
    }
}
