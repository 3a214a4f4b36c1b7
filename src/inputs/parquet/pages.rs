//! The pages of one column chunk, read and checked by ourselves; for the Arrow decoders decompressed, too.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use parquet::basic::{CompressionCodec, Encoding};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::bounds::{LARGE_PAGE_BYTES, MAX_PAGE_BYTES, MAX_PAGE_HEADER_BYTES, MAX_PAGE_VALUES, WINDOW_BYTES};
use super::chunk::{Chunk, FaultSlot, to_usize};
use super::decompress::decompress;
use super::error::Fault;
use super::group_bytes::GroupBytes;
use super::large_pages::LargePagePermit;
use super::page_checks::{check_dictionary, check_values};
use super::page_header::{PageHeader, PageKind};
use super::thrift::ThriftError;

/// How far into a chunk a header is looked for at first; nearly all are far shorter.
const USUAL_HEADER_BYTES: u64 = 8 << 10;

/// Reads the pages of a chunk one after the other.
pub(in crate::inputs) struct Pages {
    source: Arc<GroupBytes>,
    chunk: Chunk,
    at: u64,
    window: Bytes,
    window_start: u64,
    values_left: u64,
    seen_dictionary: bool,
    seen_data: bool,
    fault: FaultSlot,
    permit: LargePagePermit,
}

impl Pages {
    /// `window` holds the bytes of the file from `window_start` on, as far as they have been fetched already.
    pub(super) fn new(
        source: Arc<GroupBytes>,
        chunk: Chunk,
        (window_start, window): (u64, Bytes),
        fault: FaultSlot,
        permit: LargePagePermit,
    ) -> Self {
        Self {
            source,
            at: chunk.start,
            window,
            window_start,
            values_left: chunk.values,
            chunk,
            seen_dictionary: false,
            seen_data: false,
            fault,
            permit,
        }
    }

    /// Bytes of the chunk from `at` on, `length` of them or up to the chunk's end.
    fn bytes(&mut self, at: u64, length: u64) -> std::result::Result<Bytes, Fault> {
        let end = at.saturating_add(length).min(self.chunk.end);
        if at < self.window_start || end > self.window_start + to_u64(self.window.len()) {
            let window_end = end.max(at.saturating_add(WINDOW_BYTES)).min(self.chunk.end);
            self.window = Bytes::new();
            self.window = self.source.read(at..window_end)?;
            self.window_start = at;
        }
        let within = |offset: u64| usize::try_from(offset - self.window_start).map_err(|_| Fault::bad("too large"));
        Ok(self.window.slice(within(at)?..within(end)?))
    }

    fn header(&mut self) -> std::result::Result<PageHeader, Fault> {
        let mut length = USUAL_HEADER_BYTES;
        loop {
            let bytes = self.bytes(self.at, length)?;
            match PageHeader::read(&bytes) {
                Ok((header, used)) => {
                    self.at += to_u64(used);
                    return Ok(header);
                }
                // Statistics of long strings make long headers.
                Err(ThriftError::End) if length < MAX_PAGE_HEADER_BYTES && to_u64(bytes.len()) == length => {
                    length = MAX_PAGE_HEADER_BYTES;
                }
                Err(error) => return Err(Fault::bad(format!("a page header cannot be read: {error}"))),
            }
        }
    }

    fn check_header(&self, header: &PageHeader) -> std::result::Result<(), Fault> {
        if to_u64(header.compressed) > self.chunk.end - self.at {
            return Err(Fault::bad(
                "a page reaches beyond its column: the file is truncated or corrupt",
            ));
        }
        let larger = header.compressed.max(header.uncompressed);
        if larger > MAX_PAGE_BYTES {
            return Err(Fault::bad(format!(
                "a page of {larger} bytes, and at most {MAX_PAGE_BYTES} are read: write the file with smaller pages"
            )));
        }
        let values = match header.kind {
            PageKind::Data { values, .. } => values,
            PageKind::DataV2 {
                values,
                nulls,
                def_bytes,
                rep_bytes,
                ..
            } => {
                let levels = usize::try_from(u64::from(def_bytes) + u64::from(rep_bytes));
                if levels.is_ok_and(|levels| levels > header.uncompressed || levels > header.compressed) {
                    return Err(Fault::bad("a page's levels are larger than the page"));
                }
                if nulls > values {
                    return Err(Fault::bad(format!("a page claims {nulls} nulls among {values} values")));
                }
                values
            }
            PageKind::Dictionary { .. } if self.seen_dictionary || self.seen_data => {
                return Err(Fault::bad("a dictionary that is not the first page"));
            }
            PageKind::Dictionary { .. } | PageKind::Other => 0,
        };
        if values > MAX_PAGE_VALUES || u64::from(values) > self.values_left {
            return Err(Fault::bad(format!(
                "a page claims {values} values, but {} are left in the row group",
                self.values_left
            )));
        }
        if larger > LARGE_PAGE_BYTES {
            (self.permit)();
        }
        Ok(())
    }

