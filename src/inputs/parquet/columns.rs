//! The columns that an input needs: where they are in a file's schema, and whether their types will do.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, TimeUnit as Unit};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels, parquet_to_arrow_schema_by_columns};
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::file::metadata::{FileMetaData, KeyValue, ParquetMetaData, ParquetMetaDataBuilder};
use parquet::schema::types::{ColumnDescPtr, SchemaDescriptor, Type, TypePtr};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) enum Content {
    /// A timestamp of any unit, with or without a zone.
    Timestamp,
    /// A date.
    Date,
    /// An integer of any width.
    Integer,
    /// Names, few of which make many rows.
    Name,
    /// Text or integers that tell things apart.
    Key,
}

/// A column that an input needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) struct Needed {
    /// Its name in the file's schema.
    pub name: &'static str,
    /// What it holds.
    pub content: Content,
    /// Whether a file may leave it out.
    pub is_optional: bool,
    /// What the message about its absence ends with: how to write it.
    pub hint: &'static str,
}

impl Needed {
    /// A column that every file must have.
    pub(in crate::inputs) const fn new(name: &'static str, content: Content) -> Self {
        Self {
            name,
            content,
            is_optional: false,
            hint: "",
        }
    }

    /// A column that files may leave out.
    pub(in crate::inputs) const fn optional(name: &'static str, content: Content) -> Self {
        Self {
            is_optional: true,
            ..Self::new(name, content)
        }
    }

    /// What the message about its absence ends with.
    pub(in crate::inputs) const fn with_hint(self, hint: &'static str) -> Self {
        Self { hint, ..self }
    }

    fn wanted(self) -> &'static str {
        match self.content {
            Content::Timestamp => "a timestamp",
            Content::Date => "a date",
            Content::Name => "a string",
            Content::Key => "a string or an integer",
            Content::Integer => "an integer",
        }
    }

    fn accepts(self, found: &DataType) -> bool {
        let found = match found {
            // A column of nothing but nulls may have no type of its own.
            DataType::Null => return true,
            DataType::Dictionary(_, value) if self.content != Content::Timestamp => value,
            found => found,
        };
        match self.content {
            Content::Timestamp => matches!(found, DataType::Timestamp(_, _)),
            Content::Date => *found == DataType::Date32,
            Content::Name => is_string(found),
            Content::Key => is_string(found) || found.is_integer(),
            Content::Integer => found.is_integer(),
        }
    }
}

/// Bytes without annotation are strings to many writers (Impala, Hive): names are compared by their bytes.
fn is_string(found: &DataType) -> bool {
    matches!(
        found,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    )
}

/// How a needed column is read.
pub(in crate::inputs) struct Column {
    /// Position among the leaves of the schema.
    pub leaf: usize,
    /// Its levels and physical type.
    pub descriptor: ColumnDescPtr,
    /// Through which reader, when it is read by value.
    pub reading: Reading,
    /// What its pages hold.
    pub stored: Stored,
}

/// What the pages of a column hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) enum Stored {
    /// 32-bit or 64-bit integers.
    Int(IntKind),
    /// 64-bit integers that count time.
    Time(TimeUnit),
    /// Bytes with their length.
    String,
    /// Something that is only read by value.
    Other,
}

/// What stored integers stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) enum IntKind {
    Signed { bits: u32 },
    Unsigned { bits: u32 },
}

/// In which unit time is counted since 1970 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::inputs) enum TimeUnit {
    Second,
    Millisecond,
    Microsecond,
    Nanosecond,
}

impl IntKind {
    /// The integer; None when it is beyond its kind, or beyond 64 bits signed.
    pub(in crate::inputs) fn value(self, stored: i64) -> Option<i64> {
        match self {
            Self::Signed { bits } => {
                let beyond = 64 - bits;
                (stored << beyond >> beyond == stored).then_some(stored)
            }
            // A stored 32-bit integer has been read with a sign.
            Self::Unsigned { bits: 32 } => Some(stored & 0xffff_ffff),
            Self::Unsigned { bits } => (stored >= 0 && (bits == 64 || stored >> bits == 0)).then_some(stored),
        }
    }
}

