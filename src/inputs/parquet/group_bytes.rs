//! The bytes of one row group, wherever they are: read ahead, or read now.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use super::ahead::GroupParts;
use super::chunk::Chunk;
use super::error::Fault;
use super::footer::RowGroup;
use super::plan::Plan;
use super::source::Source;

/// The bytes of one row group. Dropping it stops what is read ahead for it.
pub(super) struct GroupBytes {
    source: Arc<Source>,
    plan: Plan,
    parts: Option<GroupParts>,
    kept: Mutex<Vec<Kept>>,
}

/// A part that has been taken and may be asked for again.
struct Kept {
    range: Range<u64>,
    bytes: Bytes,
}

impl GroupBytes {
    /// `parts` are the reads of the plan that its source wants read ahead.
    pub(super) fn new(source: Arc<Source>, group: &RowGroup, parts: Option<GroupParts>) -> Self {
        Self {
            plan: Plan::new(group, source.read_ahead()),
            source,
            parts,
            kept: Mutex::default(),
        }
    }

    /// Bytes that are read when they are asked for, none before.
    pub(super) fn unplanned(source: Arc<Source>) -> Self {
        Self {
            source,
            plan: Plan::Windows(Vec::new()),
            parts: None,
            kept: Mutex::default(),
        }
    }

    /// Where each chunk's bytes start, and as many of them as are fetched in whole: all, or none where they are
    /// large. The bytes of neighbours share memory.
    pub(super) fn chunks(&self, chunks: &[Option<Chunk>]) -> Result<Vec<(u64, Bytes)>, Fault> {
        let start = |chunk: &Option<Chunk>| chunk.map_or(0, |chunk| chunk.start);
        let mut windows: Vec<(u64, Bytes)> = chunks.iter().map(|chunk| (start(chunk), Bytes::new())).collect();
        let Plan::Whole(reads) = &self.plan else {
            return Ok(windows);
        };
        for read in reads {
            let bytes = self.read(read.clone())?;
            let within = |chunk: &Chunk| read.start <= chunk.start && chunk.end <= read.end;
            for (window, chunk) in windows.iter_mut().zip(chunks) {
                if let Some(chunk) = chunk.filter(within) {
                    window.1 = slice(&bytes, read.start, chunk.start..chunk.end)?;
                }
            }
        }
        Ok(windows)
    }

    /// The bytes of a range. Where they are read ahead, each chunk is to be asked for from its start to its end.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes, Fault> {
        let Some(parts) = &self.parts else {
            return self.source.read(range);
        };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pieces: Vec<Bytes> = Vec::new();
        let mut at = range.start;
        while at < range.end {
            let reads = self.plan.reads().iter().enumerate();
            let part = reads.clone().find(|(_, read)| read.contains(&at));
            let Some((index, read)) = part else {
                pieces.push(self.source.read(at..range.end)?);
                break;
            };
            if at == range.start {
                forget_before(&mut kept, read.start);
            }
            let bytes = match kept.iter().find(|kept| kept.range == *read) {
                Some(kept) => kept.bytes.clone(),
                None => {
                    let bytes = parts.take(index).unwrap_or_else(|| self.source.read(read.clone()))?;
                    let range = read.clone();
                    kept.push(Kept {
                        range,
                        bytes: bytes.clone(),
                    });
                    bytes
                }
            };
            let end = read.end.min(range.end);
            pieces.push(slice(&bytes, read.start, at..end)?);
            at = end;
        }
        Ok(join(pieces))
    }
}

/// Forgets the parts that lead up to `start` without a gap: those of the same chunk that have been read.
fn forget_before(kept: &mut Vec<Kept>, start: u64) {
    let mut start = start;
    while let Some(before) = kept.iter().position(|kept| kept.range.end == start) {
        start = kept.swap_remove(before).range.start;
    }
}

fn join(mut pieces: Vec<Bytes>) -> Bytes {
    if pieces.len() == 1
        && let Some(bytes) = pieces.pop()
    {
        return bytes;
    }
    let mut joined = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
    joined.freeze()
}

fn slice(bytes: &Bytes, start: u64, range: Range<u64>) -> Result<Bytes, Fault> {
    let within = |offset: u64| usize::try_from(offset - start).map_err(|_| Fault::bad("too large"));
    Ok(bytes.slice(within(range.start)?..within(range.end)?))
}

#[cfg(test)]
mod tests {
    use parquet::basic::{CompressionCodec, Type};

