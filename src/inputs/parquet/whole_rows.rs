//! Files with every column that they have: what is rewritten has to keep those that nobody bills.

use std::sync::{Arc, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, RowGroups};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::{Repetition, Type as Physical};
use parquet::column::page::PageIterator;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{FileMetaData, ParquetMetaData, ParquetMetaDataBuilder, RowGroupMetaData};
use parquet::schema::types::{SchemaDescriptor, Type, TypePtr};

use crate::store::Object;

use super::bounds::{BATCH_ROWS, MAX_KEPT_COLUMNS};
use super::chunk::{Chunk, FaultSlot};
use super::columns::{Needed, arrow_type, find_columns};
use super::error::{Fault, FileError};
use super::footer::{chunk, decode, footer_bytes, room_for_footers, row_group_rows};
use super::group_bytes::GroupBytes;
use super::pages::{OneChunk, Pages};
use super::panics;
use super::source::{RangeReader, Source};

/// A file whose rows are read whole.
///
/// Its columns come as they are stored, but for three things that no reader of the needed columns can see: a dictionary type of
/// Arrow becomes the type of its values, large and view types of strings and bytes become the plain ones, and INT96 becomes a
/// timestamp in microseconds.
pub struct WholeFile {
    source: Arc<Source>,
    schema: SchemaRef,
    left_out: Vec<String>,
    levels: FieldLevels,
    metadata: Arc<ParquetMetaData>,
    row_groups: Vec<Vec<Chunk>>,
    rows: u64,
}

impl WholeFile {
    /// Reads the footer of a file that must have the needed columns.
    ///
    /// # Errors
    /// [`FileError`] when it lacks one or is damaged; and when the file has more than 128 columns.
    pub(in crate::inputs) fn open(
        reader: &Arc<dyn RangeReader>,
        object: &Object,
        needed: &[Needed],
    ) -> Result<Self, FileError> {
        let source = Source::new(Arc::clone(reader), object.clone());
        let path = source.path().to_owned();
        let at = |fault: Fault| fault.at(&path, None, None);
        let room = room_for_footers();
        let (footer, data_end, _taken) = footer_bytes(&source, &room).map_err(at)?;
        let metadata = decode(&footer).map_err(at)?;
        let unreadable = |panic| Fault::bad(format!("its schema cannot be read: {panic}"));
        let kept = panics::catch(|| Kept::of(&metadata, needed)).map_err(|panic| at(unreadable(panic)))?;
        let kept = kept.map_err(|(column, message)| Fault::Bad(message).at(&path, None, column.as_deref()))?;
        let mut row_groups = Vec::with_capacity(metadata.num_row_groups());
        let mut rows = 0;
        for (ordinal, group) in metadata.row_groups().iter().enumerate() {
            let count = row_group_rows(group, rows, data_end).map_err(|fault| fault.at(&path, Some(ordinal), None))?;
            rows += count;
            if count > 0 {
                let chunks = kept.chunks(group, count, data_end);
                row_groups.push(
                    chunks.map_err(|(column, message)| Fault::Bad(message).at(&path, Some(ordinal), Some(&column)))?,
                );
            }
        }
        Ok(Self {
            source: Arc::new(source),
            schema: kept.schema,
            left_out: kept.left_out,
            levels: kept.levels,
            metadata: kept.metadata,
            row_groups,
            rows,
        })
    }

    /// The columns that are read, in the file's order.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Names of columns that are not read: nested ones, those of fixed-length bytes, and several of one name.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// How many rows it has.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Hands over the rows in the file's order, some thousand at a time.
    ///
    /// # Errors
    /// [`FileError`] when the file is damaged or has changed, and whatever `each` returns.
    pub fn read<E: From<FileError>>(&self, mut each: impl FnMut(RecordBatch) -> Result<(), E>) -> Result<(), E> {
        for (ordinal, chunks) in self.row_groups.iter().enumerate() {
            let faults: Vec<FaultSlot> = chunks.iter().map(|_| FaultSlot::default()).collect();
            let failed = |message: String| {
                let first = self.schema.fields().iter().zip(&faults).find_map(|(field, slot)| {
                    let fault = slot.lock().unwrap_or_else(PoisonError::into_inner).take()?;
                    Some(fault.at(self.source.path(), Some(ordinal), Some(field.name())))
                });
                first.unwrap_or_else(|| Fault::Bad(message).at(self.source.path(), Some(ordinal), None))
            };
            let rows = chunks.first().map_or(0, |chunk| chunk.values);
            let group = WholeRowGroup {
                rows: usize::try_from(rows).map_err(|_| failed("too many rows".to_owned()))?,
                file: self,
                chunks,
                faults: &faults,
            };
            let mut batches = ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &group, BATCH_ROWS, None)
                .map_err(|error| failed(error.to_string()))?;
            let mut read = 0;
            loop {
                let batch = panics::catch(|| batches.next())
                    .map_err(|panic| failed(format!("it cannot be decoded, the file is corrupt: {panic}")))?;
                let Some(batch) = batch else { break };
                let batch = batch.map_err(|error| failed(error.to_string()))?;
                read += batch.num_rows();
                each(batch)?;
            }
            if read != group.rows {
                return Err(failed(format!("{read} rows where {rows} are due")).into());
            }
        }
        Ok(())
    }
}