impl TimeUnit {
    /// Microseconds, rounded down; None beyond 64 bits.
    pub(in crate::inputs) fn micros(self, stored: i64) -> Option<i64> {
        match self {
            Self::Second => stored.checked_mul(1_000_000),
            Self::Millisecond => stored.checked_mul(1_000),
            Self::Microsecond => Some(stored),
            Self::Nanosecond => Some(stored.div_euclid(1_000)),
        }
    }

    /// The first stored value at or after an instant of the calendar, in microseconds.
    pub(in crate::inputs) fn first_at(self, micros: i64) -> i64 {
        let rounded_up = |per: i64| -(-micros).div_euclid(per);
        match self {
            Self::Second => rounded_up(1_000_000),
            Self::Millisecond => rounded_up(1_000),
            Self::Microsecond => micros,
            Self::Nanosecond => micros.saturating_mul(1_000),
        }
    }
}

impl Stored {
    fn of(found: &DataType, physical: Physical) -> Self {
        let value = match found {
            DataType::Dictionary(_, value) => value,
            found => found,
        };
        let int = |kind, needed| {
            if physical == needed {
                Self::Int(kind)
            } else {
                Self::Other
            }
        };
        let time = |unit| {
            if physical == Physical::INT64 {
                Self::Time(unit)
            } else {
                Self::Other
            }
        };
        match value {
            DataType::Int8 => int(IntKind::Signed { bits: 8 }, Physical::INT32),
            DataType::Int16 => int(IntKind::Signed { bits: 16 }, Physical::INT32),
            DataType::Int32 => int(IntKind::Signed { bits: 32 }, Physical::INT32),
            DataType::Int64 => int(IntKind::Signed { bits: 64 }, Physical::INT64),
            DataType::UInt8 => int(IntKind::Unsigned { bits: 8 }, Physical::INT32),
            DataType::UInt16 => int(IntKind::Unsigned { bits: 16 }, Physical::INT32),
            DataType::UInt32 => int(IntKind::Unsigned { bits: 32 }, Physical::INT32),
            DataType::UInt64 => int(IntKind::Unsigned { bits: 64 }, Physical::INT64),
            DataType::Timestamp(Unit::Second, _) => time(TimeUnit::Second),
            DataType::Timestamp(Unit::Millisecond, _) => time(TimeUnit::Millisecond),
            DataType::Timestamp(Unit::Microsecond, _) => time(TimeUnit::Microsecond),
            DataType::Timestamp(Unit::Nanosecond, _) => time(TimeUnit::Nanosecond),
            found if is_string(found) && physical == Physical::BYTE_ARRAY => Self::String,
            _ => Self::Other,
        }
    }
}

/// Through which reader a column comes.
pub(in crate::inputs) enum Reading {
    /// The Arrow reader, over a schema of this column alone.
    Arrow(Box<FieldLevels>, Arc<ParquetMetaData>),
    /// The column reader: the Arrow reader wraps around on dates that it cannot hold.
    Int96,
}

/// What is wrong with a file's columns.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::inputs) struct BadColumn {
    pub column: &'static str,
    pub message: String,
}

/// Finds the needed columns, in their order; None where an optional one is absent.
pub(in crate::inputs) fn find_columns(
    schema: &SchemaDescriptor,
    metadata: Option<&Vec<KeyValue>>,
    needed: &[Needed],
) -> Result<Vec<Option<Column>>, BadColumn> {
    let find = |needed: &Needed| {
        find_column(schema, metadata, *needed).map_err(|message| BadColumn {
            column: needed.name,
            message,
        })
    };
    needed.iter().map(find).collect()
}

