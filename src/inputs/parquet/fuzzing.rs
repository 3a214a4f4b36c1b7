//! Doors for the fuzz targets in tests/fuzz, which get at what is private here with bytes alone. Compiled for them only.

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use parquet::basic::CompressionCodec;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;

use crate::store::{Object, StoreError};

use super::bounds::BATCH_ROWS;
use super::chunk::{Chunk, FaultSlot};
use super::columns::{Column, Content, Needed, find_columns};
use super::decode::ColumnDecoder;
use super::group_bytes::GroupBytes;
use super::page_header::PageHeader;
use super::pages::Pages;
use super::panics;
use super::source::{RangeReader, Source};

const CODECS: [CompressionCodec; 7] = [
    CompressionCodec::UNCOMPRESSED,
    CompressionCodec::SNAPPY,
    CompressionCodec::GZIP,
    CompressionCodec::BROTLI,
    CompressionCodec::LZ4,
    CompressionCodec::ZSTD,
    CompressionCodec::LZ4_RAW,
];

/// One column of each content.
static NEEDED: [Needed; 6] = [
    Needed::new("ts", Content::Timestamp),
    Needed::new("account_id", Content::Integer),
    Needed::new("sdk_app_id", Content::Integer),
    Needed::new("meter", Content::Name),
    Needed::new("seconds", Content::Integer),
    Needed::new("pixels", Content::Integer),
];

/// [`NEEDED`] in files of four schemas.
static COLUMNS: LazyLock<[Vec<Option<Column>>; 4]> = LazyLock::new(|| {
    let columns = |word: &str, ts: &str, int: &str| {
        let message = format!(
            "message usage {{ {word} {ts}; {word} int64 account_id; {word} {int} sdk_app_id; {word} binary meter (UTF8); \
             {word} int64 seconds; {word} int32 pixels; }}"
        );
        let schema = parse_message_type(&message).expect("the message is well-formed");
        find_columns(&SchemaDescriptor::new(Arc::new(schema)), None, &NEEDED).unwrap_or_else(|_| panic!("{message}"))
    };
    [
        columns("required", "int64 ts (TIMESTAMP(MILLIS,true))", "int64"),
        columns("optional", "int64 ts (TIMESTAMP(MICROS,false))", "int64 "),
        columns("required", "int96 ts", "int32"),
        columns("optional", "int96 ts", "int32"),
    ]
});

struct Memory(Bytes);

impl RangeReader for Memory {
    fn get_range(&self, _: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let at = |offset: u64| usize::try_from(offset).expect("within what is in memory");
        Ok(self.0.slice(at(range.start)..at(range.end)))
    }
}

/// Reads one page header.
pub fn page_header(bytes: &[u8]) {
    if let Ok((header, used)) = PageHeader::read(bytes) {
        assert!(used <= bytes.len(), "{header:?} took {used} bytes of {}", bytes.len());
    }
}

/// Reads a column chunk: its pages, checked and decompressed, and their values. The first five bytes say what the footer
/// would: kind of column, role, codec, and rows (two bytes); the others are the chunk.
pub fn column_chunk(bytes: &[u8]) {
    let Some(([kind, role, codec, rows @ ..], chunk)) = bytes.split_first_chunk::<5>() else {
        return;
    };
    let pick = |byte: &u8, count: usize| usize::from(*byte) % count;
    let (kind, codec) = (pick(kind, COLUMNS.len()), CODECS[pick(codec, CODECS.len())]);
    let Some(column) = &COLUMNS[kind][pick(role, NEEDED.len())] else {
        return;
    };
    let rows = u64::from(u16::from_le_bytes(*rows).max(1));
    let size = u64::try_from(chunk.len()).expect("usize has at most 64 bits");
    let object = Object {
        path: "chunk".to_owned(),
        size,
        etag: None,
    };
    let source = Source::new(Arc::new(Memory(Bytes::copy_from_slice(chunk))), object);
    let chunk = Chunk {
        start: 0,
        end: size,
        values: rows,
        codec,
        physical: column.descriptor.physical_type(),
        nullable: column.descriptor.max_def_level() > 0,
    };
    // Panics of others' decoders are errors, as they are to a scan; one of our own ends the target.
    let _ = panics::catch(|| {
        let fault = FaultSlot::default();
        let bytes = Arc::new(GroupBytes::unplanned(Arc::new(source)));
        let pages = Pages::new(bytes, chunk, (0, Bytes::new()), Arc::clone(&fault), Arc::new(|| {}));
        let mut decoder = ColumnDecoder::new(column, rows, pages, fault)?;
        let mut left = usize::try_from(rows).expect("16 bits");
        while left > 0 {
            let next = left.min(BATCH_ROWS);
            decoder.next(next)?;
            left -= next;
        }
        Ok::<(), super::error::Fault>(())
    });
}
