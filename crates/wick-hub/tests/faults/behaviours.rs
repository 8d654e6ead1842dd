//! What a server can do to a transfer. The rows are the matrix: a name, how a run may end, and what the server does.

use std::collections::BTreeMap;

use rand::{RngExt, rngs::StdRng};
use stand_in_hub::{Behaviour, Content, Place, Rule, StandInHub};

use super::{REPOSITORY, WEIGHTS, hostile};

/// How a run may end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// It gets over it.
    Whole,
    /// There is no getting over it.
    Error,
    /// It depends on the seed: on sizes and moments.
    Either,
}

/// A row of the matrix.
pub struct Fault {
    pub name: &'static str,
    pub ends: Ends,
    pub arrange: fn(&StandInHub, &mut StdRng),
}

const fn row(name: &'static str, ends: Ends, arrange: fn(&StandInHub, &mut StdRng)) -> Fault {
    Fault {
        name,
        ends,
        arrange,
    }
}

use Behaviour::*;
use Ends::{Either, Error, Whole};
use Place::{Bytes, Resolve};

fn once(server: &StandInHub, place: Place, behaviour: Behaviour) {
    times(server, place, 1, behaviour);
}

fn times(server: &StandInHub, place: Place, times: u32, behaviour: Behaviour) {
    server.misbehave(Rule::at(place, behaviour).times(times));
}

/// Of the CDN alone, which has only the weights.
fn cdn(server: &StandInHub, times: u32, behaviour: Behaviour) {
    server.misbehave(Rule::at(Bytes, behaviour).path(WEIGHTS).times(times));
}

fn always(server: &StandInHub, place: Place, behaviour: Behaviour) {
    server.misbehave(Rule::at(place, behaviour));
}

pub fn status(code: u16, headers: &[(&str, &str)], body: &str) -> Behaviour {
    Status {
        code,
        headers: fields(headers),
        body: body.to_owned(),
    }
}

pub fn headers(set: &[(&str, &str)]) -> Behaviour {
    Headers { set: fields(set) }
}

fn fields(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    fields.iter().map(owned).collect()
}

/// Somewhere in the larger file.
fn somewhere(server: &StandInHub, random: &mut StdRng) -> u64 {
    let size = server.file(REPOSITORY, WEIGHTS).map_or(1, |file| file.size);
    random.random_range(0..size)
}

fn some(random: &mut StdRng) -> u64 {
    random.random_range(0..400_000)
}

