//! Frames as bytes and back: Arrow IPC streams, one after the other, each with its length.

use std::io::Cursor;

use anyhow::Context;
use bytes::Bytes;
use polars::prelude::{
    DataFrame, IpcStreamReader, IpcStreamWriter, PolarsResult, SerReader, SerWriter, df,
};

use crate::query::{About, Sample, Selection};

/// The version of the format below. It is part of the key of every entry that holds frames.
pub const VERSION: &str = "frames-1";

/// The frames of a selection as bytes for the cache.
///
/// # Errors
///
/// What polars says of a frame that it cannot write.
pub fn encode(selection: Selection) -> anyhow::Result<Bytes> {
    joined(frames(selection))
}

/// The selection that [`encode`] made these bytes of.
///
/// # Errors
///
/// When the bytes are something else. The cache has checked them, so this is a mistake of ours.
pub fn decode(bytes: &[u8]) -> anyhow::Result<Selection> {
    Ok(selection(split(bytes)?))
}

/// A sample as bytes for the cache.
///
/// # Errors
///
/// What polars says of a frame that it cannot write.
pub fn encode_sample(sample: Sample) -> anyhow::Result<Bytes> {
    let Sample { about, flights, airports, selection } = sample;
    let own = [about_frame(&about)?, flights, airports];
    joined(own.into_iter().chain(frames(selection)))
}

/// The sample that [`encode_sample`] made these bytes of.
///
/// # Errors
///
/// When the bytes are something else, as in [`decode`].
pub fn decode_sample(bytes: &[u8]) -> anyhow::Result<Sample> {
    let [about, flights, airports, frames @ ..]: [_; 8] = split(bytes)?;
    Ok(Sample { about: about_of(&about)?, flights, airports, selection: selection(frames) })
}

/// What a sample says of itself, without the rest of it.
///
/// # Errors
///
/// When the bytes are something else, as in [`decode`].
pub fn decode_about(bytes: &[u8]) -> anyhow::Result<About> {
    let (about, _) = next(bytes)?;
    Ok(about_of(&about)?)
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

fn frames(selection: Selection) -> [DataFrame; 5] {
    let Selection { summary, daily, distribution, rhythm, destinations } = selection;
    [summary, daily, distribution, rhythm, destinations]
}

fn selection([summary, daily, distribution, rhythm, destinations]: [DataFrame; 5]) -> Selection {
    Selection { summary, daily, distribution, rhythm, destinations }
}

fn about_frame(about: &About) -> PolarsResult<DataFrame> {
    df![
        "origin" => [about.origin.as_str()],
        "place" => [about.place.as_str()],
        "flights" => [about.flights],
        "of" => [about.of],
        "fingerprint" => [about.fingerprint.as_str()],
    ]
}

fn about_of(frame: &DataFrame) -> PolarsResult<About> {
    let text = |name: &str| -> PolarsResult<String> {
        Ok(frame.column(name)?.str()?.get(0).unwrap_or_default().to_owned())
    };
    let number = |name: &str| -> PolarsResult<u32> {
        Ok(frame.column(name)?.u32()?.get(0).unwrap_or_default())
    };
    Ok(About {
        origin: text("origin")?,
        place: text("place")?,
        flights: number("flights")?,
        of: number("of")?,
        fingerprint: text("fingerprint")?,
    })
}

fn joined(frames: impl IntoIterator<Item = DataFrame>) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    for frame in frames {
        let mut stream = stream(frame)?;
        bytes.extend_from_slice(&(stream.len() as u64).to_le_bytes());
        bytes.append(&mut stream);
    }
    Ok(bytes.into())
}

fn split<const N: usize>(bytes: &[u8]) -> anyhow::Result<[DataFrame; N]> {
    let (mut frames, mut rest) = (Vec::with_capacity(N), bytes);
    while !rest.is_empty() {
        let (frame, after) = next(rest)?;
        frames.push(frame);
        rest = after;
    }
    let found = frames.len();
    frames.try_into().ok().with_context(|| format!("there are {found} frames where {N} belong"))
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
