//! One day as a merge in account order: usage groups, dimensions and opening snapshots come in account order, chunks of
//! accounts go through the rules on all threads, and one writer gets their rows in order.
//!
//! Only the dimensions and a window of chunks are in memory.

use std::iter::Peekable;

use rayon::prelude::*;

use crate::inputs::dimensions::Dimensions;
use crate::inputs::usage::{Group, Groups};
use crate::ledger::batch::BatchWriter;
use crate::ledger::state::{AccountState, StateReader};
use crate::ledger::tables::{RowContext, Rows, RowsBuilder};
use crate::rules::account_day::{AccountFacts, DayContext, RuleError, settle_account_day};
use crate::rules::facts::{Opening, OpeningGrant, UsageGroup};
use crate::rules::quantity::Instant;

use super::Progress;
use super::error::SettleError;
use super::facts;
use super::totals::{DayTotals, UsageDigest};

/// A chunk is closed at this many accounts …
const CHUNK_ACCOUNTS: usize = 2_048;
/// … or this many usage groups, whichever comes first.
const CHUNK_GROUPS: usize = 32_768;
/// Chunks per thread in a window.
const CHUNKS_PER_THREAD: usize = 4;

/// What a day is settled with.
pub(super) struct Night<'a> {
    pub day: DayContext<'a>,
    pub rows: RowContext<'a>,
    pub dimensions: &'a Dimensions,
    pub known_at: Instant,
    pub progress: &'a dyn Progress,
}

/// Accounts in order, with their usage and where they stood.
#[derive(Default)]
struct Chunk {
    accounts: Vec<ChunkAccount>,
    usage: Vec<UsageGroup>,
}

struct ChunkAccount {
    position: u32,
    usage_end: usize,
    opening: Opening,
}

impl Night<'_> {
    /// Settles every account that is known at the day's billing time and appends its rows. The day's totals, and the
    /// digest of its usage.
    ///
    /// # Errors
    /// [`SettleError`] of the account that comes first in account order; nothing is committed.
    pub fn run(
        &self,
        groups: Groups,
        states: StateReader,
        writer: &mut BatchWriter<'_>,
    ) -> Result<(DayTotals, String), SettleError> {
        let mut feed = Feed {
            night: self,
            groups: groups.peekable(),
            states: states.peekable(),
            next_position: 0,
            digest: UsageDigest::new(self.day.book),
        };
        let mut totals = DayTotals::default();
        let mut window = feed.window()?;
        let mut settled: Vec<Rows> = Vec::new();
        while !window.is_empty() || !settled.is_empty() {
            let (appended, (rows, next)) = rayon::join(
                || settled.drain(..).try_for_each(|rows| writer.append(rows)),
                || rayon::join(|| self.settle_window(&window), || feed.window()),
            );
            appended?;
            for (rows, chunk_totals) in rows? {
                totals.add(&chunk_totals).map_err(|what| SettleError::OutOfRange {
                    day: self.day.day,
                    what,
                })?;
                settled.push(rows);
            }
            window = next?;
        }
        Ok((totals, feed.finish()?))
    }

    /// The rows of a window's chunks, in order; the error of the first chunk that has one.
    fn settle_window(&self, window: &[Chunk]) -> Result<Vec<(Rows, DayTotals)>, SettleError> {
        let results: Vec<_> = window.par_iter().map(|chunk| self.settle_chunk(chunk)).collect();
        results.into_iter().collect()
    }

    fn settle_chunk(&self, chunk: &Chunk) -> Result<(Rows, DayTotals), SettleError> {
        let mut rows = RowsBuilder::new(self.rows);
        let mut totals = DayTotals::default();
        let mut usage_start = 0;
        for entry in &chunk.accounts {
            let usage = &chunk.usage[usage_start..entry.usage_end];
            usage_start = entry.usage_end;
            self.settle_account(entry, usage, &mut rows, &mut totals)?;
        }
        self.progress.accounts_settled(chunk.accounts.len());
        Ok((rows.finish(), totals))
    }

    fn settle_account(
        &self,
        entry: &ChunkAccount,
        usage: &[UsageGroup],
        rows: &mut RowsBuilder<'_>,
        totals: &mut DayTotals,
    ) -> Result<(), SettleError> {
        let account = self.dimensions.account(entry.position);
        let packages = self.dimensions.packages(entry.position);
        let payments = self.dimensions.payments(entry.position);
        let requests = self.dimensions.refund_requests(entry.position);
        let day = settle_account_day(
            self.day,
            AccountFacts {
                account,
                packages: &packages,
                payments: &payments,
                usage,
                opening: &entry.opening,
            },
            None,
        )
        .map_err(|source: RuleError| SettleError::Rules {
            day: self.day.day,
            source,
        })?;
        let digest = facts::digest(self.day.book, &account, &packages, &requests, self.known_at);
        totals
            .count(self.day, &day, usage, &packages)
            .map_err(|what| SettleError::OutOfRange {
                day: self.day.day,
                what,
            })?;
        rows.push_account(account.id, &day, usage, digest)
            .map_err(|error| SettleError::OutOfRange {
                day: self.day.day,
                what: error.what,
            })
    }
}

