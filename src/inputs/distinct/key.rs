//! What tells tasks and users apart, as 128 bits.

use std::cmp::Ordering;
use std::hash::{BuildHasher, Hasher, RandomState};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::inputs::parquet::decode::{Ints, Strings, Values};

/// A task or a user. Four numbers and not one, so that what holds a key need not be padded to 16 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) struct Key([u32; 4]);

impl Key {
    /// The lower half.
    pub(in crate::inputs) fn low(self) -> u64 {
        let [a, b, ..] = self.0.map(u64::from);
        b << 32 | a
    }

    fn high(self) -> u64 {
        let [.., c, d] = self.0.map(u64::from);
        d << 32 | c
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.high(), self.low()).cmp(&(other.high(), other.low()))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Makes keys of texts. SipHash-1-3 with 128 bits under a random key: nobody can choose ids that collide, and that some do by
/// chance is less likely than that the machine adds up wrongly (for 10^9 ids, 1 in 10^20). So it counts as exact, and
/// results do not depend on the random key.
#[derive(Debug, Clone)]
pub(in crate::inputs) struct Keys(SipHasher13);

impl Keys {
    pub(in crate::inputs) fn random() -> Self {
        let word = |number: u64| RandomState::new().hash_one(number);
        Self(SipHasher13::new_with_keys(word(0), word(1)))
    }

    fn of(&self, text: &[u8]) -> Key {
        let mut hasher = self.0;
        hasher.write(text);
        let hash = hasher.finish128();
        let halves = |half: u64| [low(half), low(half >> 32)];
        let ([a, b], [c, d]) = (halves(hash.h1), halves(hash.h2));
        Key([a, b, c, d])
    }
}

fn low(bits: u64) -> u32 {
    u32::try_from(bits & 0xffff_ffff).expect("32 bits are left")
}

/// A column of ids.
pub(in crate::inputs) enum Ids {
    /// An integer is the text of its decimal digits: who writes 42 here and "42" there means the same.
    Ints(Ints),
    Strings(Strings),
}

/// What a row of a column of ids lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) enum Nameless {
    Null,
    Empty,
}

impl From<Values> for Ids {
    fn from(values: Values) -> Self {
        match values {
            Values::Ints(ints) => Self::Ints(ints),
            Values::Strings(strings) => Self::Strings(strings),
        }
    }
}

impl Ids {
    /// None where the row names a task or a user.
    pub(in crate::inputs) fn lacks(&self, row: usize) -> Option<Nameless> {
        match self {
            Self::Ints(ints) => ints.wide(row).is_none().then_some(Nameless::Null),
            Self::Strings(strings) => match strings.entry(row).and_then(|entry| strings.bytes(entry)) {
                None => Some(Nameless::Null),
                Some([]) => Some(Nameless::Empty),
                Some(_) => None,
            },
        }
    }

    /// The key of a row that lacks nothing.
    pub(in crate::inputs) fn key(&self, row: usize, keys: &Keys) -> Key {
        const JUDGED: &str = "the row lacks nothing";
        match self {
            Self::Ints(ints) => {
                let (value, mut digits) = (ints.wide(row).expect(JUDGED), itoa::Buffer::new());
                // Nearly all fit, and take half the time.
                let digits = match i64::try_from(value) {
                    Ok(value) => digits.format(value),
                    Err(_) => digits.format(value),
                };
                keys.of(digits.as_bytes())
            }
            Self::Strings(strings) => {
                let text = strings.entry(row).and_then(|entry| strings.bytes(entry));
                keys.of(text.expect(JUDGED))
            }
        }
    }
}
