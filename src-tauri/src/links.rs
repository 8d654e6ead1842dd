//! Links in replies are a model's words: only web and mail addresses leave for the browser, written out anew.

use url::Url;
use wick::Error;

/// What a mail link may fill in. `attach`, which some mail programs obey, is not among it.
const MAIL_FIELDS: &[&str] = &["to", "cc", "bcc", "subject", "body"];

/// Longest link that is opened; longer ones are no links a person would follow.
const MAX_LINK_BYTES: usize = 8 << 10;

/// The link, if it is one that Wick opens.
pub fn parse(text: &str) -> Result<Url, Error> {
    let refused = |reason: &str| Error::LinkRefused {
        reason: reason.into(),
    };
    if text.len() > MAX_LINK_BYTES {
        return Err(refused("it is too long"));
    }
    // The parser would drop tabs and line breaks, and with them what the person saw.
    if text.chars().any(char::is_control) || text.contains('\\') {
        return Err(refused("it contains characters that no link has"));
    }
    let url = Url::parse(text).map_err(|error| refused(&error.to_string()))?;
    match url.scheme() {
        "http" | "https" if !url.username().is_empty() || url.password().is_some() => {
            Err(refused("it carries a user name"))
        }
        "http" | "https" => Ok(url),
        "mailto" => {
            let is_known = |name: &str| MAIL_FIELDS.contains(&name.to_ascii_lowercase().as_str());
            match url.query_pairs().all(|(name, _)| is_known(&name)) {
                true => Ok(url),
                false => Err(refused("it fills in more than a mail's address and text")),
            }
        }
        other => Err(refused(&format!("{other}: is neither web nor mail"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn web_and_mail_addresses_pass() {
        for (link, opened) in [
            ("https://example.org/a?b=c#d", "https://example.org/a?b=c#d"),
            ("http://example.org", "http://example.org/"),
            ("HTTPS://EXAMPLE.ORG/A", "https://example.org/A"),
            ("mailto:a@example.org", "mailto:a@example.org"),
            (
                "mailto:a@example.org?Subject=Hi&body=there",
                "mailto:a@example.org?Subject=Hi&body=there",
            ),
        ] {
            assert_eq!(parse(link).unwrap().as_str(), opened);
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for link in [
            "",
            "example.org",
            "/etc/passwd",
            "-version",
            "--help",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "java\tscript:alert(1)",
            "\u{1}javascript:alert(1)",
            "ht\ntps://example.org",
            "https://example.org/\0",
            "https://exam\tple.org/",
            "https://example.org\\@evil.example",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:msgbox(1)",
            "blob:https://example.org/1",
            "file:///etc/passwd",
            "FILE:///C:/Windows/System32/calc.exe",
            "file://server/share/a.exe",
            "\\\\server\\share\\a.exe",
            "//server/share",
            "C:\\Windows\\System32\\calc.exe",
            "smb://server/share",
            "ms-settings:",
            "ms-msdt:/id PCWDiagnostic",
            "ms-officecmd:{}",
            "search-ms:query=a",
            "steam://run/1",
            "ssh://example.org",
            "tauri://localhost/",
            "ipc://localhost/app_start",
            "https://user@example.org/",
            "https://paypal.com:secret@example.org/",
            "https://",
            "mailto:a@example.org?attach=/etc/passwd",
            "mailto:a@example.org?Attachment=/etc/passwd",
            "mailto:a@example.org?%61ttach=/etc/passwd",
        ] {
            let error = parse(link).unwrap_err();
            assert!(matches!(error, Error::LinkRefused { .. }), "{link:?}");
        }
        assert!(parse(&format!("https://example.org/{}", "a".repeat(9000))).is_err());
    }
}