    /// The next page as it is in the file, its header checked; None at the end, when all values have been there.
    pub(in crate::inputs) fn next_stored(&mut self) -> std::result::Result<Option<(PageHeader, Bytes)>, Fault> {
        while self.at < self.chunk.end {
            let header = self.header()?;
            self.check_header(&header)?;
            let body = self.bytes(self.at, to_u64(header.compressed))?;
            self.at += to_u64(header.compressed);
            if header.crc.is_some_and(|crc| crc != crc32fast::hash(&body)) {
                return Err(Fault::bad("a page's checksum does not match: the file is corrupt"));
            }
            match header.kind {
                PageKind::Other => continue,
                PageKind::Dictionary { .. } => self.seen_dictionary = true,
                PageKind::Data { values, encoding, .. } | PageKind::DataV2 { values, encoding, .. } => {
                    let indices = matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
                    if indices && !self.seen_dictionary {
                        return Err(Fault::bad("a page refers to a dictionary that is not there"));
                    }
                    self.seen_data = true;
                    self.values_left -= u64::from(values);
                }
            }
            return Ok(Some((header, body)));
        }
        if self.values_left > 0 {
            return Err(Fault::bad(format!("its pages end {} values early", self.values_left)));
        }
        Ok(None)
    }

    fn next(&mut self) -> std::result::Result<Option<Page>, Fault> {
        let Some((header, body)) = self.next_stored()? else {
            return Ok(None);
        };
        self.page(&header, &body)
    }

    fn page(&self, header: &PageHeader, body: &Bytes) -> std::result::Result<Option<Page>, Fault> {
        let physical = self.chunk.physical;
        Ok(match header.kind {
            PageKind::Other => None,
            PageKind::Dictionary {
                values,
                encoding,
                sorted,
            } => {
                let buf = self.decompressed(body, header.uncompressed, 0, true)?;
                check_dictionary(physical, &buf, to_usize(values)).map_err(Fault::Bad)?;
                Some(Page::DictionaryPage {
                    buf,
                    num_values: values,
                    encoding,
                    is_sorted: sorted,
                })
            }
            PageKind::Data {
                values,
                encoding,
                def_levels,
                rep_levels,
            } => {
                let buf = self.decompressed(body, header.uncompressed, 0, true)?;
                self.check_data(&buf, self.chunk.levels_v1(&buf, def_levels)?, encoding, values)?;
                Some(Page::DataPage {
                    buf,
                    num_values: values,
                    encoding,
                    def_level_encoding: def_levels,
                    rep_level_encoding: rep_levels,
                    statistics: None,
                })
            }
            PageKind::DataV2 {
                values,
                nulls,
                rows,
                encoding,
                def_bytes,
                rep_bytes,
                compressed,
            } => {
                let levels = to_usize(def_bytes) + to_usize(rep_bytes);
                let buf = self.decompressed(body, header.uncompressed, levels, compressed)?;
                self.check_data(&buf, levels, encoding, values)?;
                Some(Page::DataPageV2 {
                    buf,
                    num_values: values,
                    encoding,
                    num_nulls: nulls,
                    num_rows: rows,
                    def_levels_byte_len: def_bytes,
                    rep_levels_byte_len: rep_bytes,
                    is_compressed: compressed,
                    statistics: None,
                })
            }
        })
    }

    /// The page with everything after `levels` bytes decompressed.
    fn decompressed(
        &self,
        body: &Bytes,
        size: usize,
        levels: usize,
        compressed: bool,
    ) -> std::result::Result<Bytes, Fault> {
        if self.chunk.codec == CompressionCodec::UNCOMPRESSED || !compressed {
            return Ok(body.clone());
        }
        let (in_front, packed) = body.split_at(levels);
        let mut out = Vec::with_capacity(size);
        out.extend_from_slice(in_front);
        // A page of nulls has no values, and some writers no bytes for them either.
        if size > levels {
            decompress(self.chunk.codec, packed, size - levels, &mut out)
                .map_err(|error| Fault::bad(error.to_string()))?;
        }
        Ok(Bytes::from(out))
    }

    fn check_data(
        &self,
        page: &[u8],
        levels: usize,
        encoding: Encoding,
        values: u32,
    ) -> std::result::Result<(), Fault> {
        let bytes = page
            .get(levels..)
            .ok_or_else(|| Fault::bad("a page's levels are larger than the page"))?;
        if !bytes.is_empty() {
            check_values(self.chunk.physical, encoding, bytes, to_usize(values)).map_err(Fault::Bad)?;
        }
        Ok(())
    }
}

impl PageReader for Pages {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        Self::next(self).map_err(|fault| {
            let error = ParquetError::General(fault.to_string());
            *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
            error
        })
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        Err(ParquetError::General("pages are read in order".to_owned()))
    }

    fn skip_next_page(&mut self) -> Result<()> {
        Err(ParquetError::General("pages are read in order".to_owned()))
    }

    /// Columns that are read are flat: every value is a record.
    fn at_record_boundary(&mut self) -> Result<bool> {
        Ok(true)
    }
}

impl Iterator for Pages {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

/// The one chunk of a column in a row group.
pub(in crate::inputs) struct OneChunk(pub Option<Box<dyn PageReader>>);

impl Iterator for OneChunk {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.take().map(Ok)
    }
}

impl PageIterator for OneChunk {}

fn to_u64(value: usize) -> u64 {
    u64::try_from(value).expect("usize has at most 64 bits")
}
