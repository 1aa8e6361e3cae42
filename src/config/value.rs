//! Settings as their users write them, and what they mean. Each error says what is needed.

use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU16, NonZeroU32};
use std::time::Duration;

use tracing_subscriber::EnvFilter;

use super::{RedisUrl, Secret};

/// The longest duration that a setting may have, ten years: Redis counts milliseconds in 64 bits.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 3600);

/// The most workers: beyond it, a typing error is more likely than a machine of that size.
const WORKERS: NonZeroU16 = NonZeroU16::new(256).expect("it is not zero");

pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    let needed = "an IP address such as 127.0.0.1 or 0.0.0.0 is needed";
    text.parse().map_err(|_| match is_name(text) {
        true => format!("this is the name of a machine; {needed}"),
        false => needed.to_owned(),
    })
}

/// Whether a text can be the name of a machine. A name may have several addresses, and none of them
/// need be ours.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-.".contains(&byte);
    text.bytes().all(is_part) && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

pub(super) fn workers(text: &str) -> Result<NonZeroU16, String> {
    let workers = text.parse().ok().filter(|workers| *workers <= WORKERS);
    workers.ok_or_else(|| format!("a number of processes from 1 to {WORKERS} is needed"))
}

/// Nothing, the default, is no Redis.
pub(super) fn redis_url(text: &str) -> Result<RedisUrl, String> {
    if text.is_empty() { Ok(RedisUrl(None)) } else { text.parse().map(|it| RedisUrl(Some(it))) }
}

/// Letters, digits, `-` and `_`: safe in a file name, and no part of a longer prefix.
pub(super) fn prefix(text: &str) -> Result<String, String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if (1..=64).contains(&text.len()) && text.bytes().all(is_plain) {
        return Ok(text.to_owned());
    }
    Err("1 to 64 letters, digits, - or _ are needed".to_owned())
}

/// Empty for none, as above.
pub(super) fn session_key(text: &str) -> Result<Secret, String> {
    if text.is_empty() { Ok(Secret(None)) } else { text.parse().map(|key| Secret(Some(key))) }
}

pub(super) fn sessions(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "a number of sessions, 1 at least, is needed".to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let needed = "a duration such as 3s, 250ms or 24h, of ten years at most, is needed";
    let duration = humantime::parse_duration(text).map_err(|_| needed.to_owned())?;
    if duration > LONGEST { Err(needed.to_owned()) } else { Ok(duration) }
}

pub(super) fn lifetime(text: &str) -> Result<Duration, String> {
    let duration = duration(text)?;
    if duration < Duration::from_millis(1) {
        return Err("it must be 1ms at least".to_owned());
    }
    Ok(duration)
}

pub(super) fn size(text: &str) -> Result<u64, String> {
    let size: Result<bytesize::ByteSize, _> = text.parse();
    let needed = "a size such as 256MiB or 1GiB is needed";
    size.map(|size| size.as_u64()).map_err(|_| needed.to_owned())
}

pub(super) fn filter(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("a filter such as debug is needed".to_owned());
    }
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}
