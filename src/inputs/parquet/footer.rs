//! A file's footer: what it holds and where, checked against the bounds and the file's size.

use std::sync::Arc;

use bytes::Bytes;
use parquet::file::metadata::{
    ColumnChunkMetaData, ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
    RowGroupMetaData,
};
use parquet::schema::types::ColumnDescriptor;

use super::bounds::{
    FOOTER_BYTES_AT_ONCE, MAX_COLUMN_CHUNKS, MAX_FOOTER_BYTES, MAX_ROWS_PER_BYTE, MAX_SCHEMA_DEPTH,
    MAX_SCHEMA_ELEMENTS, TAIL_BYTES,
};
use super::chunk::Chunk;
use super::columns::{Column, Needed, find_columns};
use super::error::{Fault, FileError};
use super::many::{Room, Taken};
use super::panics;
use super::source::Source;
use super::thrift::{Kind, Thrift, ThriftError};

/// What ends every Parquet file: the footer's length and these four bytes.
const MAGIC: &[u8; 4] = b"PAR1";
const TRAILER_BYTES: u64 = 8;
/// Files begin with the same four bytes.
const HEAD_BYTES: u64 = 4;

/// A file, as its footer shows it.
pub(in crate::inputs) struct ParquetFile {
    pub(in crate::inputs) source: Arc<Source>,
    /// Rows of all row groups.
    pub rows: u64,
    /// The columns that are read of it.
    pub needed: &'static [Needed],
    /// The same as the file has them, by position; None where an optional one is absent.
    pub columns: Vec<Option<Column>>,
    /// Row groups in file order, empty ones left out.
    pub row_groups: Vec<RowGroup>,
}

/// A row group.
pub(in crate::inputs) struct RowGroup {
    /// Position in the file, from 0.
    pub ordinal: usize,
    /// Rows of the file before it.
    pub first_row: u64,
    /// Its rows, at least one.
    pub rows: u64,
    /// Chunks of the needed columns, by position.
    pub chunks: Vec<Option<Chunk>>,
}

/// Room for the footers that are read and decoded at a time.
pub(in crate::inputs) fn room_for_footers() -> Room {
    Room::new(FOOTER_BYTES_AT_ONCE)
}

/// Reads the footer of a file of which these columns are needed.
pub(in crate::inputs) fn read_footer(
    source: Source,
    room: &Room,
    needed: &'static [Needed],
) -> Result<ParquetFile, FileError> {
    let path = source.path().to_owned();
    let (footer, data_end, _taken) = footer_bytes(&source, room).map_err(|fault| fault.at(&path, None, None))?;
    let metadata = decode(&footer).map_err(|fault| fault.at(&path, None, None))?;
    let file = metadata.file_metadata();
    let columns = panics::catch(|| find_columns(file.schema_descr(), file.key_value_metadata(), needed))
        .map_err(|panic| Fault::bad(format!("its schema cannot be read: {panic}")).at(&path, None, None))?
        .map_err(|bad| Fault::Bad(bad.message).at(&path, None, Some(bad.column)))?;
    let row_groups = row_groups(&metadata, (needed, &columns), data_end, &path)?;
    let rows = row_groups.iter().map(|group| group.rows).sum();
    if u64::try_from(file.num_rows()) != Ok(rows) {
        let message = format!("the footer counts {} rows, its row groups {rows}", file.num_rows());
        return Err(Fault::Bad(message).at(&path, None, None));
    }
    Ok(ParquetFile {
        source: Arc::new(source),
        rows,
        needed,
        columns,
        row_groups,
    })
}

/// The footer's bytes, where the file's data ends, and the room that a footer takes which the first read does not hold.
pub(in crate::inputs) fn footer_bytes<'a>(
    source: &Source,
    room: &'a Room,
) -> Result<(Bytes, u64, Option<Taken<'a>>), Fault> {
    let size = source.size();
    if size < HEAD_BYTES + TRAILER_BYTES {
        return Err(Fault::bad(format!(
            "{size} bytes are too few for a Parquet file: upload it again"
        )));
    }
    let tail_start = size.saturating_sub(TAIL_BYTES);
    let tail = source.read(tail_start..size)?;
    let (length, magic) = tail
        .last_chunk::<8>()
        .map(|trailer| {
            let [a, b, c, d, magic @ ..] = *trailer;
            (u64::from(u32::from_le_bytes([a, b, c, d])), magic)
        })
        .ok_or_else(|| Fault::bad("not a Parquet file"))?;
    if &magic == b"PARE" {
        return Err(Fault::bad(
            "its footer is encrypted: write usage without Parquet encryption",
        ));
    }
    if &magic != MAGIC {
        return Err(Fault::bad(
            "it does not end like a Parquet file: truncated, or no Parquet; upload it again",
        ));
    }
    if length > MAX_FOOTER_BYTES {
        return Err(Fault::bad(format!(
            "a footer of {length} bytes, and at most {MAX_FOOTER_BYTES} are read"
        )));
    }
    let data_end = size
        .checked_sub(TRAILER_BYTES + length)
        .filter(|end| *end >= HEAD_BYTES)
        .ok_or_else(|| Fault::bad(format!("a footer of {length} bytes in a file of {size}: it is corrupt")))?;
    let footer_end = size - TRAILER_BYTES;
    if data_end >= tail_start {
        let within = |offset: u64| usize::try_from(offset - tail_start).expect("within the tail");
        return Ok((tail.slice(within(data_end)..within(footer_end)), data_end, None));
    }
    drop(tail);
    let taken = room.take(length);
    Ok((source.read(data_end..footer_end)?, data_end, Some(taken)))
}

