//! Reports: what was posted, told to people. They read the ledger and compute with the rules, and write nothing to it.

pub mod timeline;