fn find_column(
    schema: &SchemaDescriptor,
    metadata: Option<&Vec<KeyValue>>,
    needed: Needed,
) -> Result<Option<Column>, String> {
    let roots = schema.root_schema().get_fields();
    let mut named = roots
        .iter()
        .enumerate()
        .filter(|(_, field)| field.name() == needed.name);
    let Some((root, field)) = named.next() else {
        if needed.is_optional {
            return Ok(None);
        }
        return Err(format!(
            "there is no such column, and {} is needed{}",
            needed.wanted(),
            needed.hint
        ));
    };
    if named.next().is_some() {
        return Err("there are several columns of this name: write the file with one".to_owned());
    }
    let wrong = |found: &str| format!("it is {found}, and {} is needed", needed.wanted());
    if field.is_group() {
        return Err(wrong("a group of columns"));
    }
    if field.get_basic_info().has_repetition() && field.get_basic_info().repetition() == Repetition::REPEATED {
        return Err(wrong("a list"));
    }
    let leaf = (0..schema.num_columns())
        .find(|leaf| schema.get_column_root_idx(*leaf) == root)
        .ok_or_else(|| wrong("empty"))?;
    let found = arrow_type(schema, metadata, leaf)?;
    if !needed.accepts(&found) {
        return Err(wrong(&format!("{found}")));
    }
    let descriptor = schema.column(leaf);
    let stored = Stored::of(&found, descriptor.physical_type());
    let reading = if descriptor.physical_type() == Physical::INT96 && found != DataType::Null {
        Reading::Int96
    } else {
        read_by_arrow(field, &descriptor, needed, found)?
    };
    Ok(Some(Column {
        leaf,
        descriptor,
        reading,
        stored,
    }))
}

/// The Arrow type of a leaf. The schema that Arrow writers embed is listened to: it alone tells seconds since the
/// epoch or a duration from a plain integer. One that does not fit the file is an error, as it is to every Arrow reader.
pub(in crate::inputs) fn arrow_type(
    schema: &SchemaDescriptor,
    metadata: Option<&Vec<KeyValue>>,
    leaf: usize,
) -> Result<DataType, String> {
    let mask = ProjectionMask::leaves(schema, [leaf]);
    let arrow = parquet_to_arrow_schema_by_columns(schema, mask, metadata)
        .map_err(|error| format!("its type cannot be read: {error}"))?;
    let field = arrow.fields().first().ok_or("its type cannot be read")?;
    Ok(field.data_type().clone())
}

/// How the Arrow reader is to read a column: names as dictionaries, which are judged once per entry; the rest plain.
/// Other columns are left out of the schema, so that whatever they are has no say.
fn read_by_arrow(
    field: &TypePtr,
    descriptor: &ColumnDescPtr,
    needed: Needed,
    found: DataType,
) -> Result<Reading, String> {
    let unreadable = |error: parquet::errors::ParquetError| format!("its type cannot be read: {error}");
    let root = Type::group_type_builder("schema")
        .with_fields(vec![Arc::clone(field)])
        .build()
        .map_err(unreadable)?;
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(root)));
    let found = match found {
        DataType::Dictionary(_, value) => *value,
        found => found,
    };
    let text = match descriptor.converted_type() {
        ConvertedType::UTF8 => DataType::Utf8,
        _ => DataType::Binary,
    };
    let wanted = match needed.content {
        _ if found == DataType::Null => DataType::Null,
        Content::Name => DataType::Dictionary(Box::new(DataType::Int32), Box::new(text)),
        // Nearly every row has another one: a dictionary would be made of them again and again.
        Content::Key if is_string(&found) => text,
        _ => found,
    };
    let hint = Fields::from(vec![Field::new(field.name(), wanted, true)]);
    let levels = parquet_to_arrow_field_levels(&schema, ProjectionMask::all(), Some(&hint)).map_err(unreadable)?;
    let metadata = ParquetMetaDataBuilder::new(FileMetaData::new(2, 0, None, None, schema, None)).build();
    Ok(Reading::Arrow(Box::new(levels), Arc::new(metadata)))
}
