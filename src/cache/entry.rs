//! An entry: bytes, when and by whom they were computed, and a checksum over all of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Begins every stored entry; the digit is the version of the layout below.
const MAGIC: &[u8; 4] = b"QDE1";
/// Magic, computed at (ms), compute (µs), worker, length: little-endian, then the checksum.
const HEADER: usize = 4 + 8 + 8 + 2 + 8;
const CHECKSUM: usize = 32;

/// Who computed a value, when, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// When the value was ready, to the millisecond.
    pub computed_at: SystemTime,
    /// How long its computation took.
    pub compute: Duration,
    /// Number of the worker that computed it.
    pub worker: u16,
}

/// A value as the stores keep it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its provenance.
    pub stamp: Stamp,
    /// The value.
    pub bytes: Bytes,
}

impl Stamp {
    /// The stamp of a value that this worker has just computed.
    pub fn now(compute: Duration, worker: u16) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // As exact as the stored form, so that a value is the same before and after.
        let compute = Duration::from_micros(compute.as_micros() as u64);
        Self { computed_at: time(now.as_millis() as u64), compute, worker }
    }

    /// When the value was ready, in milliseconds since 1970.
    pub fn computed_ms(&self) -> u64 {
        self.computed_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
    }
}

impl Entry {
    /// The stored form: header, checksum, value.
    pub fn encode(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(HEADER + CHECKSUM + self.bytes.len());
        stored.extend_from_slice(MAGIC);
        stored.extend_from_slice(&self.stamp.computed_ms().to_le_bytes());
        stored.extend_from_slice(&(self.stamp.compute.as_micros() as u64).to_le_bytes());
        stored.extend_from_slice(&self.stamp.worker.to_le_bytes());
        stored.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
        let checksum = checksum(&stored, &self.bytes);
        stored.extend_from_slice(&checksum);
        stored.extend_from_slice(&self.bytes);
        stored
    }

    /// Reads the stored form; `None` when it is cut off, altered, or of another version.
    pub fn decode(stored: Bytes) -> Option<Self> {
        let (header, rest) = stored.split_at_checked(HEADER)?;
        let (sum, bytes) = rest.split_at_checked(CHECKSUM)?;
        let (magic, fields) = header.split_at(MAGIC.len());
        let number = |at: usize| {
            let bytes = fields.get(at..at + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let sound = magic == MAGIC
            && number(18)? == bytes.len() as u64
            && sum == checksum(header, bytes).as_slice();
        let stamp = Stamp {
            computed_at: time(number(0)?),
            compute: Duration::from_micros(number(8)?),
            worker: u16::from_le_bytes(fields.get(16..18)?.try_into().ok()?),
        };
        sound.then(|| Self { stamp, bytes: stored.slice(HEADER + CHECKSUM..) })
    }
}

fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH)
}

fn checksum(header: &[u8], bytes: &[u8]) -> [u8; CHECKSUM] {
    Sha256::new().chain_update(header).chain_update(bytes).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        let compute = Duration::from_micros(1_234_567);
        Entry { stamp: Stamp::now(compute, 3), bytes: Bytes::from_static(b"four graphs") }
    }

    #[test]
    fn an_entry_survives_its_stored_form() {
        let read = Entry::decode(entry().encode().into()).unwrap();

        assert_eq!(read.bytes, entry().bytes);
        assert_eq!((read.stamp.compute, read.stamp.worker), (Duration::from_micros(1_234_567), 3));
    }

    #[test]
    fn an_entry_with_any_byte_altered_is_refused() {
        let stored = entry().encode();

        for at in 0..stored.len() {
            let mut altered = stored.clone();
            altered[at] ^= 1;
            assert_eq!(Entry::decode(altered.into()), None, "byte {at}");
        }
    }

    #[test]
    fn an_entry_cut_off_anywhere_is_refused() {
        let stored = entry().encode();

        for length in 0..stored.len() {
            assert_eq!(Entry::decode(stored[..length].to_vec().into()), None, "length {length}");
        }
    }
}