    use super::super::ahead::Ahead;
    use super::super::source::{RangeReader, ReadAhead};
    use super::*;
    use crate::store::{Object, StoreError};

    struct Memory {
        bytes: Bytes,
        ahead: Option<ReadAhead>,
    }

    impl RangeReader for Memory {
        fn get_range(&self, _: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
            Ok(slice(&self.bytes, 0, range).unwrap())
        }

        fn read_ahead(&self) -> Option<ReadAhead> {
            self.ahead
        }
    }

    /// Chunks of a file of so many MiB, whose every byte is told from its neighbours.
    fn file(mib: &[Range<u64>], ahead: Option<ReadAhead>) -> (Arc<Source>, RowGroup, Bytes) {
        let chunk = |range: &Range<u64>| {
            Some(Chunk {
                start: (range.start << 20) + 4,
                end: (range.end << 20) + 4,
                values: 1,
                codec: CompressionCodec::UNCOMPRESSED,
                physical: Type::INT64,
                nullable: false,
            })
        };
        let chunks = mib.iter().map(chunk).collect();
        let size = mib.iter().map(|range| range.end << 20).max().unwrap() + 4;
        let bytes: Bytes = (0..size).map(|at| (at % 251) as u8).collect::<Vec<u8>>().into();
        let reader = Memory {
            bytes: bytes.clone(),
            ahead,
        };
        let object = Object {
            path: "a".to_owned(),
            size,
            etag: None,
        };
        let group = RowGroup {
            ordinal: 0,
            first_row: 0,
            rows: 1,
            chunks,
        };
        (Arc::new(Source::new(Arc::new(reader), object)), group, bytes)
    }

    #[test]
    fn every_range_has_its_bytes() {
        // Whole, in windows, and with chunks that overlap as no writer makes them.
        let files: [&[Range<u64>]; 4] = [
            &[0..3, 3..4, 6..9],
            &[0..13, 13..14, 15..40],
            &[0..2, 0..2, 1..3],
            &[0..20, 0..20, 10..30],
        ];
        let limits = [(1, 1), (1, 6 << 20), (3, 20 << 20), (32, 64 << 20)].map(|(reads, bytes)| ReadAhead {
            reads,
            bytes,
            gap: 1 << 20,
            read_bytes: 5 << 20,
        });
        for (ranges, limits) in files
            .iter()
            .flat_map(|file| limits.iter().map(move |limits| (file, limits)))
        {
            for limits in [None, Some(*limits)] {
                let (source, group, expected) = file(ranges, limits);
                let plan = Plan::new(&group, limits).into_reads();
                let ahead = limits.map(|limits| Ahead::start(limits, vec![(Arc::clone(&source), plan)]));
                let parts = ahead.as_ref().map(|ahead| ahead.begin(0));
                let bytes = GroupBytes::new(source, &group, parts);
                let whole = bytes.chunks(&group.chunks).unwrap();
                for (chunk, (start, window)) in group.chunks.iter().zip(whole) {
                    let end = start + u64::try_from(window.len()).unwrap();
                    assert!(
                        window == slice(&expected, 0, start..end).unwrap(),
                        "{ranges:?} {limits:?}"
                    );
                    assert_eq!(start, chunk.map_or(0, |chunk| chunk.start));
                }
                read_in_step(&bytes, &group, &expected);
            }
        }
    }

    /// Reads the chunks as those who read pages do: forwards, and the end of a window again with the next.
    fn read_in_step(bytes: &GroupBytes, group: &RowGroup, expected: &Bytes) {
        let starts = group.chunks.iter().map(|chunk| chunk.map_or(0, |chunk| chunk.start));
        let mut at: Vec<u64> = starts.collect();
        let steps = [1, 4 << 20, 7, (9 << 20) + 1, 3 << 20, 4 << 20];
        for step in steps.iter().cycle().take(20) {
            for (at, chunk) in at.iter_mut().zip(&group.chunks) {
                let Some(chunk) = chunk else { continue };
                let end = (*at + step).min(chunk.end);
                assert!(bytes.read(*at..end).unwrap() == slice(expected, 0, *at..end).unwrap());
                *at = end.saturating_sub(step / 9).max(*at);
            }
        }
        let kept = bytes.kept.lock().unwrap();
        let windows = kept.iter().map(|kept| kept.bytes.len()).sum::<usize>();
        if let Plan::Windows(_) = bytes.plan {
            assert!(windows <= 40 << 20, "what has been read is let go: {windows}");
        }
    }
}
