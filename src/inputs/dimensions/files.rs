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
    pub dimension: &'static str,
    /// Its files.
    pub files: Vec<InputFile>,
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
    pub path: String,
    /// The file as people know it.
    pub shown: String,
    /// Size in bytes.
    pub size: u64,
    /// The store's version tag.
    pub etag: Option<String>,
    /// By its extension.
    pub format: Format,
    content: Content,
}

enum Content {
    Stored(Box<(Store, Object)>),
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

    /// Some of its bytes, all that are asked for.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, StoreError> {
        match &self.content {
            _ if range.is_empty() => Ok(Bytes::new()),
            Content::InMemory(bytes) => {
                let bound = |at: u64| usize::try_from(at.min(self.size)).expect("within what is in memory");
                Ok(bytes.slice(bound(range.start)..bound(range.end)))
            }
            Content::Stored(stored) => {
                let (store, object) = stored.as_ref();
                let bytes = store.get_range(object, range.clone())?;
                if u64::try_from(bytes.len()) == Ok(range.end - range.start) {
                    Ok(bytes)
                } else {
                    Err(StoreError::Changed {
                        path: self.shown.clone(),
                    })
                }
            }
        }
    }

    /// A complaint about the whole file.
    pub(super) fn bad(&self, message: impl Into<String>) -> BadRow {
        bad_file(self.shown.clone(), message)
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
    let (store, objects) = match Store::open_objects(location) {
        Ok(found) => found,
        Err(StoreError::NotFound { .. }) => {
            let message = format!(
                "is not there, and `inputs.{dimension}` names it; put the file there, or correct `inputs.{dimension}` in the job"
            );
            complaints.add(bad_file(shown_location(location), message));
            return Ok(InputFiles {
                dimension,
                files: Vec::new(),
            });
        }
        Err(error) => return Err(error),
    };
    let directory = shown_location(store.location());
    let mut files = Vec::new();
    let objects = shown_objects(&directory, objects);
    let is_empty = objects.is_empty();
    for (shown, object) in objects {
        match format_of(&object.path) {
            Some(format) => files.push(InputFile {
                path: object.path.clone(),
                shown,
                size: object.size,
                etag: object.etag.clone(),
                format,
                content: Content::Stored(Box::new((store.clone(), object))),
            }),
            None => complaints.add(bad_file(shown, NO_FORMAT)),
        }
    }
    if is_empty {
        let message = format!(
            "holds no .csv or .parquet file; where there are no {dimension}, put a file with a header and no rows"
        );
        complaints.add(bad_file(shown_location(location), message));
    }
    Ok(InputFiles { dimension, files })
}

/// What is not ignored, by path, each with the name that people know.
fn shown_objects(directory: &str, mut objects: Vec<Object>) -> Vec<(String, Object)> {
    objects.retain(|object| !is_ignored(&object.path));
    objects.sort_by(|a, b| a.path.cmp(&b.path));
    objects
        .into_iter()
        .map(|object| (format!("{directory}/{}", object.path), object))
        .collect()
}

/// A complaint about a whole file.
pub(super) fn bad_file(shown: String, message: impl Into<String>) -> BadRow {
    BadRow {
        file: shown,
        row: None,
        column: None,
        message: message.into(),
    }
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

/// The location as people know it, without a slash at the end.
fn shown_location(location: &Location) -> String {
    location.readable().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_with_underscore_or_dot_are_ignored() {
        let object = |path: &str| Object {
            path: path.to_owned(),
            size: 0,
            etag: None,
        };
        let listed = ["b.csv", "_SUCCESS", "x/.a.csv", "_tmp/a.csv", "a.parquet", "a_b.csv"];
        let shown = shown_objects("s3://bucket/accounts", listed.map(object).to_vec());
        let names: Vec<_> = shown.into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "s3://bucket/accounts/a.parquet",
                "s3://bucket/accounts/a_b.csv",
                "s3://bucket/accounts/b.csv"
            ]
        );
    }

    #[test]
    fn local_files_are_shown_as_paths() {
        let shown = |url: &str| shown_location(&Location::from_url(url.parse().expect("a URL")).expect("a location"));
        assert_eq!(shown("file:///in/my%20accounts/"), "/in/my accounts");
        assert_eq!(shown("s3://bucket/accounts/"), "s3://bucket/accounts");
    }

    #[test]
    fn the_extension_says_the_format() {
        let cases = [
            ("a.csv", Some(Format::Csv)),
            ("x.y/A.PARQUET", Some(Format::Parquet)),
            ("a.csv.gz", None),
            ("csv", None),
        ];
        for (name, format) in cases {
            assert_eq!(format_of(name), format, "{name}");
        }
    }
}
