//! Repeated uploads: two files of a day with the same content.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::inputs::parquet::bounds::WINDOW_BYTES;
use crate::inputs::parquet::error::Fault;
use crate::inputs::parquet::footer::{footer_bytes, room_for_footers};
use crate::inputs::parquet::many::for_each_file;
use crate::inputs::parquet::source::{RangeReader, Source};
use crate::store::Object;
use crate::units::digest::sha256;
use crate::units::quantity::BillingDay;

use super::error::ScanError;

/// Looks for two files with the same content: same size, then same footer, then same bytes. Files without rows are
/// alike and harmless, but they are an error all the same: nothing says that they were meant to be two.
///
/// # Errors
/// [`ScanError::Duplicate`] naming the first two by path; otherwise as [`scan`](super::scan) for files that cannot
/// be read.
pub fn find_duplicates(reader: &Arc<dyn RangeReader>, files: &[(BillingDay, Object)]) -> Result<(), ScanError> {
    let mut sizes: BTreeMap<u64, usize> = BTreeMap::new();
    for (_, object) in files {
        *sizes.entry(object.size).or_default() += 1;
    }
    let alike = files.iter().map(|(_, object)| object);
    let mut alike: Vec<&Object> = alike.filter(|object| sizes.get(&object.size) > Some(&1)).collect();
    alike.sort_by_key(|object| (object.size, &object.path));

    let room = room_for_footers();
    let footers: Vec<Result<_, ScanError>> = for_each_file(reader.as_ref(), &alike, |object| {
        let source = Source::new(Arc::clone(reader), (*object).clone());
        let (footer, _, _taken) = footer_bytes(&source, &room).map_err(|fault| fault.at(source.path(), None, None))?;
        let digest: [u8; 32] = sha256(&footer);
        Ok((digest, source))
    });
    let mut by_footer: BTreeMap<(u64, [u8; 32]), Vec<Source>> = BTreeMap::new();
    for read in footers {
        let (digest, source) = read?;
        by_footer.entry((source.size(), digest)).or_default().push(source);
    }
    let mut found = Vec::new();
    for alike in by_footer.into_values() {
        found.extend(first_pair(&alike)?);
    }
    match found.into_iter().min() {
        Some((first, second)) => Err(ScanError::Duplicate { first, second }),
        None => Ok(()),
    }
}

/// The first two of these files, in their order, that hold the same bytes.
fn first_pair(files: &[Source]) -> Result<Option<(String, String)>, ScanError> {
    for (at, first) in files.iter().enumerate() {
        for second in files.iter().skip(at + 1) {
            if same_bytes(first, second)? {
                return Ok(Some((first.path().to_owned(), second.path().to_owned())));
            }
        }
    }
    Ok(None)
}

fn same_bytes(first: &Source, second: &Source) -> Result<bool, ScanError> {
    let read = |source: &Source, range: Range<u64>| {
        source
            .read(range)
            .map_err(|fault: Fault| fault.at(source.path(), None, None))
    };
    let mut start = 0;
    while start < first.size() {
        let end = start.saturating_add(WINDOW_BYTES).min(first.size());
        if read(first, start..end)? != read(second, start..end)? {
            return Ok(false);
        }
        start = end;
    }
    Ok(true)
}
