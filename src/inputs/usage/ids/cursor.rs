//! The pages of a column chunk, opened one after the other.

use bytes::Bytes;
use parquet::basic::{CompressionCodec, Encoding, Type};

use super::delta::Delta;
use super::hybrid::{Bits, Hybrid};
use super::plain::{IntBytes, split_string};
use super::stop::{BLOCK_ROWS, MAX_DISTINCT, Stop};
use crate::inputs::parquet::bounds::LARGE_PAGE_BYTES;
use crate::inputs::parquet::chunk::Chunk;
use crate::inputs::parquet::chunk::to_usize;
use crate::inputs::parquet::decompress::decompress;
use crate::inputs::parquet::page_header::{PageHeader, PageKind};
use crate::inputs::parquet::pages::Pages;

/// A place in a column chunk.
pub(super) struct Cursor {
    pages: Pages,
    chunk: Chunk,
    /// The open page: its values and, in version 1, its levels before them.
    page: Page,
    /// None: no nulls in what is left of the page.
    levels: Option<Hybrid>,
    level_bytes: Vec<u8>,
    values: Values,
    rows_left: usize,
}

/// The bytes of a page.
struct Page {
    /// As the file has them.
    stored: Bytes,
    /// Decompressed; used again from page to page and from chunk to chunk.
    decompressed: Vec<u8>,
    is_decompressed: bool,
}

/// How the values of the open page are stored.
enum Values {
    Indices(Hybrid),
    Plain { at: usize },
    Delta(Delta),
}

/// What has been opened.
pub(super) enum Opened {
    /// A dictionary page of so many values, in [`Cursor::bytes`].
    Dictionary(usize),
    /// A data page.
    Data,
}

/// Whether values are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presence {
    All,
    None,
    Mixed,
}

impl Cursor {
    /// A cursor before the first page. `buffer` is a used one, if there is one.
    pub(super) fn new(pages: Pages, chunk: Chunk, buffer: Vec<u8>) -> Self {
        Self {
            pages,
            chunk,
            page: Page {
                stored: Bytes::new(),
                decompressed: buffer,
                is_decompressed: false,
            },
            levels: None,
            level_bytes: Vec::new(),
            values: Values::Plain { at: 0 },
            rows_left: 0,
        }
    }

