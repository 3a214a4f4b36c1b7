//! The commit protocol: stage, commit, publish (SPEC 5).

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use crate::store::{Store, StoreError};
use crate::units::digest::sha256_hex;
use crate::units::quantity::BillingDay;

use super::parts::{Staging, TableEncoder};
use super::publish::{self, BATCHES, Put, published_path, record_path};
use super::record::{BatchId, CommitRecord, ControlTotals, DimensionEntry, InputEntry, JobDigest, Previous, TableFile};
use super::tables::{Rows, Table};

/// A ledger in a store, as it was when it was opened: open it again after a commit.
#[derive(Debug)]
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
        let batches = list(&store)?;
        Ok(Self { store, batches })
    }

    /// Makes sure that the store can keep a ledger: that it has create-only put. Called at the start of a run that posts.
    ///
    /// # Errors
    /// [`LedgerError::Store`] when it has none, or fails.
    pub fn check_store(&self) -> Result<(), LedgerError> {
        let probe = format!("_staging/probe-{}", new_attempt());
        Ok(self.store.check_create_only(&probe)?)
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
        if self.batches.binary_search(&id).is_err() {
            return Err(LedgerError::NotSettled { day: id.day });
        }
        parse_record(id, &self.store.get(&record_path(id))?)
    }

    /// Accepted usage rows of the up to `count` settled days before `day`, the latest first: what a day's rows are
    /// compared with before they are believed to be all.
    ///
    /// # Errors
    /// [`LedgerError`] when a record is unreadable.
    pub fn recent_accepted_rows(&self, day: BillingDay, count: usize) -> Result<Vec<u64>, LedgerError> {
        let earlier = self.batches.iter().rev().filter(|id| id.posting == 0 && id.day < day);
        earlier
            .take(count)
            .map(|id| Ok(self.record(*id)?.totals.accepted_rows))
            .collect()
    }

    /// Whether all files of a batch have their final names.
    ///
    /// # Errors
    /// [`LedgerError`] when the store fails.
    pub fn is_published(&self, id: BatchId) -> Result<bool, LedgerError> {
        Ok(self.store.head(&published_path(id))?.is_some())
    }

    /// Finishes the publishing of the last commit, if it is not finished: copies its staged files to their final names and
    /// puts `_batches/<id>.published`. Says whether there was anything to do.
    ///
    /// # Errors
    /// [`LedgerError`] when a staged file is missing or the store fails.
    pub fn finish_publishing(&self) -> Result<bool, LedgerError> {
        let Some(&last) = self.batches.last() else {
            return Ok(false);
        };
        if self.is_published(last)? {
            return Ok(false);
        }
        publish::publish(&self.store, last, &self.record(last)?)?;
        Ok(true)
    }

    /// Begins a batch in a new staging directory.
    ///
    /// # Errors
    /// [`LedgerError::LostRace`] when another run has posted since the ledger was opened, [`LedgerError::Store`] when
    /// the store fails.
    pub fn begin(&self, id: BatchId) -> Result<BatchWriter<'_>, LedgerError> {
        self.check_unchanged(id)?;
        let staging = Arc::new(Staging {
            store: self.store.clone(),
            batch: id,
            directory: format!("_staging/{id}/{}", new_attempt()),
        });
        self.store.create_directory(&staging.directory)?;
        let encoders = Table::ALL
            .into_iter()
            .map(|table| TableEncoder::spawn(table, Arc::clone(&staging)))
            .collect();
        Ok(BatchWriter {
            ledger: self,
            staging,
            encoders,
            last_account: None,
            keep_staged: false,
        })
    }
}

impl Ledger {
    /// What was posted since this run looked (another day, a correction) changed what it reckons with. A rival for the
    /// batch itself is for the commit to settle.
    fn check_unchanged(&self, own: BatchId) -> Result<(), LedgerError> {
        let unseen = |other: &BatchId| *other != own && self.batches.binary_search(other).is_err();
        match list(&self.store)?.into_iter().find(unseen) {
            Some(batch) => Err(LedgerError::LostRace { batch }),
            None => Ok(()),
        }
    }
}

/// The ids of all commit records, ascending.
fn list(store: &Store) -> Result<Vec<BatchId>, LedgerError> {
    let mut batches = BTreeSet::new();
    for object in store.list(BATCHES)? {
        let name = object.path.rsplit('/').next().unwrap_or_default();
        if name.starts_with(['.', '_']) {
            continue;
        }
        let id = name.strip_suffix(".json").and_then(BatchId::parse);
        let mark = name.strip_suffix(".published").and_then(BatchId::parse);
        match (id, mark) {
            (Some(id), _) => {
                batches.insert(id);
            }
            (None, Some(_)) => {}
            (None, None) => {
                return Err(LedgerError::Damaged {
                    path: object.path,
                    message: "is neither a commit record (YYYY-MM-DD.NN.json) nor its .published mark; move it away"
                        .to_owned(),
                });
            }
        }
    }
    Ok(batches.into_iter().collect())
}

fn parse_record(id: BatchId, json: &[u8]) -> Result<CommitRecord, LedgerError> {
    let damaged = |message| LedgerError::damaged(id, message);
    let record = CommitRecord::from_json(json).map_err(damaged)?;
    if record.batch == id.to_string() {
        Ok(record)
    } else {
        Err(damaged(format!("is the record of batch {}", record.batch)))
    }
}

