//! An entry: bytes, when and by whom they were computed, and a checksum over all of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use sha2::{Digest, Sha256};

/// Begins every stored entry.
const MAGIC: &[u8; 3] = b"1FL";
/// The version of the layout below.
const VERSION: u8 = 1;
/// Magic, version, computed at (ms), compute (µs), worker, length: little-endian, then the checksum.
const FIELDS: usize = 4 + 8 + 8 + 2 + 8;
const CHECKSUM: usize = 32;
/// Bytes that stand before the value. They identify the entry, since the checksum is among them.
pub const HEADER: usize = FIELDS + CHECKSUM;

/// Which worker computed a value, when, and how long it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// When the value was ready, to the millisecond.
    pub computed_at: SystemTime,
    /// How long its computation took, to the microsecond.
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

/// What a stored text turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A sound entry.
    Entry(Entry),
    /// An entry of another version of the layout. It is another program's: it is not read and not
    /// removed.
    OtherVersion,
    /// An entry that was cut off or altered, or no entry at all.
    Damaged,
}

/// The header that a caller saw under a key, or nothing. A store gives a lease only while that is
/// still what it has, so nobody recomputes what was published in between.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen(Bytes);

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
    /// The stored form: header, then the value.
    pub fn encode(&self) -> Vec<u8> {
        let mut stored = Vec::with_capacity(HEADER + self.bytes.len());
        stored.extend_from_slice(MAGIC);
        stored.push(VERSION);
        stored.extend_from_slice(&self.stamp.computed_ms().to_le_bytes());
        stored.extend_from_slice(&(self.stamp.compute.as_micros() as u64).to_le_bytes());
        stored.extend_from_slice(&self.stamp.worker.to_le_bytes());
        stored.extend_from_slice(&(self.bytes.len() as u64).to_le_bytes());
        let checksum = checksum(&stored, &self.bytes);
        stored.extend_from_slice(&checksum);
        stored.extend_from_slice(&self.bytes);
        stored
    }

    /// Reads the stored form.
    pub fn decode(stored: &Bytes) -> Decoded {
        match stored.strip_prefix(MAGIC).and_then(|rest| rest.first()) {
            Some(&VERSION) => Self::read(stored).map_or(Decoded::Damaged, Decoded::Entry),
            Some(_) => Decoded::OtherVersion,
            None => Decoded::Damaged,
        }
    }

    fn read(stored: &Bytes) -> Option<Self> {
        let (fields, rest) = stored.split_at_checked(FIELDS)?;
        let (sum, bytes) = rest.split_at_checked(CHECKSUM)?;
        let number = |at: usize| {
            let bytes = fields.get(at..at + 8)?;
            Some(u64::from_le_bytes(bytes.try_into().ok()?))
        };
        let is_sound =
            number(22)? == bytes.len() as u64 && sum == checksum(fields, bytes).as_slice();
        let stamp = Stamp {
            computed_at: time(number(4)?),
            compute: Duration::from_micros(number(12)?),
            worker: u16::from_le_bytes(fields.get(20..22)?.try_into().ok()?),
        };
        is_sound.then(|| Self { stamp, bytes: stored.slice(HEADER..) })
    }
}

impl Seen {
    /// What identifies these stored bytes; empty for none.
    pub fn of(stored: &[u8]) -> Self {
        Self(Bytes::copy_from_slice(&stored[..stored.len().min(HEADER)]))
    }

    /// At most [`HEADER`] bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

fn time(ms: u64) -> SystemTime {
    UNIX_EPOCH.checked_add(Duration::from_millis(ms)).unwrap_or(UNIX_EPOCH)
}

fn checksum(fields: &[u8], bytes: &[u8]) -> [u8; CHECKSUM] {
    Sha256::new().chain_update(fields).chain_update(bytes).finalize().into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry() -> Entry {
        let compute = Duration::from_micros(1_234_567);
        Entry { stamp: Stamp::now(compute, 3), bytes: Bytes::from_static(b"four graphs") }
    }

    fn decode(stored: &[u8]) -> Decoded {
        Entry::decode(&Bytes::copy_from_slice(stored))
    }

    #[test]
    fn an_entry_with_any_byte_altered_is_not_read() {
        let stored = entry().encode();

        for at in 0..stored.len() {
            let mut altered = stored.clone();
            altered[at] ^= 1;
            let expected = if at == 3 { Decoded::OtherVersion } else { Decoded::Damaged };
            assert_eq!(decode(&altered), expected, "byte {at}");
        }
    }

    #[test]
    fn an_entry_cut_off_anywhere_is_damaged() {
        let stored = entry().encode();

        for length in 0..stored.len() {
            assert_eq!(decode(&stored[..length]), Decoded::Damaged, "length {length}");
        }
    }

    #[test]
    fn the_header_tells_two_entries_apart() {
        let one = entry();
        let other = Entry { bytes: Bytes::from_static(b"five graphs"), ..one.clone() };

        assert_ne!(Seen::of(&one.encode()), Seen::of(&other.encode()));
        assert_eq!(Seen::of(&[]), Seen::default());
    }

    proptest! {
        #[test]
        fn every_entry_survives_its_stored_form(
            bytes: Vec<u8>, ms in 0u64..1 << 45, micros in 0u64..1 << 45, worker: u16,
        ) {
            let (computed_at, compute) = (time(ms), Duration::from_micros(micros));
            let entry = Entry { stamp: Stamp { computed_at, compute, worker }, bytes: bytes.into() };

            prop_assert_eq!(decode(&entry.encode()), Decoded::Entry(entry));
        }

        #[test]
        fn arbitrary_bytes_are_no_entry_and_no_panic(bytes: Vec<u8>, is_ours: bool) {
            let stored = if is_ours { [&b"1FL\x01"[..], &bytes].concat() } else { bytes };

            prop_assert!(!matches!(decode(&stored), Decoded::Entry(_)));
        }
    }
}