    /// The buffer, for the next chunk; not when a page has made it large.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        if self.page.decompressed.capacity() > LARGE_PAGE_BYTES {
            return Vec::new();
        }
        self.page.decompressed
    }

    /// Rows left in the open page.
    pub(super) fn rows_left(&self) -> usize {
        self.rows_left
    }

    /// The bytes of the open page.
    pub(super) fn bytes(&self) -> &[u8] {
        self.page.bytes()
    }

    /// Bytes of a plain integer.
    pub(super) fn int_bytes(&self) -> Result<IntBytes, Stop> {
        match self.chunk.physical {
            Type::INT32 => Ok(IntBytes::Four),
            Type::INT64 => Ok(IntBytes::Eight),
            _ => Err(Stop::GiveUp),
        }
    }

    /// Makes sure that nothing follows the last row.
    pub(super) fn end(&mut self) -> Result<(), Stop> {
        match self.pages.next_stored()? {
            None if self.rows_left == 0 => Ok(()),
            _ => Err(Stop::GiveUp),
        }
    }

    /// Opens the next page.
    pub(super) fn open(&mut self) -> Result<Opened, Stop> {
        let (header, body) = self.pages.next_stored()?.ok_or(Stop::GiveUp)?;
        match header.kind {
            PageKind::Other => Err(Stop::GiveUp),
            PageKind::Dictionary { values, encoding, .. } => {
                let is_plain = matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY);
                if !is_plain || to_usize(values) > MAX_DISTINCT {
                    return Err(Stop::GiveUp);
                }
                self.page.set(self.chunk.codec, body, header.uncompressed)?;
                Ok(Opened::Dictionary(to_usize(values)))
            }
            PageKind::Data {
                values,
                encoding,
                def_levels,
                ..
            } => {
                self.page.set(self.chunk.codec, body, header.uncompressed)?;
                if self.chunk.nullable && def_levels != Encoding::RLE {
                    return Err(Stop::GiveUp);
                }
                let levels = self.chunk.levels_v1(self.page.bytes(), def_levels)?;
                if self.chunk.nullable {
                    let stored = self.page.bytes().get(4..levels).ok_or(Stop::GiveUp)?;
                    self.level_bytes.clear();
                    self.level_bytes.extend_from_slice(stored);
                }
                self.begin(encoding, levels, to_usize(values))
            }
            PageKind::DataV2 {
                values,
                nulls,
                encoding,
                def_bytes,
                rep_bytes,
                compressed,
                ..
            } => {
                let levels = to_usize(def_bytes);
                if rep_bytes > 0 {
                    return Err(Stop::GiveUp);
                }
                self.level_bytes.clear();
                self.level_bytes.extend_from_slice(&body[..levels]);
                let codec = if compressed {
                    self.chunk.codec
                } else {
                    CompressionCodec::UNCOMPRESSED
                };
                self.page.set(codec, body.slice(levels..), values_of(&header, levels))?;
                self.begin(encoding, 0, to_usize(values))?;
                // The page's header and its levels both say how many nulls there are: they must agree.
                if to_usize(nulls) != self.nulls()? {
                    return Err(Stop::GiveUp);
                }
                Ok(Opened::Data)
            }
        }
    }

    fn begin(&mut self, encoding: Encoding, at: usize, rows: usize) -> Result<Opened, Stop> {
        self.levels = None;
        if self.chunk.nullable {
            let mut levels = Hybrid::new(1, 0)?;
            let all_there = rows == 0
                || levels
                    .repeated(&self.level_bytes)?
                    .is_some_and(|run| run.0 == 1 && run.1 >= rows);
            self.levels = (!all_there).then_some(levels);
        }
        let bytes = self.page.bytes();
        self.values = match encoding {
            Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY => {
                // A page of nulls may have no values, and not even their width.
                let width = bytes.get(at).copied().unwrap_or(0);
                Values::Indices(Hybrid::new(usize::from(width), at + 1)?)
            }
            Encoding::PLAIN => Values::Plain { at },
            Encoding::DELTA_BINARY_PACKED => {
                let width = self.int_bytes()?;
                Values::Delta(Delta::new(bytes, at, width)?)
            }
            _ => return Err(Stop::GiveUp),
        };
        self.rows_left = rows;
        Ok(Opened::Data)
    }

    /// How many of the open page's values are null.
    fn nulls(&self) -> Result<usize, Stop> {
        let Some(mut levels) = self.levels.clone() else {
            return Ok(0);
        };
        let (mut bits, mut left, mut nulls) = (Bits::default(), self.rows_left, 0);
        while left > 0 {
            let now = left.min(BLOCK_ROWS);
            levels.fill_bits(&self.level_bytes, now, &mut bits)?;
            nulls += now - bits.ones();
            left -= now;
        }
        Ok(nulls)
    }

    /// Which values are there from here on, and for how many rows that holds at least.
    pub(super) fn presence(&mut self) -> Result<(Presence, usize), Stop> {
        let Some(levels) = &mut self.levels else {
            return Ok((Presence::All, self.rows_left));
        };
        Ok(match levels.repeated(&self.level_bytes)? {
            Some((1, rows)) => (Presence::All, rows.min(self.rows_left)),
            Some((0, rows)) => (Presence::None, rows.min(self.rows_left)),
            Some(_) => return Err(Stop::GiveUp),
            None => (Presence::Mixed, self.rows_left),
        })
    }

    /// Passes over the levels of rows whose [`presence`](Self::presence) is not mixed.
    pub(super) fn pass(&mut self, rows: usize) {
        if let Some(levels) = &mut self.levels {
            levels.pass(rows);
        }
        self.rows_left -= rows;
    }

    /// The levels of rows: 1 where there is a value.
    pub(super) fn levels(&mut self, rows: usize, out: &mut Bits) -> Result<(), Stop> {
        let levels = self.levels.as_mut().ok_or(Stop::GiveUp)?;
        levels.fill_bits(&self.level_bytes, rows, out)?;
        self.rows_left -= rows;
        Ok(())
    }

    /// Whether the page holds dictionary indices.
    pub(super) fn has_indices(&self) -> bool {
        matches!(self.values, Values::Indices(_))
    }

    /// Whether the page holds deltas.
    pub(super) fn has_deltas(&self) -> bool {
        matches!(self.values, Values::Delta(_))
    }

    /// Bits of an index: none is larger.
    pub(super) fn index_bits(&self) -> usize {
        match &self.values {
            Values::Indices(indices) => indices.bits(),
            Values::Plain { .. } | Values::Delta(_) => usize::MAX,
        }
    }

    /// The index that repeats here, and how often, if one does.
    pub(super) fn repeated_index(&mut self) -> Result<Option<(u32, usize)>, Stop> {
        match &mut self.values {
            Values::Indices(indices) => indices.repeated(self.page.bytes()),
            Values::Plain { .. } | Values::Delta(_) => Ok(None),
        }
    }

    /// Passes over indices that [`repeated_index`](Self::repeated_index) told of.
    pub(super) fn pass_indices(&mut self, count: usize) {
        if let Values::Indices(indices) = &mut self.values {
            indices.pass(count);
        }
    }

    /// The next dictionary indices.
    pub(super) fn indices(&mut self, out: &mut [u32]) -> Result<(), Stop> {
        match &mut self.values {
            Values::Indices(indices) => indices.fill(self.page.bytes(), out),
            Values::Plain { .. } | Values::Delta(_) => Err(Stop::GiveUp),
        }
    }

    /// Which of the next dictionary indices are not `usual`: as [`Hybrid::find_others`].
    pub(super) fn find_others(
        &mut self,
        rows: (usize, usize),
        usual: u32,
        found: &mut Vec<(usize, u32)>,
    ) -> Result<(), Stop> {
        match &mut self.values {
            Values::Indices(indices) => indices.find_others(self.page.bytes(), rows, usual, found),
            Values::Plain { .. } | Values::Delta(_) => Err(Stop::GiveUp),
        }
    }

    /// The next integer, where integers are stored as deltas.
    pub(super) fn peek_delta(&self) -> Result<Option<i64>, Stop> {
        match &self.values {
            Values::Delta(delta) => delta.peek(self.page.bytes()),
            Values::Indices(_) | Values::Plain { .. } => Ok(None),
        }
    }

    /// As [`Delta::pass_within`].
    pub(super) fn pass_within(&mut self, range: (i64, i64), count: usize) -> Result<usize, Stop> {
        match &mut self.values {
            Values::Delta(delta) => delta.pass_within(self.page.bytes(), range, count),
            Values::Indices(_) | Values::Plain { .. } => Ok(0),
        }
    }

    /// The next integers, 32-bit ones with their sign.
    pub(super) fn ints(&mut self, out: &mut [i64]) -> Result<(), Stop> {
        let width = self.int_bytes()?;
        match &mut self.values {
            Values::Indices(_) => Err(Stop::GiveUp),
            Values::Delta(delta) => delta.fill(self.page.bytes(), out),
            Values::Plain { at } => {
                let length = width.bytes() * out.len();
                let stored = self.page.bytes().get(*at..*at + length).ok_or(Stop::GiveUp)?;
                *at += length;
                width.read(stored, out.iter_mut());
                Ok(())
            }
        }
    }

    /// The next plain string.
    pub(super) fn string(&mut self) -> Result<&[u8], Stop> {
        let (Values::Plain { at }, Type::BYTE_ARRAY) = (&mut self.values, self.chunk.physical) else {
            return Err(Stop::GiveUp);
        };
        let (string, _) = split_string(self.page.bytes().get(*at..).ok_or(Stop::GiveUp)?)?;
        *at += 4 + string.len();
        Ok(string)
    }
}

impl Page {
    fn set(&mut self, codec: CompressionCodec, stored: Bytes, size: usize) -> Result<(), Stop> {
        self.is_decompressed = codec != CompressionCodec::UNCOMPRESSED;
        if self.is_decompressed {
            self.decompressed.clear();
            if size > 0 {
                decompress(codec, &stored, size, &mut self.decompressed).map_err(|_| Stop::GiveUp)?;
            }
        }
        self.stored = stored;
        Ok(())
    }

    fn bytes(&self) -> &[u8] {
        if self.is_decompressed {
            &self.decompressed
        } else {
            &self.stored
        }
    }
}

fn values_of(header: &PageHeader, levels: usize) -> usize {
    // `Pages` has checked that the levels are not larger than the page.
    header.uncompressed - levels
}
