//! Names that want to be paths, and everything at once.

use rand::{RngExt, rngs::StdRng};
use stand_in_hub::{Behaviour, Place, Rule, StandInHub};

use super::behaviours::status;

type Fields = &'static [(&'static str, &'static str)];

pub const OTHER_SHA256: Fields = &[(
    "x-linked-etag",
    "\"00000000000000000000000000000000000000000000000000000000deadbeef\"",
)];
pub const CLIMBING_ETAG: Fields = &[
    ("x-linked-etag", "\"../../../outside\""),
    ("etag", "\"../../../outside\""),
];
pub const CLIMBING_COMMIT: Fields = &[("x-repo-commit", "../../../outside")];
pub const CLIMBING_NAME: Fields = &[(
    "content-disposition",
    "attachment; filename=\"../../../outside\"",
)];

/// Ten rules of all kinds, each for a while.
pub fn everything(server: &StandInHub, random: &mut StdRng) {
    for _ in 0..10 {
        let bytes = random.random_range(0..300_000);
        let behaviour = match random.random_range(0..12) {
            0 => Behaviour::Hangup,
            1 => Behaviour::StallAfter { bytes },
            2 | 3 => Behaviour::CutAfter { bytes },
            4 => Behaviour::IgnoreRange,
            5 => Behaviour::FlipBit { offset: bytes },
            6 => Behaviour::Garbage,
            7 => Behaviour::NoLength,
            8 => Behaviour::Shift { bytes },
            9 => Behaviour::Page,
            10 => status(503, &[("retry-after", "0")], ""),
            _ => status(403, &[], "expired"),
        };
        let place = match random.random_range(0..4) {
            0 => Place::Resolve,
            _ => Place::Bytes,
        };
        let rule = Rule::at(place, behaviour).skip(random.random_range(0..4));
        server.misbehave(rule.times(random.random_range(1..3)));
    }
}
