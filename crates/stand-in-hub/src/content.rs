//! Where the bytes of a file come from.

use std::{fs, io::Read, io::Seek, io::SeekFrom, ops::Range, path::PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use sha2::Digest;

const PIECE_BYTES: u64 = 1 << 20;

/// The bytes of a file on the server.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Text, as a configuration file can hold it.
    Text(String),
    /// Bytes in memory.
    #[serde(skip)]
    Bytes(Bytes),
    /// Random bytes made from a seed when they are asked for, so that a large file takes no memory.
    Seeded {
        /// Another seed, other bytes.
        seed: u64,
        /// How many.
        bytes: u64,
    },
    /// A file on this machine.
    Disk(PathBuf),
}

impl Content {
    /// Bytes in memory.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::Bytes(bytes.into())
    }

    /// `bytes` random bytes made from `seed`.
    pub fn seeded(seed: u64, bytes: u64) -> Self {
        Self::Seeded { seed, bytes }
    }

    /// How many bytes there are; none in a file that cannot be read.
    pub fn size(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Seeded { bytes, .. } => *bytes,
            Self::Disk(path) => fs::metadata(path).map_or(0, |metadata| metadata.len()),
        }
    }

    /// The bytes of a range, which must lie within the size.
    pub fn read(&self, range: Range<u64>) -> Bytes {
        let within = range.start as usize..range.end as usize;
        match self {
            Self::Text(text) => Bytes::copy_from_slice(&text.as_bytes()[within]),
            Self::Bytes(bytes) => bytes.slice(within),
            Self::Seeded { seed, .. } => seeded(*seed, range),
            Self::Disk(path) => read_file(path, range).unwrap_or_default(),
        }
    }

    /// The sha256, in hex.
    pub fn sha256(&self) -> String {
        let mut hasher = sha2::Sha256::new();
        self.feed(|piece| hasher.update(piece));
        hex(&hasher.finalize())
    }

    /// The name git gives these bytes.
    pub fn git_sha1(&self) -> String {
        let mut hasher = sha1::Sha1::new();
        hasher.update(format!("blob {}\0", self.size()));
        self.feed(|piece| hasher.update(piece));
        hex(&hasher.finalize())
    }

    fn feed(&self, mut take: impl FnMut(&[u8])) {
        let size = self.size();
        for start in (0..size).step_by(PIECE_BYTES as usize) {
            take(&self.read(start..size.min(start + PIECE_BYTES)));
        }
    }
}

/// Splitmix64 by position: any range can be made without what comes before it.
fn seeded(seed: u64, range: Range<u64>) -> Bytes {
    let (first, last) = (range.start / 8, range.end.div_ceil(8));
    let mut bytes = Vec::with_capacity(((last - first) * 8) as usize);
    for word in first..last {
        let mut z = seed
            .wrapping_add(1)
            .wrapping_mul(0xa076_1d64_78bd_642f)
            .wrapping_add(word.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    let skipped = (range.start - first * 8) as usize;
    let length = (range.end - range.start) as usize;
    Bytes::from(bytes).slice(skipped..skipped + length)
}

fn read_file(path: &PathBuf, range: Range<u64>) -> std::io::Result<Bytes> {
    let mut file = fs::File::open(path)?;
    file.seek(SeekFrom::Start(range.start))?;
    let mut bytes = vec![0; (range.end - range.start) as usize];
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeded_bytes_are_the_same_in_one_piece_and_in_many() {
        let content = Content::seeded(7, 1000);
        let whole = content.read(0..1000);
        for start in 0..64 {
            assert_eq!(content.read(start..700), whole.slice(start as usize..700));
        }
        assert_ne!(whole, Content::seeded(8, 1000).read(0..1000));
    }

    #[test]
    fn names_of_bytes_are_those_of_git_and_sha256() {
        let content = Content::bytes("hello\n");
        assert_eq!(
            content.git_sha1(),
            "ce013625030ba8dba906f756967f9e9ca394464a"
        );
        assert_eq!(
            content.sha256(),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        );
    }
}
