//! PLAIN values: integers and strings.

use super::stop::Stop;
use crate::inputs::parquet::chunk::to_usize;

/// How wide plain integers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntBytes {
    Four,
    Eight,
}

impl IntBytes {
    /// The same as a number.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// Whether an integer fits.
    pub(super) fn holds(self, value: i64) -> bool {
        self == Self::Eight || i32::try_from(value).is_ok()
    }

    /// Plain integers, 32-bit ones with their sign.
    pub(super) fn read<'a>(self, stored: &[u8], out: impl Iterator<Item = &'a mut i64>) {
        match self {
            Self::Four => out
                .zip(stored.as_chunks::<4>().0)
                .for_each(|(out, bytes)| *out = i64::from(i32::from_le_bytes(*bytes))),
            Self::Eight => out
                .zip(stored.as_chunks::<8>().0)
                .for_each(|(out, bytes)| *out = i64::from_le_bytes(*bytes)),
        }
    }
}

/// The string that `bytes` begin with, and what follows.
pub(super) fn split_string(bytes: &[u8]) -> Result<(&[u8], &[u8]), Stop> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(Stop::GiveUp)?;
    rest.split_at_checked(to_usize(u32::from_le_bytes(*length)))
        .ok_or(Stop::GiveUp)
}
