//! Frames as bytes and back: Arrow IPC streams, one after the other, each with its length.

use std::io::Cursor;

use anyhow::Context;
use bytes::Bytes;
use polars::prelude::{DataFrame, IpcStreamReader, IpcStreamWriter, SerReader, SerWriter};

use crate::query::Selection;

/// The version of the format below. It is part of the key of every entry that holds frames.
pub const VERSION: &str = "frames-1";

/// The frames of a selection as bytes for the cache.
///
/// # Errors
///
/// What polars says of a frame that it cannot write.
pub fn encode(selection: Selection) -> anyhow::Result<Bytes> {
    join(frames(selection))
}

/// The selection that [`encode`] made these bytes of.
///
/// # Errors
///
/// When the bytes are something else. The cache has checked them, so that would be a bug.
pub fn decode(bytes: &[u8]) -> anyhow::Result<Selection> {
    Ok(selection(split(bytes)?))
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

/// The frames of a selection, in the order of [`selection`].
pub fn frames(selection: Selection) -> [DataFrame; 5] {
    let Selection { summary, daily, distribution, rhythm, destinations } = selection;
    [summary, daily, distribution, rhythm, destinations]
}

/// The selection of these frames.
pub fn selection(
    [summary, daily, distribution, rhythm, destinations]: [DataFrame; 5],
) -> Selection {
    Selection { summary, daily, distribution, rhythm, destinations }
}

/// Frames as bytes, one after the other.
///
/// # Errors
///
/// What polars says of a frame that it cannot write.
pub fn join(frames: impl IntoIterator<Item = DataFrame>) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    for frame in frames {
        let mut stream = stream(frame)?;
        bytes.extend_from_slice(&(stream.len() as u64).to_le_bytes());
        bytes.append(&mut stream);
    }
    Ok(bytes.into())
}

/// The frames that [`join`] made these bytes of, which must be `N`.
///
/// # Errors
///
/// When the bytes are something else, as in [`decode`].
pub fn split<const N: usize>(bytes: &[u8]) -> anyhow::Result<[DataFrame; N]> {
    let (mut frames, mut rest) = (Vec::with_capacity(N), bytes);
    while !rest.is_empty() {
        let (frame, after) = next(rest)?;
        frames.push(frame);
        rest = after;
    }
    let found = frames.len();
    frames.try_into().ok().with_context(|| format!("there are {found} frames where {N} belong"))
}

/// The first of the frames, without the rest.
///
/// # Errors
///
/// When the bytes are something else, as in [`decode`].
pub fn first(bytes: &[u8]) -> anyhow::Result<DataFrame> {
    Ok(next(bytes)?.0)
}

/// The first frame, and what follows it.
fn next(bytes: &[u8]) -> anyhow::Result<(DataFrame, &[u8])> {
    let (length, after) = bytes.split_at_checked(8).context("a frame is missing")?;
    let length = u64::from_le_bytes(length.try_into()?) as usize;
    let (stream, after) = after.split_at_checked(length).context("a frame is cut off")?;
    Ok((decode_one(stream)?, after))
}

fn stream(mut frame: DataFrame) -> anyhow::Result<Vec<u8>> {
    let mut stream = Vec::new();
    IpcStreamWriter::new(&mut stream).finish(&mut frame)?;
    Ok(stream)
}
