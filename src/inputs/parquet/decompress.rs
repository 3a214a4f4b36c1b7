//! Page decompression into buffers of a size that is known and checked before.
//!
//! The parquet crate reads gzip, brotli and lz4 to their end, whatever the header says: a page of a megabyte could
//! fill the memory.

use std::cell::RefCell;
use std::io::{self, Read};

use parquet::basic::CompressionCodec;
use zstd::bulk::Decompressor;

/// Bytes of the prefix of each Hadoop lz4 block: two sizes, big-endian.
const HADOOP_PREFIX: usize = 8;

/// Why a page cannot be decompressed.
#[derive(Debug, thiserror::Error)]
pub(in crate::inputs) enum DecompressError {
    /// The codec says the bytes are not its own.
    #[error("{codec} cannot be decompressed: {message}")]
    Corrupt { codec: CompressionCodec, message: String },
    /// The page does not have the size that its header says.
    #[error("a page decompresses to another size than its header says")]
    WrongSize,
    /// A codec that nobody implements.
    #[error("the codec {0} is not supported: write the file with zstd, snappy, lz4 or none")]
    Unsupported(CompressionCodec),
}

/// The page's bytes, appended to `out`; exactly `size` of them.
pub(in crate::inputs) fn decompress(
    codec: CompressionCodec,
    page: &[u8],
    size: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecompressError> {
    let before = out.len();
    let corrupt = |message: String| DecompressError::Corrupt { codec, message };
    let read =
        |reader: &mut dyn Read, out: &mut Vec<u8>| read_at_most(reader, size, out).map_err(|e| corrupt(e.to_string()));
    match codec {
        CompressionCodec::UNCOMPRESSED => out.extend_from_slice(page),
        CompressionCodec::SNAPPY => {
            out.resize(before + size, 0);
            let written = snap::raw::Decoder::new()
                .decompress(page, &mut out[before..])
                .map_err(|error| corrupt(error.to_string()))?;
            out.truncate(before + written);
        }
        CompressionCodec::GZIP => read(&mut flate2::read::MultiGzDecoder::new(page), out)?,
        CompressionCodec::ZSTD => zstd_frames(page, size, out).map_err(|error| corrupt(error.to_string()))?,
        CompressionCodec::BROTLI => {
            // RFC 7932 reserves this start; the decoder takes it for windows of up to a gigabyte.
            if page.first().is_some_and(|byte| byte & 0x7f == 0x11) {
                return Err(corrupt("large windows are not part of the format".to_owned()));
            }
            read(&mut brotli::Decompressor::new(page, 64 << 10), out)?;
        }
        CompressionCodec::LZ4_RAW => lz4_block(page, size, out).map_err(corrupt)?,
        CompressionCodec::LZ4 => lz4_of_any_kind(page, size, out).map_err(corrupt)?,
        codec => return Err(DecompressError::Unsupported(codec)),
    }
    if out.len() - before == size {
        Ok(())
    } else {
        Err(DecompressError::WrongSize)
    }
}

thread_local! {
    /// Making one takes longer than decompressing a small page.
    static ZSTD: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn zstd_frames(page: &[u8], size: usize, out: &mut Vec<u8>) -> io::Result<()> {
    ZSTD.with_borrow_mut(|context| {
        let context = match context {
            Some(context) => context,
            None => context.insert(Decompressor::new()?),
        };
        if out.is_empty() {
            // The capacity is what is written to, and it is not filled with zeros before.
            out.reserve_exact(size);
            return context.decompress_to_buffer(page, out).map(drop);
        }
        let before = out.len();
        out.resize(before + size, 0);
        let written = context.decompress_to_buffer(page, &mut out[before..])?;
        out.truncate(before + written);
        Ok(())
    })
}

/// Reads to the end, or to one byte more than allowed: enough to see that it is too long.
fn read_at_most(reader: &mut dyn Read, size: usize, out: &mut Vec<u8>) -> io::Result<()> {
    out.reserve(size);
    let limit = u64::try_from(size).map_or(u64::MAX, |size| size.saturating_add(1));
    reader.take(limit).read_to_end(out).map(drop)
}

fn lz4_block(page: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let before = out.len();
    out.resize(before + size, 0);
    let written = lz4_flex::block::decompress_into(page, &mut out[before..]).map_err(|error| error.to_string())?;
    out.truncate(before + written);
    Ok(())
}

/// What the deprecated codec `LZ4` stands for depends on the writer: Hadoop's blocks, an lz4 frame (old parquet
/// crates) or one bare block (old parquet-cpp). Tried in this order, as the parquet crate does.
fn lz4_of_any_kind(page: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let before = out.len();
    if lz4_hadoop(page, size, out).is_ok() && out.len() - before == size {
        return Ok(());
    }
    out.truncate(before);
    let frame = read_at_most(&mut lz4_flex::frame::FrameDecoder::new(page), size, out);
    if frame.is_ok() && out.len() - before == size {
        return Ok(());
    }
    out.truncate(before);
    lz4_block(page, size, out)
}

fn lz4_hadoop(page: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), String> {
    let mut rest = page;
    let mut left = size;
    while !rest.is_empty() {
        let (prefix, blocks) = rest.split_at_checked(HADOOP_PREFIX).ok_or("a block is cut off")?;
        let [a, b, c, d, e, f, g, h] = *prefix else {
            return Err("a block is cut off".to_owned());
        };
        let decompressed = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|error| error.to_string())?;
        let compressed = usize::try_from(u32::from_be_bytes([e, f, g, h])).map_err(|error| error.to_string())?;
        let (block, after) = blocks.split_at_checked(compressed).ok_or("a block is cut off")?;
        left = left
            .checked_sub(decompressed)
            .ok_or("blocks are larger than the page")?;
        let before = out.len();
        lz4_block(block, decompressed, out)?;
        if out.len() - before != decompressed {
            return Err("a block has another size than it says".to_owned());
        }
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 5, 22);
        encoder.write_all(bytes).unwrap();
        drop(encoder);
        out
    }

    fn frame(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn hadoop(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for block in bytes.chunks(100_000) {
            let packed = lz4_flex::block::compress(block);
            out.extend(u32::try_from(block.len()).unwrap().to_be_bytes());
            out.extend(u32::try_from(packed.len()).unwrap().to_be_bytes());
            out.extend(packed);
        }
        out
    }

    fn packed(bytes: &[u8]) -> Vec<(CompressionCodec, Vec<u8>)> {
        vec![
            (CompressionCodec::UNCOMPRESSED, bytes.to_vec()),
            (
                CompressionCodec::SNAPPY,
                snap::raw::Encoder::new().compress_vec(bytes).unwrap(),
            ),
            (CompressionCodec::GZIP, gzip(bytes)),
            (CompressionCodec::ZSTD, zstd::bulk::compress(bytes, 3).unwrap()),
            (CompressionCodec::BROTLI, brotli(bytes)),
            (CompressionCodec::LZ4_RAW, lz4_flex::block::compress(bytes)),
            (CompressionCodec::LZ4, hadoop(bytes)),
            (CompressionCodec::LZ4, frame(bytes)),
            (CompressionCodec::LZ4, lz4_flex::block::compress(bytes)),
        ]
    }

    #[test]
    fn every_codec_gives_back_what_went_in() {
        let bytes: Vec<u8> = (0..300_000_u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        for (codec, page) in packed(&bytes) {
            let mut out = vec![1, 2, 3];
            decompress(codec, &page, bytes.len(), &mut out).unwrap_or_else(|error| panic!("{codec}: {error}"));
            assert!(out[..3] == [1, 2, 3] && out[3..] == bytes, "{codec}");
        }
    }

    #[test]
    fn a_bomb_is_an_error_and_fills_nothing() {
        let bytes = vec![0_u8; 64 << 20];
        for (codec, page) in packed(&bytes) {
            let mut out = Vec::new();
            assert!(decompress(codec, &page, 1_000, &mut out).is_err(), "{codec}");
            assert!(
                codec == CompressionCodec::UNCOMPRESSED || out.capacity() < 1 << 20,
                "{codec}: {}",
                out.capacity()
            );
        }
    }

    #[test]
    fn a_shorter_page_than_announced_is_an_error() {
        let bytes = vec![7_u8; 5_000];
        for (codec, page) in packed(&bytes) {
            assert!(decompress(codec, &page, 5_001, &mut Vec::new()).is_err(), "{codec}");
        }
    }

    #[test]
    fn large_brotli_windows_are_refused() {
        assert!(decompress(CompressionCodec::BROTLI, &[0x11, 0x1e, 0, 0, 0], 10, &mut Vec::new()).is_err());
    }
}
