//! Catalog files.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use nightbill::catalog::parse::parse;

fuzz_target!(|text: &str| {
    if let Err(error) = parse(Path::new("catalog.toml"), text) {
        assert!(!error.problems.is_empty(), "a refusal says why");
        assert!(!error.to_string().is_empty());
    }
});
