//! What a file may ask for. Files are read as untrusted: what goes beyond these is an error that names the
//! file, never an allocation. Together they keep a scan of hostile files below 1 GiB.

/// Bytes of a file's footer.
pub(in crate::inputs) const MAX_FOOTER_BYTES: u64 = 64 << 20;
/// Columns and groups of a file's schema, nested ones included.
pub(in crate::inputs) const MAX_SCHEMA_ELEMENTS: usize = 10_000;
/// Columns of a file that is read whole.
pub(in crate::inputs) const MAX_KEPT_COLUMNS: usize = 128;
/// How deep a schema nests: the parquet crate walks it recursively.
pub(in crate::inputs) const MAX_SCHEMA_DEPTH: usize = 64;
/// Column chunks of a file: row groups times columns.
pub(in crate::inputs) const MAX_COLUMN_CHUNKS: usize = 300_000;
/// Elements of every list in a footer; so also row groups of a file.
pub(in crate::inputs) const MAX_LIST: usize = 100_000;
/// How deep thrift structures nest.
pub(in crate::inputs) const MAX_THRIFT_DEPTH: usize = 32;
/// Rows of a file for each of its bytes: constant columns compress to next to nothing, but not to nothing.
pub(in crate::inputs) const MAX_ROWS_PER_BYTE: u64 = 65_536;
/// Rows of all files of a scan. At 86,400 s a row, no sum of fewer rows leaves 64 bits.
pub(in crate::inputs) const MAX_ROWS: u64 = 100_000_000_000_000;
/// Bytes of a page's header; statistics of long strings are in it.
pub(in crate::inputs) const MAX_PAGE_HEADER_BYTES: u64 = 1 << 20;
/// Bytes of a page, compressed or not.
pub(in crate::inputs) const MAX_PAGE_BYTES: usize = 128 << 20;
/// A row group with a page or dictionary above this is read while no other such row group is.
pub(in crate::inputs) const LARGE_PAGE_BYTES: usize = 4 << 20;
/// Values of a page, nulls included.
pub(in crate::inputs) const MAX_PAGE_VALUES: u32 = 1 << 27;
/// Bytes of a string: no meter's name is longer, a few bytes of file can repeat it many times, and rejects keep it.
pub(in crate::inputs) const MAX_STRING_BYTES: usize = 1 << 10;
/// Values of a page whose lengths are delta-encoded: the decoder keeps them all.
pub(in crate::inputs) const MAX_DELTA_LENGTHS: usize = 4 << 20;
/// Rows decoded at a time.
pub(in crate::inputs) const BATCH_ROWS: usize = 8_192;
/// Needed columns of a row group are fetched in whole, adjacent ones together, when they are not larger than this;
/// beyond it each is fetched in windows of [`WINDOW_BYTES`].
pub(in crate::inputs) const MAX_WHOLE_FETCH_BYTES: u64 = 32 << 20;
/// Bytes fetched at a time from a large column chunk.
pub(in crate::inputs) const WINDOW_BYTES: u64 = 4 << 20;
/// Bytes of footers, beyond what [`TAIL_BYTES`] hold of each, that are decoded at a time.
pub(in crate::inputs) const FOOTER_BYTES_AT_ONCE: u64 = MAX_FOOTER_BYTES;
/// Bytes fetched from the end of a file at first; most footers fit.
pub(in crate::inputs) const TAIL_BYTES: u64 = 64 << 10;