pub const BEHAVIOURS: &[Fault] = &[
    row("no fault", Whole, |_, _| {}),
    // Connections
    row("hangup once", Whole, |s, _| once(s, Bytes, Hangup)),
    row("hangup of the Hub once", Whole, |s, _| {
        once(s, Resolve, Hangup)
    }),
    row("hangup five times", Whole, |s, _| {
        times(s, Bytes, 5, Hangup)
    }),
    row("hangup always", Error, |s, _| always(s, Bytes, Hangup)),
    row("hangup of the Hub always", Error, |s, _| {
        always(s, Resolve, Hangup)
    }),
    row("silence once", Whole, |s, _| once(s, Bytes, Silence)),
    row("silence of the Hub once", Whole, |s, _| {
        once(s, Resolve, Silence)
    }),
    row("silence three times", Whole, |s, _| {
        times(s, Bytes, 3, Silence)
    }),
    row("cut somewhere", Whole, |s, r| {
        once(s, Bytes, CutAfter { bytes: some(r) })
    }),
    row("cut ten times", Whole, |s, r| {
        times(s, Bytes, 10, CutAfter { bytes: some(r) })
    }),
    row("cut always, after a while", Whole, |s, r| {
        always(
            s,
            Bytes,
            CutAfter {
                bytes: 90_000 + some(r),
            },
        );
    }),
    row("cut before the first byte", Whole, |s, _| {
        times(s, Bytes, 3, CutAfter { bytes: 0 })
    }),
    row("cut before the first byte, always", Error, |s, _| {
        always(s, Bytes, CutAfter { bytes: 0 });
    }),
    row("cut after one byte", Whole, |s, _| {
        times(s, Bytes, 3, CutAfter { bytes: 1 })
    }),
    row("stall somewhere", Whole, |s, r| {
        once(s, Bytes, StallAfter { bytes: some(r) })
    }),
    row("stall three times", Whole, |s, r| {
        times(s, Bytes, 3, StallAfter { bytes: some(r) })
    }),
    row("stall before the first byte", Whole, |s, _| {
        once(s, Bytes, StallAfter { bytes: 0 })
    }),
    row("small pieces", Whole, |s, r| {
        let bytes = r.random_range(3000..20_000);
        always(s, Bytes, Slow { pause_ms: 0, bytes });
    }),
    row("a trickle", Whole, |s, _| {
        once(
            s,
            Bytes,
            Slow {
                pause_ms: 30,
                bytes: 50,
            },
        )
    }),
    // Refusals
    row("an expired address", Whole, |s, _| {
        cdn(s, 1, status(403, &[], "AccessDenied"))
    }),
    row("an address that expires three times", Whole, |s, _| {
        cdn(s, 3, status(403, &[], "Request has expired"));
    }),
    row("an address that is refused always", Error, |s, _| {
        always(s, Bytes, status(403, &[], ""))
    }),
    row("an address that is unknown once", Whole, |s, _| {
        cdn(s, 1, status(404, &[], ""))
    }),
    row("an address that is gone once", Whole, |s, _| {
        cdn(s, 1, status(410, &[], ""))
    }),
    row("forbidden by the Hub", Error, |s, _| {
        always(s, Resolve, status(403, &[], "no"))
    }),
    row("unauthorized by the Hub", Error, |s, _| {
        always(
            s,
            Resolve,
            status(401, &[], "Invalid username or password."),
        );
    }),
    row("gated", Error, |s, _| {
        always(
            s,
            Resolve,
            status(403, &[("x-error-code", "GatedRepo")], "ask first"),
        );
    }),
    row("gone from the Hub", Error, |s, _| {
        always(
            s,
            Resolve,
            status(404, &[("x-error-code", "EntryNotFound")], ""),
        );
    }),
    row("disabled", Error, |s, _| {
        always(
            s,
            Resolve,
            status(403, &[], "Access to this resource is disabled."),
        );
    }),
    // Ranges
    row("416 once", Whole, |s, _| {
        once(s, Bytes, status(416, &[], ""))
    }),
    row("416 always", Error, |s, _| {
        always(s, Bytes, status(416, &[("content-range", "bytes */3")], ""))
    }),
    row("200 for a range", Whole, |s, _| once(s, Bytes, IgnoreRange)),
    row("200 for every range", Whole, |s, _| {
        always(s, Bytes, IgnoreRange)
    }),
    row("200 and a cut", Whole, |s, r| {
        times(s, Bytes, 2, IgnoreRange);
        times(s, Bytes, 2, CutAfter { bytes: some(r) });
    }),
    row("206 that does not say of what", Whole, |s, _| {
        once(s, Bytes, headers(&[("content-range", "")]));
    }),
    row("206 that says nonsense", Whole, |s, _| {
        once(s, Bytes, headers(&[("content-range", "bytes 9-2/1")]));
    }),
    row("206 of other bytes than it says", Either, |s, _| {
        always(s, Bytes, headers(&[("content-range", "bytes 0-0/1")]));
    }),
    row("206 without a total", Whole, |s, _| {
        times(s, Bytes, 2, headers(&[("content-range", "bytes 0-*/*")]));
    }),
    row("a range further on", Whole, |s, _| {
        once(s, Bytes, Shift { bytes: 1 })
    }),
    row("a range further on, always", Error, |s, _| {
        always(s, Bytes, Shift { bytes: 1 })
    }),
    row("a longer range", Whole, |s, _| {
        once(s, Bytes, Longer { bytes: 10 })
    }),
    row("a shorter range", Whole, |s, _| {
        once(s, Bytes, Shorter { bytes: 10 })
    }),
    row("a shorter range always", Either, |s, _| {
        always(s, Bytes, Shorter { bytes: 1000 })
    }),
    row("a wrong total", Whole, |s, _| {
        once(s, Bytes, Total { bytes: u64::MAX })
    }),
    row("a wrong total always", Error, |s, _| {
        always(s, Bytes, Total { bytes: 90_000_000 })
    }),
    // Bytes
    row("one wrong bit once", Whole, |s, r| {
        let offset = somewhere(s, r);
        // So many questions it takes to ask for all of the file the first time.
        let size = s.file(REPOSITORY, WEIGHTS).map_or(1, |file| file.size);
        cdn(s, size.div_ceil(1 << 20) as u32, FlipBit { offset });
    }),
    row("one wrong bit always", Error, |s, _| {
        always(s, Bytes, FlipBit { offset: 0 })
    }),
    row("wrong bytes once", Whole, |s, _| once(s, Bytes, Garbage)),
    row("wrong bytes always", Error, |s, _| {
        always(s, Bytes, Garbage)
    }),
    row("an empty body", Whole, |s, _| once(s, Bytes, Empty)),
    row("an empty body always", Error, |s, _| {
        always(s, Bytes, Empty)
    }),
    row("no length", Whole, |s, _| always(s, Bytes, NoLength)),
    row("gzip once", Whole, |s, _| once(s, Bytes, Gzip)),
    row("gzip always", Error, |s, _| always(s, Bytes, Gzip)),
    // Servers in trouble
    row("429", Whole, |s, _| {
        times(s, Resolve, 3, status(429, &[("retry-after", "0")], ""))
    }),
    row("429 and a second", Whole, |s, _| {
        once(s, Bytes, status(429, &[("retry-after", "1")], ""))
    }),
    row("429 of the Hub's kind", Whole, |s, _| {
        once(
            s,
            Resolve,
            status(429, &[("ratelimit", "\"resolvers\";r=0;t=0")], ""),
        );
    }),
    row("500", Whole, |s, _| {
        once(s, Resolve, status(500, &[], "oops"))
    }),
    row("500 always", Error, |s, _| {
        always(s, Bytes, status(500, &[], "oops"))
    }),
    row("502", Whole, |s, _| {
        times(s, Bytes, 2, status(502, &[], "<html>"))
    }),
    row("503 and a time", Whole, |s, _| {
        times(s, Bytes, 5, status(503, &[("retry-after", "0")], ""));
    }),
    row("504", Whole, |s, _| {
        times(s, Bytes, 8, status(504, &[], ""))
    }),
    row("a page once", Whole, |s, _| once(s, Bytes, Page)),
    row("a page of the Hub", Whole, |s, _| once(s, Resolve, Page)),
    row("a page always", Error, |s, _| always(s, Resolve, Page)),
    row("204", Whole, |s, _| once(s, Bytes, status(204, &[], ""))),
    row("304 that nobody asked for", Whole, |s, _| {
        once(s, Bytes, status(304, &[], ""))
    }),
    row("300", Whole, |s, _| once(s, Resolve, status(300, &[], ""))),
    // Redirects
    row("a redirect without an address", Whole, |s, _| {
        once(s, Resolve, status(302, &[], ""))
    }),
    row("a redirect to itself", Error, |s, _| {
        always(s, Resolve, RedirectLoop)
    }),
    row("a redirect to itself at the CDN", Error, |s, _| {
        always(s, Bytes, RedirectLoop)
    }),
    row("a redirect to a closed port", Whole, |s, _| {
        once(
            s,
            Resolve,
            Redirect {
                to: "http://127.0.0.1:1/x".into(),
            },
        );
    }),
    row("a redirect to plain http", Error, |s, _| {
        always(
            s,
            Resolve,
            Redirect {
                to: "http://192.0.2.1/x".into(),
            },
        );
    }),
    row("a redirect to a file", Error, |s, _| {
        always(
            s,
            Resolve,
            Redirect {
                to: "file:///etc/passwd".into(),
            },
        );
    }),
    row("a redirect with a password", Either, |s, _| {
        once(
            s,
            Resolve,
            Redirect {
                to: "http://ann:secret@192.0.2.1/".into(),
            },
        );
    }),
    // Files that are others now
    row("another sha256 is said once", Whole, |s, _| {
        once(s, Resolve, headers(hostile::OTHER_SHA256))
    }),
    row("another sha256 is said always", Error, |s, _| {
        always(s, Resolve, headers(hostile::OTHER_SHA256));
    }),
    row("another size is said always", Error, |s, _| {
        always(s, Resolve, headers(&[("x-linked-size", "5")]));
    }),
    row("another file of this size", Error, |s, _| {
        let size = s.file(REPOSITORY, WEIGHTS).map_or(0, |file| file.size);
        s.overwrite(REPOSITORY, WEIGHTS, Content::seeded(99, size));
    }),
    row("a shorter file", Error, |s, _| {
        s.overwrite(REPOSITORY, WEIGHTS, Content::seeded(99, 0));
    }),
    // Hostile names
    row("an etag that climbs", Whole, |s, _| {
        always(s, Resolve, headers(hostile::CLIMBING_ETAG))
    }),
    row("a commit that climbs", Whole, |s, _| {
        always(s, Resolve, headers(hostile::CLIMBING_COMMIT))
    }),
    row("a name that climbs", Whole, |s, _| {
        always(s, Bytes, headers(hostile::CLIMBING_NAME))
    }),
    row("an etag of the CDN that climbs", Whole, |s, _| {
        always(s, Bytes, headers(hostile::CLIMBING_ETAG));
    }),
    row("headers without end", Either, |s, _| {
        let long = "x".repeat(60_000);
        always(s, Bytes, headers(&[("x-long", &long)]));
    }),
    row("a bit of everything", Either, hostile::everything),
];
