//! Frames as bytes and back: Arrow IPC streams, one after the other, each with its length.

use std::io::Cursor;

use anyhow::{Context, ensure};
use bytes::Bytes;
use polars::prelude::{DataFrame, IpcStreamReader, IpcStreamWriter, SerReader, SerWriter};

use crate::query::Selection;

/// The frames of a selection as bytes for the cache.
///
/// # Errors
///
/// What polars says of a frame that it cannot write.
pub fn encode(selection: Selection) -> anyhow::Result<Bytes> {
    let Selection { summary, daily, distribution, rhythm, destinations } = selection;
    let mut bytes = Vec::new();
    for frame in [summary, daily, distribution, rhythm, destinations] {
        let mut stream = stream(frame)?;
        bytes.extend_from_slice(&(stream.len() as u64).to_le_bytes());
        bytes.append(&mut stream);
    }
    Ok(bytes.into())
}

/// The selection that [`encode`] made these bytes of.
///
/// # Errors
///
/// When the bytes are something else. The cache has checked them, so this is a mistake of ours.
pub fn decode(bytes: &[u8]) -> anyhow::Result<Selection> {
    let mut rest = bytes;
    let mut next = || -> anyhow::Result<DataFrame> {
        let (length, after) = rest.split_at_checked(8).context("a frame is missing")?;
        let length = u64::from_le_bytes(length.try_into()?) as usize;
        let (stream, after) = after.split_at_checked(length).context("a frame is cut off")?;
        rest = after;
        decode_one(stream)
    };
    let selection = Selection {
        summary: next()?,
        daily: next()?,
        distribution: next()?,
        rhythm: next()?,
        destinations: next()?,
    };
    ensure!(rest.is_empty(), "there are more frames than those of a selection");
    Ok(selection)
}

/// A single frame as bytes for the cache.
///
/// # Errors
///
/// What polars says of a frame that it cannot write.
pub fn encode_one(frame: DataFrame) -> anyhow::Result<Bytes> {
    Ok(stream(frame)?.into())
}

/// The frame that [`encode_one`] made these bytes of.
///
/// # Errors
///
/// When the bytes are something else, as in [`decode`].
pub fn decode_one(bytes: &[u8]) -> anyhow::Result<DataFrame> {
    Ok(IpcStreamReader::new(Cursor::new(bytes)).finish()?)
}

fn stream(mut frame: DataFrame) -> anyhow::Result<Vec<u8>> {
    let mut stream = Vec::new();
    IpcStreamWriter::new(&mut stream).finish(&mut frame)?;
    Ok(stream)
}