/// Decodes a footer that has been walked before, so that nothing large or deep is built from it.
pub(in crate::inputs) fn decode(footer: &Bytes) -> Result<ParquetMetaData, Fault> {
    let unreadable = |why: String| Fault::Bad(format!("its footer cannot be read: {why}"));
    walk(footer).map_err(|error| unreadable(error.to_string()))?;
    let options = ParquetMetaDataOptions::new()
        .with_column_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
    panics::catch(|| ParquetMetaDataReader::decode_metadata_with_options(footer, Some(&options)))
        .map_err(unreadable)?
        .map_err(|error| unreadable(error.to_string()))
}

/// Counts what a footer holds.
fn walk(footer: &[u8]) -> Result<(), ThriftError> {
    let mut thrift = Thrift::new(footer);
    let mut chunks = 0;
    let mut last = 0;
    while let Some((id, kind)) = thrift.field(&mut last)? {
        match id {
            2 => walk_schema(&mut thrift, kind)?,
            4 => {
                for _ in 0..structs(&mut thrift, kind)? {
                    chunks += walk_row_group(&mut thrift)?;
                    if chunks > MAX_COLUMN_CHUNKS {
                        return Err(ThriftError::Absurd);
                    }
                }
            }
            _ => thrift.skip(kind, 0)?,
        }
    }
    Ok(())
}

fn structs(thrift: &mut Thrift<'_>, kind: Kind) -> Result<usize, ThriftError> {
    if kind != Kind::List {
        return Err(ThriftError::Malformed);
    }
    match thrift.list()? {
        (0, _) => Ok(0),
        (count, Kind::Struct) => Ok(count),
        _ => Err(ThriftError::Malformed),
    }
}

/// The schema is a tree written depth first: each element says how many children follow it.
fn walk_schema(thrift: &mut Thrift<'_>, kind: Kind) -> Result<(), ThriftError> {
    let count = structs(thrift, kind)?;
    if count > MAX_SCHEMA_ELEMENTS {
        return Err(ThriftError::Absurd);
    }
    let mut open: Vec<i32> = Vec::new();
    for _ in 0..count {
        let (mut last, mut children) = (0, 0);
        while let Some((id, kind)) = thrift.field(&mut last)? {
            match id {
                5 => children = thrift.int32(kind)?,
                _ => thrift.skip(kind, 1)?,
            }
        }
        while open.pop_if(|left| *left <= 0).is_some() {}
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        if open.len() > MAX_SCHEMA_DEPTH {
            return Err(ThriftError::Absurd);
        }
    }
    Ok(())
}

/// How many column chunks a row group has.
fn walk_row_group(thrift: &mut Thrift<'_>) -> Result<usize, ThriftError> {
    let (mut last, mut chunks) = (0, 0);
    while let Some((id, kind)) = thrift.field(&mut last)? {
        if id == 1 {
            let count = structs(thrift, kind)?;
            (0..count).try_for_each(|_| thrift.skip(Kind::Struct, 1))?;
            chunks += count;
        } else {
            thrift.skip(kind, 1)?;
        }
    }
    Ok(chunks)
}

fn row_groups(
    metadata: &ParquetMetaData,
    columns: (&[Needed], &[Option<Column>]),
    data_end: u64,
    path: &str,
) -> Result<Vec<RowGroup>, FileError> {
    let mut first_row = 0_u64;
    let mut groups = Vec::with_capacity(metadata.num_row_groups());
    for (ordinal, group) in metadata.row_groups().iter().enumerate() {
        let rows = row_group_rows(group, first_row, data_end).map_err(|fault| fault.at(path, Some(ordinal), None))?;
        if rows > 0 {
            let chunks = chunks(group, columns, rows, data_end)
                .map_err(|(column, message)| Fault::Bad(message).at(path, Some(ordinal), Some(column)))?;
            groups.push(RowGroup {
                ordinal,
                first_row,
                rows,
                chunks,
            });
        }
        first_row += rows;
    }
    Ok(groups)
}

