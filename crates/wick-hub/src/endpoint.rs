//! Where the Hub is, and which addresses may be asked at all.

use std::{fmt, str::FromStr};

use url::{Host, Url};

use crate::{Error, Refusal, RepoId, Result};

/// The Hub's address or a mirror's: `https`, or `http` to this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Its address, without a slash at the end.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// Its scheme, host and port: what a token belongs to.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// An address below it; each segment is one segment, whatever it holds.
    pub(crate) fn at<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// Whether an address is of the same scheme, host and port: only there the token may go.
    pub(crate) fn is_origin_of(&self, url: &Url) -> bool {
        self.0.origin() == url.origin()
    }

    /// Whether it is this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        is_loopback(&self.0)
    }

    /// The page of a repository for people.
    pub(crate) fn page_of(&self, repo: &RepoId) -> Url {
        self.at([repo.owner(), repo.name()])
    }
}

impl Default for Endpoint {
    fn default() -> Self {
        Self(Url::parse("https://huggingface.co").expect("an address that is written here"))
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refused = |refusal| Error::refused(text, refusal);
        let url = Url::parse(text.trim()).map_err(|_| refused(Refusal::Address))?;
        check(&url).map_err(refused)?;
        match url.query().or(url.fragment()) {
            None => Ok(Self(url)),
            Some(_) => Err(refused(Refusal::Address)),
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether Wick may ask an address at all.
pub(crate) fn check(url: &Url) -> Result<(), Refusal> {
    let has_password = !url.username().is_empty() || url.password().is_some();
    match url.scheme() {
        _ if has_password || url.host().is_none() => Err(Refusal::Address),
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(Refusal::Unencrypted),
        _ => Err(Refusal::Address),
    }
}

/// Whether `to` may follow `from`: nothing leads from encryption to none, not even to this machine.
pub(crate) fn check_redirect(from: &Url, to: &Url) -> Result<(), Refusal> {
    check(to)?;
    match (from.scheme(), to.scheme()) {
        ("https", "http") => Err(Refusal::Unencrypted),
        _ => Ok(()),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_and_this_machine_are_endpoints() {
        for good in [
            "https://huggingface.co",
            "https://mirror.example/hf/",
            "http://127.0.0.1:8080",
            "http://[::1]:80",
            "http://localhost:1",
        ] {
            assert!(good.parse::<Endpoint>().is_ok(), "{good}");
        }
        for bad in [
            "",
            "huggingface.co",
            "http://huggingface.co",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://10.0.0.1",
            "ftp://huggingface.co",
            "file:///etc/passwd",
            "https://user:password@huggingface.co",
            "https://huggingface.co/?x=1",
            "javascript:alert(1)",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_segment_stays_one_segment() {
        let endpoint: Endpoint = "https://mirror.example/hf/".parse().unwrap();
        let url = endpoint.at(["api", "models", "a", "b", "revision", "refs/pr/1?x#y"]);
        assert_eq!(
            url.as_str(),
            "https://mirror.example/hf/api/models/a/b/revision/refs%2Fpr%2F1%3Fx%23y"
        );
    }

    #[test]
    fn a_redirect_never_leaves_encryption() {
        let url = |text| Url::parse(text).unwrap();
        let hub = url("https://huggingface.co/a");
        assert!(check_redirect(&hub, &url("https://cdn.example/b")).is_ok());
        assert_eq!(
            check_redirect(&hub, &url("http://127.0.0.1/")),
            Err(Refusal::Unencrypted)
        );
        assert!(check_redirect(&url("http://127.0.0.1:1/"), &url("http://127.0.0.1:2/")).is_ok());
        assert!(check_redirect(&url("http://127.0.0.1:1/"), &url("http://cdn.example/")).is_err());
    }
}
