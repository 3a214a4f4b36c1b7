//! The ledger: what its tables are, that the same rows give the same bytes, and that a batch is all or nothing.

mod commit;
mod faulty;
mod fixture;
mod records;
mod state;
mod tables;