/// The columns of a file that can be kept.
struct Kept {
    schema: SchemaRef,
    /// Their positions among the leaves of the file.
    leaves: Vec<usize>,
    descriptor: Arc<SchemaDescriptor>,
    left_out: Vec<String>,
    levels: FieldLevels,
    metadata: Arc<ParquetMetaData>,
}

impl Kept {
    fn of(file: &ParquetMetaData, needed: &[Needed]) -> Result<Self, (Option<String>, String)> {
        let (schema, hints) = (
            file.file_metadata().schema_descr(),
            file.file_metadata().key_value_metadata(),
        );
        find_columns(schema, hints, needed).map_err(|bad| (Some(bad.column.to_owned()), bad.message))?;
        let (mut leaves, mut types, mut fields, mut left_out) =
            (Vec::new(), Vec::<TypePtr>::new(), Vec::<FieldRef>::new(), Vec::new());
        for (root, field) in schema.root_schema().get_fields().iter().enumerate() {
            let leaf = (0..schema.num_columns()).find(|leaf| schema.get_column_root_idx(*leaf) == root);
            let named = schema
                .root_schema()
                .get_fields()
                .iter()
                .filter(|other| other.name() == field.name());
            let Some(leaf) = leaf.filter(|_| can_be_kept(field) && named.count() == 1) else {
                left_out.push(field.name().to_owned());
                continue;
            };
            let found = arrow_type(schema, hints, leaf).map_err(|message| (Some(field.name().to_owned()), message))?;
            let is_nullable = schema.column(leaf).max_def_level() > 0;
            fields.push(Arc::new(Field::new(
                field.name(),
                plain_type(found, field),
                is_nullable,
            )));
            types.push(Arc::clone(field));
            leaves.push(leaf);
        }
        if leaves.len() > MAX_KEPT_COLUMNS {
            return Err((
                None,
                format!(
                    "it has {} columns, and at most {MAX_KEPT_COLUMNS} are rewritten",
                    leaves.len()
                ),
            ));
        }
        let unreadable = |error: ParquetError| (None, format!("its schema cannot be read: {error}"));
        let root = Type::group_type_builder("schema")
            .with_fields(types)
            .build()
            .map_err(unreadable)?;
        let descriptor = Arc::new(SchemaDescriptor::new(Arc::new(root)));
        let fields = Fields::from(fields);
        let levels =
            parquet_to_arrow_field_levels(&descriptor, ProjectionMask::all(), Some(&fields)).map_err(unreadable)?;
        let metadata = FileMetaData::new(2, 0, None, None, Arc::clone(&descriptor), None);
        Ok(Self {
            schema: Arc::new(Schema::new(fields)),
            leaves,
            descriptor,
            left_out,
            levels,
            metadata: Arc::new(ParquetMetaDataBuilder::new(metadata).build()),
        })
    }

    fn chunks(&self, group: &RowGroupMetaData, rows: u64, data_end: u64) -> Result<Vec<Chunk>, (String, String)> {
        let found = self.leaves.iter().enumerate().map(|(at, leaf)| {
            let descriptor = self.descriptor.column(at);
            let bad = |message| (descriptor.name().to_owned(), message);
            let found = group
                .columns()
                .get(*leaf)
                .ok_or_else(|| bad("its column chunk is missing".to_owned()))?;
            chunk(found, &descriptor, rows, data_end).map_err(bad)
        });
        found.collect()
    }
}

/// Pages are checked before they are decoded: those of flat columns, and not of fixed-length bytes.
fn can_be_kept(field: &Type) -> bool {
    let repeated =
        || field.get_basic_info().has_repetition() && field.get_basic_info().repetition() == Repetition::REPEATED;
    !field.is_group() && !repeated() && field.get_physical_type() != Physical::FIXED_LEN_BYTE_ARRAY
}

fn plain_type(found: DataType, field: &Type) -> DataType {
    match found {
        DataType::Dictionary(_, value) => plain_type(*value, field),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView => DataType::Binary,
        // Nanoseconds would wrap around on dates that INT96 can hold.
        DataType::Timestamp(_, zone) if field.get_physical_type() == Physical::INT96 => {
            DataType::Timestamp(TimeUnit::Microsecond, zone)
        }
        found => found,
    }
}

/// A row group, as the Arrow reader asks for it.
struct WholeRowGroup<'a> {
    rows: usize,
    file: &'a WholeFile,
    chunks: &'a [Chunk],
    faults: &'a [FaultSlot],
}

impl RowGroups for WholeRowGroup<'_> {
    fn num_rows(&self) -> usize {
        self.rows
    }

    fn column_chunks(&self, column: usize) -> ParquetResult<Box<dyn PageIterator>> {
        let unknown = || ParquetError::General(format!("there is no column {column}"));
        let chunk = self.chunks.get(column).ok_or_else(unknown)?;
        let fault = self.faults.get(column).ok_or_else(unknown)?;
        let pages = Pages::new(
            Arc::new(GroupBytes::unplanned(Arc::clone(&self.file.source))),
            *chunk,
            (chunk.start, bytes::Bytes::new()),
            Arc::clone(fault),
            // One row group is read at a time.
            Arc::new(|| {}),
        );
        Ok(Box::new(OneChunk(Some(Box::new(pages)))))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(std::iter::empty())
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.file.metadata
    }
}
