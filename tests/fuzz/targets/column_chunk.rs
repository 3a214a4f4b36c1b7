//! Column chunks: page headers, checks, decompression and decoding, without a footer around them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightbill::inputs::parquet::fuzzing::column_chunk;

fuzz_target!(|bytes: &[u8]| column_chunk(bytes));
