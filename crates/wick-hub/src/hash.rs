//! Hashes as text, checked once: what is made of one can be a file's name.

use std::{fmt, str::FromStr};

use crate::{Error, Refusal};

macro_rules! hex {
    ($(#[$doc:meta])* $name:ident, $digits:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Its digits, lower-case.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let is_hex = text.len() == $digits
                    && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                match is_hex {
                    true => Ok(Self(text.to_ascii_lowercase())),
                    false => Err(Error::refused(text, Refusal::Hash)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

hex!(
    /// A sha256: 64 hexadecimal digits. Local names are made of it only.
    Sha256Hex,
    64
);
hex!(
    /// A sha1, as git names its objects: 40 hexadecimal digits.
    Sha1Hex,
    40
);
hex!(
    /// A commit of a repository: 40 hexadecimal digits.
    CommitHash,
    40
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_number_of_hexadecimal_digits_is_a_hash() {
        let upper = "AB".repeat(32);
        assert_eq!(
            upper.parse::<Sha256Hex>().unwrap().as_str(),
            "ab".repeat(32)
        );
        assert!("ab".repeat(20).parse::<CommitHash>().is_ok());
        let traversal = format!("../{}", "a".repeat(61));
        for bad in [
            "",
            "main",
            &"*".repeat(64),
            &"é".repeat(32),
            &traversal,
            &"a".repeat(65),
        ] {
            assert!(bad.parse::<Sha256Hex>().is_err(), "{bad}");
            assert!(bad.parse::<CommitHash>().is_err(), "{bad}");
        }
    }
}
