//! The bytes of one row group, wherever they are: read ahead, or read now.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Bytes, BytesMut};

use super::ahead::GroupParts;
use super::columns::ROLES;
use super::error::Fault;
use super::footer::RowGroup;
use super::pages::Chunk;
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

    /// Where each chunk's bytes start, and as many of them as are fetched in whole: all, or none where they are
    /// large. The bytes of neighbours share memory.
    pub(super) fn chunks(&self, chunks: &[Option<Chunk>; ROLES]) -> Result<[(u64, Bytes); ROLES], Fault> {
        let mut windows = chunks.map(|chunk| (chunk.map_or(0, |chunk| chunk.start), Bytes::new()));
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
