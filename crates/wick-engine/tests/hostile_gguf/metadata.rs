//! Keys, values and arrays that break the rules of the format.

use crate::{
    Case,
    Expected::{Field, Truncated},
    files::*,
};

pub fn cases() -> Vec<Case> {
    const STRING: [u8; 4] = 8u32.to_le_bytes();
    vec![
        // Keys
        (
            "key of 64 KiB",
            at(24, &le(65_536)),
            Field("key 0", "65536"),
        ),
        (
            "key of 2^64-1",
            at(24, &le(u64::MAX)),
            Field("key 0", "at most"),
        ),
        ("key past the end", at(24, &le(65_535)), Truncated),
        (
            "empty key",
            value("", 7, &[&[1]]),
            Field("key 1", "is empty"),
        ),
        ("key not UTF-8", at(32, &[0xFF]), Field("key 0", UTF8)),
        (
            "key there twice",
            with(&|w| _ = w.string("general.architecture", "tiny")),
            Field("general.architecture", "twice"),
        ),
        (
            "key there twice, other type",
            with(&|w| _ = w.u32("a", 1).bool("a", true)),
            Field("a", "twice"),
        ),
        (
            "hostile key in a message",
            value("a\u{7}b", 77, &[]),
            Field("type of a\u{FFFD}b", "is 77"),
        ),
        // Values
        (
            "type 13",
            value("k", 13, &[&[0; 8]]),
            Field("type of k", "is 13"),
        ),
        (
            "value of type 2^32-1",
            value("k", u32::MAX, &[&[0; 8]]),
            Field("type of k", "must be 0 to 12"),
        ),
        (
            "bool 2",
            value("k", 7, &[&[2]]),
            Field("k", "neither 0 nor 1"),
        ),
        (
            "string over 16 MiB",
            value("k", 8, &[&le((16 << 20) + 1)]),
            Field("k", "16777217"),
        ),
        (
            "string of 2^64-1",
            value("k", 8, &[&le(u64::MAX)]),
            Field("k", "at most"),
        ),
        (
            "string past the end",
            value("k", 8, &[&le(16 << 20)]),
            Truncated,
        ),
        (
            "string not UTF-8",
            value("k", 8, &[&le(2), b"\xC3\x28"]),
            Field("k", UTF8),
        ),
        (
            "string of a surrogate",
            value("k", 8, &[&le(3), b"\xED\xA0\x80"]),
            Field("k", UTF8),
        ),
        (
            "number past the end",
            header().value("k", 10, &[]).bytes()[..65].to_vec(),
            Truncated,
        ),
        // Arrays
        (
            "array of arrays",
            value("k", 9, &[&9u32.to_le_bytes(), &le(1), &STRING, &le(0)]),
            Field("type of the elements of k", "arrays of arrays"),
        ),
        (
            "array of type 99",
            value("k", 9, &[&[99, 0, 0, 0], &le(0)]),
            Field("type of the elements of k", "is 99"),
        ),
        (
            "array of 2^64-1 bytes",
            value("k", 9, &[&[0; 4], &le(u64::MAX)]),
            Field("length of k", "256 MiB"),
        ),
        (
            "array whose size overflows",
            value("k", 9, &[&[10, 0, 0, 0], &le(1 << 61)]),
            Field("length of k", "256 MiB"),
        ),
        (
            "array longer than a header",
            value("k", 9, &[&[0; 4], &le(256 << 20)]),
            Field("length of k", "256 MiB"),
        ),
        (
            "array longer than the file",
            value("k", 9, &[&[0; 4], &le(200 << 20)]),
            Truncated,
        ),
        (
            "more strings than allowed",
            value("k", 9, &[&STRING, &le((4 << 20) + 1)]),
            Field("length of k", "4194304 strings"),
        ),
        (
            "more strings than bytes",
            value("k", 9, &[&STRING, &le(1 << 20)]),
            Truncated,
        ),
        (
            "element too long",
            value("k", 9, &[&STRING, &le(1), &le(1 << 40)]),
            Field("element 0 of k", "at most"),
        ),
        (
            "element not UTF-8",
            value("k", 9, &[&STRING, &le(2), &le(1), b"a", &le(1), &[0x80]]),
            Field("element 1 of k", UTF8),
        ),
        (
            "array of odd bools",
            value("k", 9, &[&[7, 0, 0, 0], &le(3), &[0, 1, 2]]),
            Field("element 2 of k", "neither"),
        ),
    ]
}
