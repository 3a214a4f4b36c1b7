//! A reader of Thrift's compact protocol that allocates nothing: what it reads, it reads in place.

use super::bounds::{MAX_LIST, MAX_THRIFT_DEPTH};

/// Why bytes are no Thrift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum ThriftError {
    /// The bytes end too early.
    #[error("it ends too early")]
    End,
    /// They mean nothing.
    #[error("it is malformed")]
    Malformed,
    /// It nests or counts beyond the bounds.
    #[error("it nests or counts beyond the bounds")]
    Absurd,
}

/// What a field or an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    True,
    False,
    I8,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Map,
    Struct,
    Uuid,
}

impl Kind {
    fn from_nibble(nibble: u8) -> Result<Self, ThriftError> {
        Ok(match nibble {
            1 => Self::True,
            2 => Self::False,
            3 => Self::I8,
            4 => Self::I16,
            5 => Self::I32,
            6 => Self::I64,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            13 => Self::Uuid,
            _ => return Err(ThriftError::Malformed),
        })
    }
}

/// A position in Thrift bytes.
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    /// The next field of a struct: its id and kind; None at the struct's end. `last` is the id of the field before.
    pub(super) fn field(&mut self, last: &mut i16) -> Result<Option<(i16, Kind)>, ThriftError> {
        let byte = self.byte()?;
        if byte == 0 {
            return Ok(None);
        }
        let kind = Kind::from_nibble(byte & 0x0f)?;
        let id = match byte >> 4 {
            0 => i16::try_from(self.zigzag()?).map_err(|_| ThriftError::Malformed)?,
            delta => last.checked_add(i16::from(delta)).ok_or(ThriftError::Malformed)?,
        };
        *last = id;
        Ok(Some((id, kind)))
    }

    /// The header of a list: how many elements of which kind. Every element takes at least one byte, so there are
    /// at most as many as bytes are left.
    pub(super) fn list(&mut self) -> Result<(usize, Kind), ThriftError> {
        let byte = self.byte()?;
        // Some writers give an empty list no element type.
        if byte == 0 {
            return Ok((0, Kind::I8));
        }
        let count = match byte >> 4 {
            15 => usize::try_from(self.varint()?).map_err(|_| ThriftError::Absurd)?,
            small => usize::from(small),
        };
        if count > MAX_LIST || count > self.bytes.len() - self.at {
            return Err(ThriftError::Absurd);
        }
        Ok((count, Kind::from_nibble(byte & 0x0f)?))
    }

    /// The number of a field that is one.
    pub(super) fn int(&mut self, kind: Kind) -> Result<i64, ThriftError> {
        match kind {
            Kind::I8 => Ok(i64::from(i8::from_le_bytes([self.byte()?]))),
            Kind::I16 | Kind::I32 | Kind::I64 => self.zigzag(),
            _ => Err(ThriftError::Malformed),
        }
    }

    /// As [`Self::int`], for numbers of 32 bits.
    pub(super) fn int32(&mut self, kind: Kind) -> Result<i32, ThriftError> {
        i32::try_from(self.int(kind)?).map_err(|_| ThriftError::Malformed)
    }

    /// Passes over a field's value; `depth` is how deep it nests already.
    pub(super) fn skip(&mut self, kind: Kind, depth: usize) -> Result<(), ThriftError> {
        if depth > MAX_THRIFT_DEPTH {
            return Err(ThriftError::Absurd);
        }
        match kind {
            Kind::True | Kind::False => Ok(()),
            Kind::I8 => self.advance(1),
            Kind::I16 | Kind::I32 | Kind::I64 => self.varint().map(drop),
            Kind::Double => self.advance(8),
            Kind::Uuid => self.advance(16),
            Kind::Binary => {
                let length = usize::try_from(self.varint()?).map_err(|_| ThriftError::Absurd)?;
                self.advance(length)
            }
            Kind::List => {
                let (count, kind) = self.list()?;
                (0..count).try_for_each(|_| self.skip_element(kind, depth + 1))
            }
            Kind::Map => self.skip_map(depth),
            Kind::Struct => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
        }
    }

    /// As [`Self::skip`], for an element of a list, where a boolean takes a byte of its own.
    pub(super) fn skip_element(&mut self, kind: Kind, depth: usize) -> Result<(), ThriftError> {
        match kind {
            Kind::True | Kind::False => self.advance(1),
            kind => self.skip(kind, depth),
        }
    }

    fn skip_map(&mut self, depth: usize) -> Result<(), ThriftError> {
        let count = usize::try_from(self.varint()?).map_err(|_| ThriftError::Absurd)?;
        if count == 0 {
            return Ok(());
        }
        let kinds = self.byte()?;
        let (key, value) = (Kind::from_nibble(kinds >> 4)?, Kind::from_nibble(kinds & 0x0f)?);
        // Every key takes at least a byte, so this ends with the bytes.
        for _ in 0..count {
            self.skip_element(key, depth + 1)?;
            self.skip_element(value, depth + 1)?;
        }
        Ok(())
    }

    fn byte(&mut self) -> Result<u8, ThriftError> {
        let byte = *self.bytes.get(self.at).ok_or(ThriftError::End)?;
        self.at += 1;
        Ok(byte)
    }

    fn advance(&mut self, count: usize) -> Result<(), ThriftError> {
        if count > self.bytes.len() - self.at {
            return Err(ThriftError::End);
        }
        self.at += count;
        Ok(())
    }

    fn varint(&mut self) -> Result<u64, ThriftError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(ThriftError::Malformed)
    }

    fn zigzag(&mut self) -> Result<i64, ThriftError> {
        let value = self.varint()?;
        Ok((value >> 1).cast_signed() ^ -((value & 1).cast_signed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_lists_and_numbers() {
        // 1: i32 = -1, 3: list of two i32 (1, 2), 4: bool true, then a field with a long id, 300: i8 = 5.
        let bytes = [0x15, 0x01, 0x29, 0x25, 0x02, 0x04, 0x11, 0x03, 0xd8, 0x04, 0x05, 0x00];
        let mut thrift = Thrift::new(&bytes);
        let mut last = 0;
        assert_eq!(thrift.field(&mut last), Ok(Some((1, Kind::I32))));
        assert_eq!(thrift.int32(Kind::I32), Ok(-1));
        assert_eq!(thrift.field(&mut last), Ok(Some((3, Kind::List))));
        assert_eq!(thrift.list(), Ok((2, Kind::I32)));
        assert_eq!(thrift.int(Kind::I32), Ok(1));
        assert_eq!(thrift.int(Kind::I32), Ok(2));
        assert_eq!(thrift.field(&mut last), Ok(Some((4, Kind::True))));
        assert_eq!(thrift.field(&mut last), Ok(Some((300, Kind::I8))));
        assert_eq!(thrift.int(Kind::I8), Ok(5));
        assert_eq!(thrift.field(&mut last), Ok(None));
        assert_eq!(thrift.position(), bytes.len());
        let mut whole = Thrift::new(&bytes);
        assert_eq!(whole.skip(Kind::Struct, 0), Ok(()));
        assert_eq!(whole.position(), bytes.len());
    }

    #[test]
    fn hostile_bytes_are_errors() {
        let cases: [(&str, &[u8], ThriftError); 5] = [
            (
                "a list longer than the bytes",
                &[0x19, 0xf5, 0xff, 0xff, 0x03],
                ThriftError::Absurd,
            ),
            ("a string longer than the bytes", &[0x18, 0x7f], ThriftError::End),
            ("no end", &[0x15], ThriftError::End),
            ("an unknown kind", &[0x1f], ThriftError::Malformed),
            (
                "a number of eleven bytes",
                &[0x16, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
                ThriftError::Malformed,
            ),
        ];
        for (what, bytes, error) in cases {
            assert_eq!(Thrift::new(bytes).skip(Kind::Struct, 0), Err(error), "{what}");
        }
        let nested = [0x1c; 1_000_000];
        assert_eq!(Thrift::new(&nested).skip(Kind::Struct, 0), Err(ThriftError::Absurd));
    }
}