/// Merges usage groups, dimensions and opening states by account.
struct Feed<'n, 'a> {
    night: &'n Night<'a>,
    groups: Peekable<Groups>,
    states: Peekable<StateReader>,
    next_position: u32,
    digest: UsageDigest,
}

impl Feed<'_, '_> {
    /// The next window of chunks; empty when all accounts have come.
    fn window(&mut self) -> Result<Vec<Chunk>, SettleError> {
        let chunks = rayon::current_num_threads() * CHUNKS_PER_THREAD;
        let mut window = Vec::with_capacity(chunks);
        while window.len() < chunks {
            let chunk = self.chunk()?;
            if chunk.accounts.is_empty() {
                break;
            }
            window.push(chunk);
        }
        Ok(window)
    }

    fn chunk(&mut self) -> Result<Chunk, SettleError> {
        let index = self.night.dimensions.index();
        let mut chunk = Chunk::default();
        while chunk.accounts.len() < CHUNK_ACCOUNTS && chunk.usage.len() < CHUNK_GROUPS {
            let position = self.next_position;
            if position as usize >= index.len() {
                break;
            }
            self.next_position += 1;
            if index.registered_at(position) > self.night.known_at {
                continue;
            }
            let opening = self.opening(position)?;
            while let Some(group) = self.groups.next_if(|group| group.account == position) {
                self.digest.add(index.account_id(position), &group);
                chunk.usage.push(usage_group(&group));
            }
            chunk.accounts.push(ChunkAccount {
                position,
                usage_end: chunk.usage.len(),
                opening,
            });
        }
        Ok(chunk)
    }

    /// Where the account stood: its state in the ledger, or what `opening` says when the ledger sees it for the first
    /// time. A grant that the ledger sees for the first time begins with what `opening_grants` says of it, also when its
    /// account is known: a purchase can come to light late.
    fn opening(&mut self, position: u32) -> Result<Opening, SettleError> {
        let dimensions = self.night.dimensions;
        let mut opening = match self.state_of(dimensions.index().account_id(position))? {
            Some(state) => state.opening,
            None => Opening {
                balance: dimensions.opening_balance(position),
                ..Opening::default()
            },
        };
        for (id, used) in dimensions.opening_grants(position) {
            if opening.grants.iter().all(|grant| grant.id != id) {
                opening.grants.push(OpeningGrant {
                    id: id.to_owned(),
                    opening: used,
                    used,
                    void: false,
                });
            }
        }
        Ok(opening)
    }

    /// The account's state in the ledger, None when the ledger does not know it.
    fn state_of(&mut self, id: i64) -> Result<Option<AccountState>, SettleError> {
        let due = |state: &Result<AccountState, _>| state.as_ref().map_or(true, |state| state.account.get() <= id);
        let Some(state) = self.states.next_if(due) else {
            return Ok(None);
        };
        let state = state?;
        if state.account.get() == id {
            Ok(Some(state))
        } else {
            Err(self.gone(state.account.get()))
        }
    }

    /// The digest of all usage. After the last account nothing may be left over.
    fn finish(mut self) -> Result<String, SettleError> {
        if let Some(state) = self.states.next() {
            return Err(self.gone(state?.account.get()));
        }
        assert!(
            self.groups.next().is_none(),
            "the scan accepts usage of known accounts only"
        );
        Ok(self.digest.finish())
    }

    fn gone(&self, account: i64) -> SettleError {
        SettleError::AccountGone {
            day: self.night.day.day,
            account,
        }
    }
}

fn usage_group(group: &Group) -> UsageGroup {
    UsageGroup {
        app: group.app,
        tier: group.tier,
        period: group.period,
        seconds: group.seconds,
        rows: group.rows,
    }
}
