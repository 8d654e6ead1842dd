//! How the server misbehaves, and when.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Where in a conversation a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// `/{owner}/{name}/resolve/…` at the Hub.
    Resolve,
    /// Where bytes come from: the CDN, or the Hub's cache for small files.
    Bytes,
    /// `/api/…` at the Hub.
    Api,
}

/// What the server does instead of what it should.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Behaviour {
    /// Closes the connection without an answer.
    Hangup,
    /// Takes the request and never answers.
    Silence,
    /// Closes the connection after that many bytes of the body.
    CutAfter {
        /// Of the body, not of the file.
        bytes: u64,
    },
    /// Sends that many bytes of the body and then nothing, without closing.
    StallAfter {
        /// Of the body, not of the file.
        bytes: u64,
    },
    /// Sends one byte at a time.
    Slow {
        /// Between two pieces.
        pause_ms: u64,
        /// How long a piece is.
        bytes: u64,
    },
    /// Another status, with these headers and this body.
    Status {
        /// The status.
        code: u16,
        /// Its headers.
        #[serde(default)]
        headers: BTreeMap<String, String>,
        /// Its body.
        #[serde(default)]
        body: String,
    },
    /// A page for people, with status 200.
    Page,
    /// Status 200 and the whole file, whatever range was asked for.
    IgnoreRange,
    /// Bytes that many further on, and says so.
    Shift {
        /// How far.
        bytes: u64,
    },
    /// That many more bytes than asked for, and says so.
    Longer {
        /// How many.
        bytes: u64,
    },
    /// At most that many bytes, and says so: RFC 9110 allows it.
    Shorter {
        /// How many.
        bytes: u64,
    },
    /// Another total in `Content-Range`.
    Total {
        /// Which.
        bytes: u64,
    },
    /// These headers instead of those it should send; an empty value removes one.
    Headers {
        /// By name.
        set: BTreeMap<String, String>,
    },
    /// One wrong bit in the byte at this offset of the file, when it is in the answer.
    FlipBit {
        /// Of the file.
        offset: u64,
    },
    /// As many bytes as there should be, but others.
    Garbage,
    /// No `Content-Length`.
    NoLength,
    /// Compressed, and says so.
    Gzip,
    /// The right headers and no body at all.
    Empty,
    /// Sends the client elsewhere.
    Redirect {
        /// The `Location`.
        to: String,
    },
    /// Sends the client to the address it came to, for ever.
    RedirectLoop,
}

/// A behaviour and the requests it is for. The first rule that fits a request has it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Only there.
    #[serde(default)]
    pub place: Option<Place>,
    /// Only requests whose path, or whose file's path, contains this.
    #[serde(default)]
    pub path: Option<String>,
    /// Not the first so many that fit.
    #[serde(default)]
    pub skip: u32,
    /// Only so many.
    #[serde(default)]
    pub times: Option<u32>,
    /// What to do.
    pub behaviour: Behaviour,
}

impl Rule {
    /// A behaviour for all requests at a place.
    pub fn at(place: Place, behaviour: Behaviour) -> Self {
        Self {
            place: Some(place),
            path: None,
            skip: 0,
            times: None,
            behaviour,
        }
    }

    /// Only for paths that contain this.
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Not for the first so many.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// Only so many times.
    pub fn times(mut self, requests: u32) -> Self {
        self.times = Some(requests);
        self
    }

    /// Whether the rule has this request; counts it.
    pub(crate) fn takes(&mut self, place: Option<Place>, paths: &[&str]) -> bool {
        let place_fits = self.place.is_none() || self.place == place;
        let path_fits = |part: &String| paths.iter().any(|path| path.contains(part));
        if !place_fits || !self.path.as_ref().is_none_or(path_fits) || self.times == Some(0) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.times = self.times.map(|left| left - 1);
        true
    }
}