/// A name that no other attempt of any run has: the standard library's hash keys come from the system's randomness.
fn new_attempt() -> String {
    format!("{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// Writes one batch: the tables' rows in account order, then the commit. Dropped without one, it deletes what it staged.
pub struct BatchWriter<'a> {
    ledger: &'a Ledger,
    staging: Arc<Staging>,
    /// By position in [`Table::ALL`]; none after the tables are finished.
    encoders: Vec<TableEncoder>,
    last_account: Option<i64>,
    keep_staged: bool,
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
    /// Adds rows; runs of accounts come in ascending order. Full parts are encoded and staged as they fill, on threads
    /// of their own: this call returns when the encoders have taken the rows.
    ///
    /// # Errors
    /// [`LedgerError`] when the store fails; then the batch can only be given up.
    pub fn append(&mut self, rows: Rows) -> Result<(), LedgerError> {
        assert!(!self.encoders.is_empty(), "a batch that failed can only be given up");
        self.check_order(&rows);
        let failed = self
            .encoders
            .iter()
            .zip(rows.batches)
            .position(|(encoder, batch)| !encoder.send(batch));
        match failed {
            None => Ok(()),
            Some(_) => self.finish_encoders().map(|_| ()),
        }
    }

    /// Every part of every table, in the order of [`Table::ALL`]. Waits for all encoders, also when one failed.
    fn finish_encoders(&mut self) -> Result<Vec<TableFile>, LedgerError> {
        let encoders = std::mem::take(&mut self.encoders);
        let finished: Vec<_> = encoders.into_iter().map(TableEncoder::finish).collect();
        let parts = finished.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(parts.into_iter().flatten().collect())
    }

    /// Every account has one row in `accounts`, so its order is that of all tables.
    fn check_order(&mut self, rows: &Rows) {
        let accounts = &rows.batches[Table::Accounts.position()];
        let ids = accounts.column(0).as_primitive::<Int64Type>().values();
        let (Some(first), Some(last)) = (ids.first(), ids.last()) else {
            return;
        };
        assert!(
            self.last_account < Some(*first),
            "runs of accounts come in ascending order"
        );
        assert!(ids.is_sorted(), "accounts come in ascending order");
        self.last_account = Some(*last);
    }

    /// Stages the rest, commits with one create-only put, and publishes. After an error that is not
    /// [`LedgerError::LostRace`] the batch may or may not be posted: the next run sees, and publishes it if it is.
    ///
    /// # Errors
    /// [`LedgerError::LostRace`] when another run posted a different batch of this id first (exit 4); this
    /// attempt's staged files are deleted.
    pub fn commit(mut self, facts: Facts) -> Result<Committed, LedgerError> {
        assert!(!self.encoders.is_empty(), "a batch that failed can only be given up");
        self.encoders.iter().for_each(TableEncoder::close);
        let files = self.finish_encoders()?;
        let (id, store) = (self.staging.batch, &self.ledger.store);
        keep_catalog(store, &facts)?;
        let record = self.record(facts, files)?;
        self.ledger.check_unchanged(id)?;
        let theirs = match publish::put_record(store, id, &record.to_json()) {
            Put::Won => {
                self.keep_staged = true;
                publish::publish(store, id, &record)?;
                return Ok(Committed::Posted(record));
            }
            Put::Unknown(error) => {
                self.keep_staged = true;
                return Err(error.into());
            }
            Put::Lost(stored) => parse_record(id, &stored)?,
        };
        if !record.is_same_work(&theirs) {
            return Err(LedgerError::LostRace { batch: id });
        }
        publish::publish(store, id, &theirs)?;
        Ok(Committed::AlreadyPosted(theirs))
    }

    fn record(&self, facts: Facts, files: Vec<TableFile>) -> Result<CommitRecord, LedgerError> {
        let (id, ledger) = (self.staging.batch, self.ledger);
        let before = ledger.batches.iter().rev().find(|batch| **batch < id);
        let previous = match before {
            None => None,
            Some(before) => Some(Previous {
                batch: before.to_string(),
                digest: sha256_hex(&ledger.store.get(&record_path(*before))?),
            }),
        };
        Ok(CommitRecord {
            format: CommitRecord::FORMAT,
            batch: id.to_string(),
            day: id.day.to_string(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            tzdata: chrono_tz::IANA_TZDB_VERSION.to_owned(),
            job: facts.job,
            inputs: facts.inputs,
            dimensions: facts.dimensions,
            totals: facts.totals,
            previous,
            files,
        })
    }
}

impl Drop for BatchWriter<'_> {
    fn drop(&mut self) {
        // They end without their last parts, and their errors matter to nobody now.
        let _ = self.finish_encoders();
        if self.keep_staged {
            return;
        }
        // Staged files without a commit are seen by nobody; those that stay cost space and nothing else.
        if let Err(error) = self.staging.store.delete_below(&self.staging.directory) {
            tracing::warn!(%error, "staged files of a batch that was given up were not deleted");
        }
    }
}

/// Keeps the catalog's text, once for all batches that were posted with it.
fn keep_catalog(store: &Store, facts: &Facts) -> Result<(), LedgerError> {
    let digest = sha256_hex(facts.catalog_text.as_bytes());
    assert_eq!(
        digest, facts.job.catalog,
        "the job's catalog digest is of the catalog's text"
    );
    let path = format!("_catalog/{digest}.toml");
    if store.head(&path)?.is_some() {
        return Ok(());
    }
    match store.put_new(&path, facts.catalog_text.clone().into()) {
        Ok(()) | Err(StoreError::AlreadyExists { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What can go wrong with a ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Another run posted this batch first with other work, or posted while this one was settling (exit 4).
    #[error(
        "batch {batch} was posted by another run while this one was settling; nothing of the day that this run was at was posted"
    )]
    LostRace {
        /// The batch that the other run posted.
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

impl LedgerError {
    /// A batch's commit record says what cannot be.
    pub(crate) fn damaged(batch: BatchId, message: String) -> Self {
        Self::Damaged {
            path: record_path(batch),
            message,
        }
    }
}
