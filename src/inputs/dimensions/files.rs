//! The files of a dimension: the one that its URL names, or those in the directory.

use std::ops::Range;

use bytes::Bytes;

use crate::store::{Location, Object, Store, StoreError};

use super::errors::{BadRow, Complaints};

/// A dimension file as it was read, for the commit record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DimensionFile {
    /// Which dimension: `accounts`, `packages`, …
    pub dimension: &'static str,
    /// Path relative to the dimension's URL (the file's name when the URL is the file).
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// The store's version tag.
    pub etag: Option<String>,
    /// Lowercase hex SHA-256 of the bytes.
    pub sha256: String,
    /// Rows, header not counted.
    pub rows: u64,
}

/// A dimension's files, by path.
#[derive(Debug)]
pub(super) struct InputFiles {
    /// Which dimension.
    pub(super) dimension: &'static str,
    /// Its files.
    pub(super) files: Vec<InputFile>,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// RFC 4180, in UTF-8.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// One file of a dimension.
pub(super) struct InputFile {
    /// Path relative to the dimension's URL.
    pub(super) path: String,
    /// The file as people know it.
    pub(super) shown: String,
    /// Size in bytes.
    pub(super) size: u64,
    /// The store's version tag.
    pub(super) etag: Option<String>,
    /// By its extension.
    pub(super) format: Format,
    content: Content,
}

enum Content {
    Stored { store: Store, object: Object },
    InMemory(Bytes),
}

impl std::fmt::Debug for InputFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InputFile({})", self.shown)
    }
}

impl InputFile {
    /// A file that is in memory already. None when its name ends neither in `.csv` nor in `.parquet`.
    pub(super) fn in_memory(name: String, bytes: Bytes) -> Option<Self> {
        Some(Self {
            format: format_of(&name)?,
            shown: name.clone(),
            size: u64::try_from(bytes.len()).expect("memory is addressed with at most 64 bits"),
            etag: None,
            path: name,
            content: Content::InMemory(bytes),
        })
    }

    /// Some of its bytes.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        match &self.content {
            Content::Stored { store, object } => store.get_range(object, range),
            Content::InMemory(bytes) => {
                let bound = |at: u64| usize::try_from(at.min(self.size)).expect("within what is in memory");
                Ok(bytes.slice(bound(range.start)..bound(range.end)))
            }
        }
    }

    /// A complaint about the whole file.
    pub(super) fn bad(&self, message: impl Into<String>) -> BadRow {
        BadRow {
            file: self.shown.clone(),
            row: None,
            column: None,
            message: message.into(),
        }
    }

    /// The row number of the first row: CSV has a header.
    pub(super) fn first_row(&self) -> u64 {
        match self.format {
            Format::Csv => 2,
            Format::Parquet => 1,
        }
    }
}

/// Lists the files of a dimension.
pub(super) fn list(
    dimension: &'static str,
    location: &Location,
    complaints: &mut Complaints,
) -> Result<InputFiles, StoreError> {
    let (store, objects) = Store::open_objects(location)?;
    let mut files = Vec::new();
    for object in objects.into_iter().filter(|object| !is_ignored(&object.path)) {
        let shown = format!("{}/{}", shown_location(store.location()), object.path);
        match format_of(&object.path) {
            Some(format) => files.push(InputFile {
                path: object.path.clone(),
                shown,
                size: object.size,
                etag: object.etag.clone(),
                format,
                content: Content::Stored {
                    store: store.clone(),
                    object,
                },
            }),
            None => complaints.add(BadRow {
                file: shown,
                row: None,
                column: None,
                message: NO_FORMAT.to_owned(),
            }),
        }
    }
    if files.is_empty() && complaints.is_empty() {
        complaints.add(BadRow {
            file: shown_location(location),
            row: None,
            column: None,
            message: format!(
                "holds no .csv or .parquet file; where there are no {dimension}, put a file with a header and no rows"
            ),
        });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(InputFiles { dimension, files })
}

/// What a file of neither format is told.
pub(super) const NO_FORMAT: &str =
    "is neither .csv nor .parquet; convert it, or let its name begin with `_` or `.` to have it ignored";

fn format_of(path: &str) -> Option<Format> {
    let (_, extension) = path.rsplit_once('.')?;
    if extension.eq_ignore_ascii_case("csv") {
        Some(Format::Csv)
    } else if extension.eq_ignore_ascii_case("parquet") {
        Some(Format::Parquet)
    } else {
        None
    }
}

fn is_ignored(path: &str) -> bool {
    path.split('/').any(|name| name.starts_with(['_', '.']))
}

/// A plain path for local files, the URL for the others; without a slash at the end.
fn shown_location(location: &Location) -> String {
    let local = (location.url().scheme() == "file")
        .then(|| location.url().to_file_path().ok())
        .flatten();
    let shown = local.map_or_else(|| location.to_string(), |path| path.display().to_string());
    shown.trim_end_matches('/').to_owned()
}
