//! Page headers: Thrift's compact protocol from anyone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightbill::inputs::parquet::fuzzing::page_header;

fuzz_target!(|bytes: &[u8]| page_header(bytes));
