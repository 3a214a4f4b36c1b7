//! Page headers, read by ourselves: the parquet crate allocates what a header claims before it checks anything.

use parquet::basic::Encoding;

use super::thrift::{Kind, Thrift, ThriftError};

/// A page header, sizes checked to be not negative.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inputs) struct PageHeader {
    /// Bytes of the page in the file, without the header.
    pub compressed: usize,
    /// Bytes of the page once decompressed.
    pub uncompressed: usize,
    /// CRC-32 of the page in the file, where the writer gave it.
    pub crc: Option<u32>,
    /// What kind of page.
    pub kind: PageKind,
}

/// For structs without a boolean.
const NO_FLAG: i16 = -1;

/// What kind of page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::inputs) enum PageKind {
    /// Values that indices refer to.
    Dictionary {
        values: u32,
        encoding: Encoding,
        sorted: bool,
    },
    /// Version 1: levels and values compressed together.
    Data {
        values: u32,
        encoding: Encoding,
        def_levels: Encoding,
        rep_levels: Encoding,
    },
    /// Version 2: levels in front, not compressed.
    DataV2 {
        values: u32,
        nulls: u32,
        rows: u32,
        encoding: Encoding,
        def_bytes: u32,
        rep_bytes: u32,
        compressed: bool,
    },
    /// Something to pass over.
    Other,
}

impl PageHeader {
    /// Reads the header at the start of `bytes`, and says how long it is.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, usize), ThriftError> {
        let mut thrift = Thrift::new(bytes);
        let (mut page_type, mut uncompressed, mut compressed, mut crc) = (None, None, None, None);
        let (mut data, mut dictionary, mut data_v2) = (None, None, None);
        let (mut last, mut seen) = (0, 0_u16);
        while let Some((id, kind)) = thrift.field(&mut last)? {
            if let Some(bit) = u32::try_from(id).ok().and_then(|id| 1_u16.checked_shl(id)) {
                if seen & bit != 0 {
                    return Err(ThriftError::Malformed);
                }
                seen |= bit;
            }
            match id {
                1 => page_type = Some(thrift.int32(kind)?),
                2 => uncompressed = Some(size(thrift.int32(kind)?)?),
                3 => compressed = Some(size(thrift.int32(kind)?)?),
                4 => crc = Some(thrift.int32(kind)?.cast_unsigned()),
                5 => data = Some(read_data(&mut thrift, kind)?),
                7 => dictionary = Some(read_dictionary(&mut thrift, kind)?),
                8 => data_v2 = Some(read_data_v2(&mut thrift, kind)?),
                _ => thrift.skip(kind, 1)?,
            }
        }
        let kind = match page_type {
            Some(0) => data,
            Some(1) => Some(PageKind::Other),
            Some(2) => dictionary,
            Some(3) => data_v2,
            _ => None,
        };
        let header = Self {
            compressed: compressed.ok_or(ThriftError::Malformed)?,
            uncompressed: uncompressed.ok_or(ThriftError::Malformed)?,
            crc,
            kind: kind.ok_or(ThriftError::Malformed)?,
        };
        Ok((header, thrift.position()))
    }
}

/// The numbers of a struct's first fields, by id; that of id `flag` is a boolean, given as 0 or 1.
fn read_numbers(thrift: &mut Thrift<'_>, kind: Kind, flag: i16) -> Result<[Option<i32>; 9], ThriftError> {
    if kind != Kind::Struct {
        return Err(ThriftError::Malformed);
    }
    let mut numbers = [None; 9];
    let mut last = 0;
    while let Some((id, kind)) = thrift.field(&mut last)? {
        let number = match kind {
            Kind::True if id == flag => Some(1),
            Kind::False if id == flag => Some(0),
            Kind::I32 if id != flag => Some(thrift.int32(kind)?),
            // A field that we know, as something else than it is.
            Kind::True | Kind::False | Kind::I8 | Kind::I16 | Kind::I32 if id < 8 => {
                return Err(ThriftError::Malformed);
            }
            kind => {
                thrift.skip(kind, 2)?;
                None
            }
        };
        if let Some(slot) = usize::try_from(id).ok().and_then(|id| numbers.get_mut(id)) {
            // Each field comes once: two that differ could be read either way.
            if slot.is_some() {
                return Err(ThriftError::Malformed);
            }
            *slot = number;
        }
    }
    Ok(numbers)
}

fn read_data(thrift: &mut Thrift<'_>, kind: Kind) -> Result<PageKind, ThriftError> {
    let [_, values, encoding, def_levels, rep_levels, ..] = read_numbers(thrift, kind, NO_FLAG)?;
    Ok(PageKind::Data {
        values: count(values)?,
        encoding: to_encoding(encoding)?,
        def_levels: to_encoding(def_levels)?,
        rep_levels: to_encoding(rep_levels)?,
    })
}

fn read_dictionary(thrift: &mut Thrift<'_>, kind: Kind) -> Result<PageKind, ThriftError> {
    let [_, values, encoding, sorted, ..] = read_numbers(thrift, kind, 3)?;
    Ok(PageKind::Dictionary {
        values: count(values)?,
        encoding: to_encoding(encoding)?,
        sorted: sorted == Some(1),
    })
}

fn read_data_v2(thrift: &mut Thrift<'_>, kind: Kind) -> Result<PageKind, ThriftError> {
    let [_, values, nulls, rows, encoding, def_bytes, rep_bytes, compressed, ..] = read_numbers(thrift, kind, 7)?;
    Ok(PageKind::DataV2 {
        values: count(values)?,
        nulls: count(nulls)?,
        rows: count(rows)?,
        encoding: to_encoding(encoding)?,
        def_bytes: count(def_bytes)?,
        rep_bytes: count(rep_bytes)?,
        compressed: compressed != Some(0),
    })
}

fn size(value: i32) -> Result<usize, ThriftError> {
    usize::try_from(value).map_err(|_| ThriftError::Malformed)
}

fn count(value: Option<i32>) -> Result<u32, ThriftError> {
    value
        .and_then(|value| u32::try_from(value).ok())
        .ok_or(ThriftError::Malformed)
}

fn to_encoding(value: Option<i32>) -> Result<Encoding, ThriftError> {
    Ok(match value {
        Some(0) => Encoding::PLAIN,
        Some(2) => Encoding::PLAIN_DICTIONARY,
        Some(3) => Encoding::RLE,
        #[expect(deprecated, reason = "old files have it, and the parquet crate reads it")]
        Some(4) => Encoding::BIT_PACKED,
        Some(5) => Encoding::DELTA_BINARY_PACKED,
        Some(6) => Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Some(7) => Encoding::DELTA_BYTE_ARRAY,
        Some(8) => Encoding::RLE_DICTIONARY,
        Some(9) => Encoding::BYTE_STREAM_SPLIT,
        _ => return Err(ThriftError::Malformed),
    })
}