/// How many rows a row group has, after `before` rows of the file.
pub(in crate::inputs) fn row_group_rows(group: &RowGroupMetaData, before: u64, data_end: u64) -> Result<u64, Fault> {
    let claimed = group.num_rows();
    let rows = u64::try_from(claimed).map_err(|_| Fault::Bad(format!("it claims {claimed} rows")))?;
    let most = data_end.saturating_mul(MAX_ROWS_PER_BYTE);
    match before.checked_add(rows) {
        Some(after) if after <= most => Ok(rows),
        _ => Err(Fault::Bad(format!(
            "it claims {rows} rows in a file of {data_end} bytes"
        ))),
    }
}

fn chunks(
    group: &RowGroupMetaData,
    (needed, columns): (&[Needed], &[Option<Column>]),
    rows: u64,
    data_end: u64,
) -> Result<Vec<Option<Chunk>>, (&'static str, String)> {
    let mut chunks = Vec::with_capacity(columns.len());
    for (column, Needed { name, .. }) in columns.iter().zip(needed) {
        let Some(column) = column else {
            chunks.push(None);
            continue;
        };
        let found = group
            .columns()
            .get(column.leaf)
            .ok_or((*name, "its column chunk is missing".to_owned()))?;
        let chunk = chunk(found, &column.descriptor, rows, data_end).map_err(|message| (*name, message))?;
        chunks.push(Some(chunk));
    }
    Ok(chunks)
}

/// Where a column chunk of a row group is; in bounds, and of as many values as there are rows.
pub(in crate::inputs) fn chunk(
    found: &ColumnChunkMetaData,
    descriptor: &ColumnDescriptor,
    rows: u64,
    data_end: u64,
) -> Result<Chunk, String> {
    if found.file_path().is_some_and(|path| !path.is_empty()) {
        return Err("its data is in another file: write files that hold their own data".to_owned());
    }
    if u64::try_from(found.num_values()) != Ok(rows) {
        return Err(format!("it claims {} values in {rows} rows", found.num_values()));
    }
    // Some writers set the dictionary's offset to 0, or behind the data, when there is none.
    let data = found.data_page_offset();
    let first = found
        .dictionary_page_offset()
        .filter(|offset| (1..data).contains(offset))
        .unwrap_or(data);
    let range = u64::try_from(first)
        .ok()
        .zip(u64::try_from(found.compressed_size()).ok());
    let range = range.and_then(|(start, length)| Some((start, start.checked_add(length)?)));
    match range {
        Some((start, end)) if start >= HEAD_BYTES && start < end && end <= data_end => Ok(Chunk {
            start,
            end,
            values: rows,
            codec: found.compression_codec(),
            physical: descriptor.physical_type(),
            nullable: descriptor.max_def_level() > 0,
        }),
        _ => Err(format!(
            "its data is said to be {} bytes from {first} on, in a file whose data ends at {data_end}",
            found.compressed_size()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A footer whose schema has these numbers of children, and nothing else.
    fn schema(children: &[u8]) -> Vec<u8> {
        let mut footer = vec![0x29, 0xfc];
        let mut count = children.len();
        while count > 0x7f {
            footer.push(u8::try_from(count & 0x7f).unwrap() | 0x80);
            count >>= 7;
        }
        footer.push(u8::try_from(count).unwrap());
        // Field 5: num_children, zigzag.
        children
            .iter()
            .for_each(|children| footer.extend([0x55, children * 2, 0]));
        footer.push(0);
        footer
    }

    #[test]
    fn schemas_are_bounded_before_they_are_built() {
        assert_eq!(walk(&schema(&[2, 0, 1, 0])), Ok(()));
        assert_eq!(walk(&schema(&[1; 64])), Ok(()));
        assert_eq!(walk(&schema(&[1; 65])), Err(ThriftError::Absurd), "too deep");
        assert_eq!(walk(&schema(&[0; MAX_SCHEMA_ELEMENTS])), Ok(()));
        assert_eq!(
            walk(&schema(&[0; MAX_SCHEMA_ELEMENTS + 1])),
            Err(ThriftError::Absurd),
            "too wide"
        );
    }

    #[test]
    fn column_chunks_are_bounded_before_they_are_built() {
        // Row groups of 14 chunks, each an empty struct.
        let footer = |groups: u32| {
            let mut footer = vec![0x49, 0xfc];
            let mut count = groups;
            while count > 0x7f {
                footer.push(u8::try_from(count & 0x7f).unwrap() | 0x80);
                count >>= 7;
            }
            footer.push(u8::try_from(count).unwrap());
            (0..groups).for_each(|_| {
                footer.extend([0x19, 0xec]);
                footer.extend([0; 14]);
                footer.push(0);
            });
            footer.push(0);
            footer
        };
        assert_eq!(walk(&footer(20_000)), Ok(()));
        assert_eq!(walk(&footer(22_000)), Err(ThriftError::Absurd));
    }
}
