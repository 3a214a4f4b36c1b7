//! The commit protocol: stage, commit, publish (SPEC 5).

use crate::rules::quantity::BillingDay;
use crate::store::{Store, StoreError};

use super::record::{BatchId, CommitRecord, ControlTotals, DimensionEntry, InputEntry, JobDigest};
use super::tables::Rows;

/// A ledger in a store.
pub struct Ledger {
    store: Store,
    batches: Vec<BatchId>,
}

impl Ledger {
    /// Opens the ledger of a store: lists its commit records. A store without one is an empty ledger.
    ///
    /// # Errors
    /// [`LedgerError`] when the store fails or `_batches` holds what is no commit record.
    pub fn open(store: Store) -> Result<Self, LedgerError> {
        let _ = store;
        todo!("ledger helper")
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Every committed batch, ascending.
    pub fn batches(&self) -> &[BatchId] {
        &self.batches
    }

    /// The first settled day.
    pub fn first_settled_day(&self) -> Option<BillingDay> {
        self.batches.first().map(|batch| batch.day)
    }

    /// The last settled day.
    pub fn last_settled_day(&self) -> Option<BillingDay> {
        self.batches.last().map(|batch| batch.day)
    }

    /// A commit record.
    ///
    /// # Errors
    /// [`LedgerError`] when it is missing or unreadable.
    pub fn record(&self, id: BatchId) -> Result<CommitRecord, LedgerError> {
        let _ = id;
        todo!("ledger helper")
    }

    /// Finishes the publishing of the last commit, if it is not finished: copies its staged files to their final names and
    /// puts `_batches/<id>.published`. Says whether there was anything to do.
    ///
    /// # Errors
    /// [`LedgerError`] when a staged file is missing or the store fails.
    pub fn finish_publishing(&self) -> Result<bool, LedgerError> {
        todo!("ledger helper")
    }

    /// Begins a batch in a new staging directory.
    ///
    /// # Errors
    /// [`LedgerError`] when the store fails.
    pub fn begin(&self, id: BatchId) -> Result<BatchWriter<'_>, LedgerError> {
        let _ = id;
        todo!("ledger helper")
    }
}

/// Writes one batch: the tables' rows in account order, then the commit.
pub struct BatchWriter<'a> {
    ledger: &'a Ledger,
}

/// What the commit record says beside the files.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Job and catalog.
    pub job: JobDigest,
    /// The catalog's text, kept once as `_catalog/<sha256>.toml`.
    pub catalog_text: String,
    /// Usage files.
    pub inputs: Vec<InputEntry>,
    /// Dimension files.
    pub dimensions: Vec<DimensionEntry>,
    /// Control totals.
    pub totals: ControlTotals,
}

/// How a commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
    /// This run posted the batch.
    Posted(CommitRecord),
    /// Another run had posted the same work.
    AlreadyPosted(CommitRecord),
}

impl BatchWriter<'_> {
    /// Adds rows; runs of accounts come in ascending order. Full parts are encoded and staged as they fill.
    ///
    /// # Errors
    /// [`LedgerError`] when the store fails.
    pub fn append(&mut self, rows: Rows) -> Result<(), LedgerError> {
        let _ = (rows, self.ledger);
        todo!("ledger helper")
    }

    /// Stages the rest, commits with one create-only put, and publishes.
    ///
    /// # Errors
    /// [`LedgerError::LostRace`] when another run posted a different batch of this id first (exit 4); this
    /// attempt's staged files are deleted.
    pub fn commit(self, facts: Facts) -> Result<Committed, LedgerError> {
        let _ = facts;
        todo!("ledger helper")
    }

    /// Gives the batch up and deletes what it staged.
    pub fn abandon(self) {
        todo!("ledger helper")
    }
}

/// What can go wrong with a ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run posted this batch first, with other work (exit 4).
    #[error("batch {batch} was posted by another run while this one was settling it; nothing of this run was posted")]
    LostRace {
        /// The batch.
        batch: BatchId,
    },
    /// Something in the output directory is not as the ledger wrote it (exit 3).
    #[error("{path}: {message}")]
    Damaged {
        /// The object, relative to the output.
        path: String,
        /// What is wrong.
        message: String,
    },
    /// The day has no batch (exit 2).
    #[error("{day} is not settled")]
    NotSettled {
        /// The day.
        day: BillingDay,
    },
    /// The store failed (exit 5).
    #[error(transparent)]
    Store(#[from] StoreError),
}
