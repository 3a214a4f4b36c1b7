//! The ledger: append-only batches of Parquet tables in an object store, and the commit protocol that makes each
//! batch all or nothing (SPEC 4, 5).

pub mod batch;
pub mod history;
pub(crate) mod parts;
mod publish;
mod read;
pub mod record;
pub mod state;
pub mod tables;
pub mod verify;
