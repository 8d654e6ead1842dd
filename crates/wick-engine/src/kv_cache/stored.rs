//! A cache as bytes to keep on disk and to take back: compressed, and checked when it is read.

use std::{
    io::{Read, Write},
    sync::Arc,
};

use super::{CacheLayout, KvCache, Store};
use crate::{Error, Result};

/// Compression level: the fastest; more gains little on numbers.
const LEVEL: i32 = 1;

/// Writes the pages of a cache, compressed, with a checksum. `false` where it has none: on another device.
pub fn write_cache(cache: &KvCache, output: impl Write) -> std::io::Result<bool> {
    let Store::Pages(layers) = &cache.store else {
        return Ok(false);
    };
    let mut encoder = zstd::Encoder::new(output, LEVEL)?;
    encoder.include_checksum(true)?;
    let mut planes = Vec::new();
    for pages in layers {
        let (first, pages) = pages.held();
        encoder.write_all(&(first as u32).to_le_bytes())?;
        for page in pages {
            split_planes(page, &mut planes);
            encoder.write_all(&planes)?;
        }
    }
    encoder.finish()?;
    Ok(true)
}

/// Reads what [`write_cache`] wrote of a cache of this layout with `position` tokens.
pub fn read_cache(layout: Arc<CacheLayout>, position: usize, input: impl Read) -> Result<KvCache> {
    let damaged = |error: std::io::Error| Error::Compute {
        reason: format!("a stored cache cannot be read: {error}"),
    };
    let mut decoder = zstd::Decoder::new(input).map_err(damaged)?;
    let mut cache = KvCache::on_host(layout);
    let mut planes = Vec::new();
    if let Store::Pages(layers) = &mut cache.store {
        for pages in layers {
            let mut first = [0; 4];
            decoder.read_exact(&mut first).map_err(damaged)?;
            let first = u32::from_le_bytes(first) as usize;
            pages.restore(position, first, |page| {
                planes.resize(page.len(), 0);
                decoder.read_exact(&mut planes).map_err(damaged)?;
                join_planes(&planes, page);
                Ok(())
            })?;
            if !pages.reaches(position) {
                return Err(damaged(std::io::ErrorKind::InvalidData.into()));
            }
        }
    }
    // The end, and with it the checksum.
    let more = decoder.read(&mut [0; 1]).map_err(damaged)?;
    if more != 0 {
        return Err(damaged(std::io::ErrorKind::InvalidData.into()));
    }
    cache.position = position;
    Ok(cache)
}

/// First the low bytes of all pairs, then the high ones: signs and exponents compress, mantissas do not.
fn split_planes(page: &[u8], planes: &mut Vec<u8>) {
    planes.clear();
    planes.extend(page.iter().step_by(2));
    planes.extend(page.iter().skip(1).step_by(2));
}

fn join_planes(planes: &[u8], page: &mut [u8]) {
    let (low, high) = planes.split_at(planes.len().div_ceil(2));
    for (pair, low) in page.chunks_mut(2).zip(low) {
        pair[0] = *low;
    }
    for (pair, high) in page.chunks_mut(2).zip(high) {
        pair[1] = *high;
    }
}
