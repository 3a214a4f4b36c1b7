//! What a scan reads of a file, and what it says when it cannot.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use nightbill::inputs::parquet::source::RangeReader;
use nightbill::inputs::usage::ScanError;
use nightbill::store::{Object, StoreError};
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::files::{Kind, write};
use super::sample::sample;
use super::world::{Setting, objects, scan_objects};

/// Remembers what was read, and fails after some reads.
struct Watched {
    bytes: Bytes,
    reads: Mutex<Vec<Range<u64>>>,
    fails_after: usize,
}

impl RangeReader for Watched {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let mut reads = self.reads.lock().unwrap();
        if reads.len() >= self.fails_after {
            return Err(StoreError::Changed {
                path: object.path.clone(),
            });
        }
        reads.push(range.clone());
        Ok(self
            .bytes
            .slice(usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()))
    }
}

fn file() -> Bytes {
    let kind = Kind {
        extra: true,
        group_rows: 10_000,
        ..Kind::default()
    };
    write(&kind, &kind.fit(&sample(30_000, 40)))
}

fn scan(bytes: &Bytes, fails_after: usize) -> (Result<(), ScanError>, Vec<Range<u64>>) {
    let reader = Arc::new(Watched {
        bytes: bytes.clone(),
        reads: Mutex::default(),
        fails_after,
    });
    let setting = Setting::utc();
    let found = scan_objects(
        setting,
        reader.clone(),
        &objects(&[(setting.day, "a.parquet", bytes.clone())]),
    );
    let reads = reader.reads.lock().unwrap().clone();
    (found.map(drop), reads)
}

#[test]
fn only_needed_columns_are_read() {
    let bytes = file();
    let (found, reads) = scan(&bytes, usize::MAX);
    found.unwrap();
    let footer = SerializedFileReader::new(bytes.clone()).unwrap();
    let groups = footer.metadata().row_groups();
    assert_eq!(groups.len(), 3);
    let chunks = groups.iter().flat_map(|group| group.columns());
    let (tail, data) = reads.split_first().unwrap();
    assert_eq!(tail.end, u64::try_from(bytes.len()).unwrap());
    for chunk in chunks {
        let (start, length) = chunk.byte_range();
        let path = chunk.column_path().string();
        let is_read = data.iter().any(|read| read.start < start + length && start < read.end);
        assert_eq!(is_read, !path.contains('.'), "{path}");
    }
    // ts and account_id are neighbours; sdk_app_id, meter, pixels and seconds are.
    assert_eq!(data.len(), 3 * 2, "adjacent columns are read at once");
}

#[test]
fn a_failing_store_is_no_bad_file() {
    let bytes = file();
    for fails_after in 0..7 {
        let (found, _) = scan(&bytes, fails_after);
        assert!(
            matches!(found, Err(ScanError::Store(StoreError::Changed { .. }))),
            "{fails_after}: {found:?}"
        );
    }
}
