//! Commit records.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nightbill::ledger::record::{BatchId, CommitRecord};

fuzz_target!(|json: &[u8]| {
    if let Ok(record) = CommitRecord::from_json(json) {
        let again = CommitRecord::from_json(&record.to_json()).expect("what is written is read");
        assert!(again.is_same_work(&record), "written and read, it is the same work");
    }
    if let Some(batch) = std::str::from_utf8(json).ok().and_then(BatchId::parse) {
        assert_eq!(Some(batch), BatchId::parse(&batch.to_string()));
    }
});
