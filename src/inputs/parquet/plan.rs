//! Which reads bring the bytes of a row group.

use std::ops::Range;

use super::bounds::{MAX_WHOLE_FETCH_BYTES, WINDOW_BYTES};
use super::chunk::Chunk;
use super::footer::RowGroup;
use super::source::ReadAhead;

/// The reads of a row group, in the order in which their bytes are needed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// All of its needed chunks, neighbours together.
    Whole(Vec<Range<u64>>),
    /// Windows of each chunk, in the order in which rows need them: a window half way through its chunk comes before one that is
    /// three quarters through another.
    Windows(Vec<Range<u64>>),
}

impl Plan {
    /// Without `ahead` only adjacent chunks are read together, and windows are left to those who read pages.
    pub(super) fn new(group: &RowGroup, ahead: Option<ReadAhead>) -> Self {
        let mut chunks: Vec<Chunk> = group.chunks.iter().flatten().copied().collect();
        chunks.sort_unstable_by_key(|chunk| (chunk.start, chunk.end));
        let total = chunks
            .iter()
            .try_fold(0_u64, |sum, chunk| sum.checked_add(chunk.end - chunk.start));
        match (total, ahead) {
            (Some(total), ahead) if total <= MAX_WHOLE_FETCH_BYTES => Self::Whole(together(&chunks, ahead)),
            (_, None) => Self::Windows(Vec::new()),
            (_, Some(_)) => Self::Windows(windows(&chunks)),
        }
    }

    pub(super) fn reads(&self) -> &[Range<u64>] {
        match self {
            Self::Whole(reads) | Self::Windows(reads) => reads,
        }
    }

    pub(super) fn into_reads(self) -> Vec<Range<u64>> {
        match self {
            Self::Whole(reads) | Self::Windows(reads) => reads,
        }
    }
}

/// One read for chunks that lie close together. No chunk is cut.
fn together(sorted: &[Chunk], ahead: Option<ReadAhead>) -> Vec<Range<u64>> {
    let (gap, most) = ahead.map_or((0, u64::MAX), |ahead| (ahead.gap, ahead.read_bytes));
    let mut reads: Vec<Range<u64>> = Vec::new();
    for chunk in sorted {
        match reads.last_mut() {
            // Chunks that overlap are of a hostile file: each is read by itself, so that they cannot be many.
            Some(last)
                if last.end <= chunk.start && chunk.start - last.end <= gap && chunk.end - last.start <= most =>
            {
                last.end = chunk.end;
            }
            _ => reads.push(chunk.start..chunk.end),
        }
    }
    reads
}

fn windows(chunks: &[Chunk]) -> Vec<Range<u64>> {
    let mut windows: Vec<(u128, Range<u64>)> = Vec::new();
    for chunk in chunks {
        let length = chunk.end - chunk.start;
        let mut at = chunk.start;
        while at < chunk.end {
            let end = at.saturating_add(WINDOW_BYTES).min(chunk.end);
            let progress = (u128::from(at - chunk.start) << 64) / u128::from(length);
            windows.push((progress, at..end));
            at = end;
        }
    }
    windows.sort_by_key(|(progress, _)| *progress);
    windows.into_iter().map(|(_, range)| range).collect()
}

#[cfg(test)]
mod tests {
    use parquet::basic::{CompressionCodec, Type};

    use super::*;

    fn group(chunks: &[Range<u64>]) -> RowGroup {
        let found = |chunk: &Range<u64>| {
            Some(Chunk {
                start: chunk.start,
                end: chunk.end,
                values: 1,
                codec: CompressionCodec::UNCOMPRESSED,
                physical: Type::INT64,
                nullable: false,
            })
        };
        RowGroup {
            ordinal: 0,
            first_row: 0,
            rows: 1,
            chunks: chunks.iter().map(found).collect(),
        }
    }

    /// Chunks, how they are read, and the reads.
    type Case<'a> = (&'a [Range<u64>], Option<ReadAhead>, &'a [Range<u64>]);

    fn ahead(gap: u64, read_bytes: u64) -> Option<ReadAhead> {
        Some(ReadAhead {
            reads: 1,
            bytes: 1,
            gap,
            read_bytes,
        })
    }

    #[test]
    #[expect(clippy::single_range_in_vec_init, reason = "a row group may need one read")]
    fn chunks_close_together_are_one_read() {
        let cases: [Case<'_>; 8] = [
            (&[4..10, 10..20, 21..30], None, &[4..20, 21..30]),
            (&[21..30, 10..20, 4..10], None, &[4..20, 21..30]),
            (&[4..10, 10..20, 21..30], ahead(0, 100), &[4..20, 21..30]),
            (&[4..10, 10..20, 21..30], ahead(1, 100), &[4..30]),
            (&[4..10, 10..20, 21..30], ahead(1, 26), &[4..30]),
            (&[4..10, 10..20, 21..30], ahead(1, 25), &[4..20, 21..30]),
            (&[4..10, 10..20, 21..30], ahead(1, 5), &[4..10, 10..20, 21..30]),
            (&[4..10, 4..10, 6..12, 12..13], ahead(9, 100), &[4..10, 4..10, 6..13]),
        ];
        for (chunks, ahead, reads) in cases {
            assert_eq!(
                Plan::new(&group(chunks), ahead),
                Plan::Whole(reads.to_vec()),
                "{chunks:?}"
            );
        }
    }

    #[test]
    fn large_chunks_are_read_in_step() {
        let mib = |from: u64, to: u64| 4 + (from << 20)..4 + (to << 20);
        let group = group(&[mib(0, 9), mib(9, 10), mib(10, 50)]);
        assert_eq!(Plan::new(&group, None), Plan::Windows(Vec::new()));
        let Plan::Windows(reads) = Plan::new(&group, ahead(0, 1)) else {
            panic!("50 MiB are not read whole");
        };
        let first = [
            mib(0, 4),
            mib(9, 10),
            mib(10, 14),
            mib(14, 18),
            mib(18, 22),
            mib(22, 26),
            mib(26, 30),
        ];
        assert_eq!(reads[..7], first);
        assert_eq!(reads[7], mib(4, 8), "4 of 9 and 20 of 40 come after 16 of 40");
        let mut sorted = reads;
        sorted.sort_by_key(|read| read.start);
        assert!(sorted.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert_eq!((sorted[0].start, sorted[sorted.len() - 1].end), (4, 4 + (50 << 20)));
    }
}
