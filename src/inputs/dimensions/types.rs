//! Types of Parquet columns: which ones a dimension may have, and what people call them.

use polars::prelude::ArrowDataType;

/// Digits of the decimals that are read: what 128 bits hold.
const MAX_PRECISION: usize = 38;

/// Whether a column is one value a row, of a type that some column may have.
pub(super) fn is_plain(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as T;
    match dtype {
        T::Decimal(precision, scale) => scale <= precision && *precision <= MAX_PRECISION,
        _ => is_simple(dtype),
    }
}

fn is_simple(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as T;
    matches!(
        dtype,
        T::Null | T::Boolean | T::Int8 | T::Int16 | T::Int32 | T::Int64 | T::UInt8 | T::UInt16 | T::UInt32 | T::UInt64
    ) || matches!(
        dtype,
        T::Timestamp(..) | T::Date32 | T::Date64 | T::Float32 | T::Float64
    ) || matches!(dtype, T::Utf8 | T::LargeUtf8 | T::Utf8View)
}

/// A type for people, and why it cannot be read where that is not plain.
pub(super) fn in_words(dtype: &ArrowDataType) -> String {
    use ArrowDataType as T;
    match dtype {
        T::Float32 | T::Float64 => format!("{dtype:?}, floating-point numbers are not exact"),
        T::Decimal(precision, scale) if *precision > MAX_PRECISION => {
            format!("Decimal({precision}, {scale}), more than {MAX_PRECISION} digits cannot be read")
        }
        T::Decimal(precision, scale) => format!("Decimal({precision}, {scale})"),
        T::List(_) | T::LargeList(_) | T::FixedSizeList(..) => "list".to_owned(),
        T::Struct(_) => "struct".to_owned(),
        T::Map(..) => "map".to_owned(),
        T::Binary | T::LargeBinary | T::BinaryView | T::FixedSizeBinary(_) => "bytes".to_owned(),
        T::Timestamp(..) => "timestamp".to_owned(),
        T::Date32 | T::Date64 => "date".to_owned(),
        T::Time32(_) | T::Time64(_) => "time of day".to_owned(),
        other => format!("{other:?}"),
    }
}
