//! Parquet files as text, for tests that look at single values.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use parquet::file::reader::{FileReader, SerializedFileReader};

/// Every row of every Parquet file below a directory, as text by column.
pub(crate) fn rows(directory: &Path) -> Vec<BTreeMap<String, String>> {
    let mut rows = Vec::new();
    visit(directory, &mut |path| {
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            let row = row.unwrap();
            rows.push(
                row.get_column_iter()
                    .map(|(name, value)| (name.clone(), plain(&value.to_string())))
                    .collect(),
            );
        }
    });
    rows
}

/// Text values come quoted.
fn plain(value: &str) -> String {
    value.trim_matches('"').to_owned()
}

/// Calls the visitor with every file below a directory, in the order of their paths.
pub(crate) fn visit(directory: &Path, visitor: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<PathBuf> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            visit(&entry, visitor);
        } else {
            visitor(&entry);
        }
    }
}
