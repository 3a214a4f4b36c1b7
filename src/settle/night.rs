//! One day as a merge in account order: usage groups, dimensions and opening snapshots come in account order, chunks of
//! accounts go through the rules on all threads, and one writer gets their rows in order.
//!
//! Only the dimensions and a window of chunks are in memory.

use std::iter::Peekable;

use rayon::prelude::*;

use crate::inputs::dimensions::Dimensions;
use crate::inputs::measured::Figure;
use crate::inputs::usage::{Group, Groups};
use crate::ledger::batch::{BatchWriter, Ledger};
use crate::ledger::state::{AccountState, Listings, StateReader};
use crate::ledger::tables::{RowContext, Rows, RowsBuilder};
use crate::rules::account_day::{AccountFacts, DayContext, GrantState, settle_account_day};
use crate::rules::dunning::{Standing, State};
use crate::rules::error::RuleError;
use crate::rules::facts::{Measured, Opening, UsageGroup};
use crate::rules::subscriptions::{Breach, Limit};
use crate::units::quantity::{AccountId, Instant};

use super::Progress;
use super::error::SettleError;
use super::facts_digest;
use super::openings::{Lookback, opening_grant};
use super::totals::{DayTotals, UsageDigest};

/// A chunk is closed at this many accounts …
const CHUNK_ACCOUNTS: usize = 512;
/// … or this many usage groups, whichever comes first.
const CHUNK_GROUPS: usize = 8_192;
/// How many of the accounts that a day would suspend or remove are named.
const STOPPED_NAMED: usize = 1_000;
/// How ids of free cycles begin; no package's does.
const FREE: &str = "free:";
/// Chunks per thread in a window.
const CHUNKS_PER_THREAD: usize = 4;

/// What a day is settled with.
pub(super) struct DayMerge<'a> {
    pub day: DayContext<'a>,
    pub rows: RowContext<'a>,
    pub dimensions: &'a Dimensions,
    pub ledger: &'a Ledger,
    pub known_at: Instant,
    /// `lookback_days` of the job.
    pub lookback_days: u32,
    pub progress: &'a dyn Progress,
}

/// What a day came to.
pub(super) struct Merged {
    pub totals: DayTotals,
    /// Digest of the day's usage.
    pub usage_digest: String,
    pub notices: Notices,
    /// Accounts that the day newly suspends or removes.
    pub stopped: Stopped,
}

/// Accounts that a day newly suspends or removes: how many, and the first of them.
#[derive(Debug, Default)]
pub(super) struct Stopped {
    pub count: u64,
    pub named: Vec<i64>,
}

impl Stopped {
    fn note(&mut self, account: i64) {
        self.count += 1;
        if self.named.len() < STOPPED_NAMED {
            self.named.push(account);
        }
    }

    fn add(&mut self, later: Self) {
        self.count += later.count;
        let room = STOPPED_NAMED - self.named.len();
        self.named.extend(later.named.into_iter().take(room));
    }
}

/// Accounts in order, with their usage and where they stood.
#[derive(Default)]
struct Chunk {
    accounts: Vec<ChunkAccount>,
    usage: Vec<UsageGroup>,
    measured: Vec<Measured>,
}

/// What the settling of a chunk adds to.
struct ChunkWork<'a> {
    rows: RowsBuilder<'a>,
    seen: Seen,
    listings: Listings<'a>,
}

/// What a chunk came to beside its rows.
#[derive(Default)]
struct Seen {
    totals: DayTotals,
    stopped: Stopped,
    breaches: Notice,
}

struct ChunkAccount {
    position: u32,
    usage_end: usize,
    measured_end: usize,
    opening: Opening,
    /// Whether the ledger has seen the account before.
    is_known: bool,
}

impl DayMerge<'_> {
    /// Settles every account that is known at the day's billing time and appends its rows.
    ///
    /// # Errors
    /// [`SettleError`] of the account that comes first in account order; nothing is committed.
    pub(super) fn run(
        &self,
        groups: Groups,
        figures: Vec<Figure>,
        states: StateReader,
        writer: &mut BatchWriter<'_>,
    ) -> Result<Merged, SettleError> {
        let mut feed = Feed {
            night: self,
            groups: groups.peekable(),
            figures: figures.into_iter().peekable(),
            states: states.peekable(),
            next_position: 0,
            digest: UsageDigest::new(self.day.book),
            notices: Notices::default(),
        };
        let mut seen = Seen::default();
        let mut window = feed.window()?;
        let mut settled: Vec<Rows> = Vec::new();
        while !window.is_empty() || !settled.is_empty() {
            let (appended, (rows, next)) = rayon::join(
                || settled.drain(..).try_for_each(|rows| writer.append(rows)),
                || rayon::join(|| self.settle_window(&window), || feed.window()),
            );
            appended?;
            for (rows, of_chunk) in rows? {
                seen.totals
                    .add(&of_chunk.totals)
                    .map_err(|what| SettleError::OutOfRange {
                        day: self.day.day,
                        what,
                    })?;
                seen.stopped.add(of_chunk.stopped);
                seen.breaches.add(of_chunk.breaches);
                settled.push(rows);
            }
            window = next?;
        }
        feed.finish(seen)
    }

    /// The rows of a window's chunks, in order; the error of the first chunk that has one.
    fn settle_window(&self, window: &[Chunk]) -> Result<Vec<(Rows, Seen)>, SettleError> {
        let results: Vec<_> = window.par_iter().map(|chunk| self.settle_chunk(chunk)).collect();
        results.into_iter().collect()
    }

    fn settle_chunk(&self, chunk: &Chunk) -> Result<(Rows, Seen), SettleError> {
        let id = |entry: &ChunkAccount| self.dimensions.account(entry.position).id;
        let (Some(first), Some(last)) = (chunk.accounts.first(), chunk.accounts.last()) else {
            return Ok((Rows::empty(), Seen::default()));
        };
        let mut work = ChunkWork {
            rows: RowsBuilder::new(self.rows),
            seen: Seen::default(),
            listings: Listings::new(self.ledger, id(first), id(last)),
        };
        let (mut usage_start, mut measured_start) = (0, 0);
        for entry in &chunk.accounts {
            let usage = &chunk.usage[usage_start..entry.usage_end];
            let measured = &chunk.measured[measured_start..entry.measured_end];
            (usage_start, measured_start) = (entry.usage_end, entry.measured_end);
            self.settle_account(entry, usage, measured, &mut work)?;
        }
        self.progress.accounts_settled(chunk.accounts.len());
        Ok((work.rows.finish(), work.seen))
    }

    fn settle_account(
        &self,
        entry: &ChunkAccount,
        usage: &[UsageGroup],
        measured: &[Measured],
        work: &mut ChunkWork<'_>,
    ) -> Result<(), SettleError> {
        let account = self.dimensions.account(entry.position);
        let packages = self.dimensions.packages(entry.position);
        let payments = self.dimensions.payments(entry.position);
        let requests = self.dimensions.refund_requests(entry.position);
        let disabled = self.dimensions.disabled_apps(entry.position);
        let settle = |opening| {
            let facts = AccountFacts {
                account,
                packages: &packages,
                payments: &payments,
                requests: &requests,
                disabled: &disabled,
                usage,
                measured,
                opening,
            };
            settle_account_day(self.day, facts, None).map_err(|source: RuleError| SettleError::Rules {
                day: self.day.day,
                source,
            })
        };
        let completed;
        let mut day = settle(&entry.opening)?;
        let lookback = Lookback {
            calendar: self.day.calendar,
            day: self.day.day,
            lookback_days: self.lookback_days,
            account: account.id,
            packages: &packages,
            opening_grants: &self.dimensions.opening_grants(entry.position),
        };
        if entry.is_known
            && let Some(opening) = lookback.completed(&entry.opening, &day, &mut work.listings)?
        {
            completed = opening;
            day = settle(&completed)?;
        }
        if !entry.is_known {
            work.seen.totals.idle_openings += idle_cycles(&entry.opening, &day.grants);
        }
        let digest = facts_digest::digest(self.day.book, &account, &packages, &requests, self.known_at);
        work.seen
            .totals
            .count(&day, usage, &payments, entry.opening.standing)
            .map_err(|what| SettleError::OutOfRange {
                day: self.day.day,
                what,
            })?;
        if is_newly_stopped(entry.opening.standing, day.standing) {
            work.seen.stopped.note(account.id.get());
        }
        for breach in &day.breaches {
            work.seen.breaches.note(self.breach(account.id, breach));
        }
        work.rows
            .push_account(account.id, &day, usage, digest)
            .map_err(|error| SettleError::OutOfRange {
                day: self.day.day,
                what: error.what,
            })
    }

    /// A purchase that its plan does not allow, for people.
    fn breach(&self, account: AccountId, breach: &Breach<'_>) -> String {
        let plan = &self.day.book.plan(breach.plan).id;
        let limit = match breach.limit {
            Limit::MaxPurchases(most) => format!("an account may buy {plan} {most} times"),
            Limit::NewCustomers => format!("{plan} is for new customers"),
        };
        format!("{} of account {account}: {limit}", breach.package)
    }
}

/// Whether an account was neither suspended nor removed, or not removed, and is now. Beneath a violation too: removal voids
/// its grants all the same.
fn is_newly_stopped(before: Standing, after: Standing) -> bool {
    let (before, after) = (before.state(), after.state());
    matches!(after, State::Suspended | State::Removed) && after != before
}

/// Merges usage groups, dimensions and opening states by account.
struct Feed<'n, 'a> {
    night: &'n DayMerge<'a>,
    groups: Peekable<Groups>,
    figures: Peekable<std::vec::IntoIter<Figure>>,
    states: Peekable<StateReader>,
    next_position: u32,
    digest: UsageDigest,
    notices: Notices,
}

/// What the merge came across that people should look at.
#[derive(Debug, Default)]
pub(super) struct Notices {
    /// Packages that the ledger lists, that are not over, and that are not in the packages any more.
    pub packages_gone: Notice,
    /// Accounts that registered since the first settled day and have an opening.
    pub late_openings: Notice,
    /// Purchases that their plans do not allow.
    pub breaches: Notice,
}

/// How many, and the first.
#[derive(Debug, Default)]
pub(super) struct Notice {
    pub count: u64,
    pub first: String,
}

impl Notice {
    fn note(&mut self, what: String) {
        if self.count == 0 {
            self.first = what;
        }
        self.count += 1;
    }

    fn add(&mut self, later: Self) {
        if self.count == 0 {
            self.first = later.first;
        }
        self.count += later.count;
    }
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
            let (opening, is_known) = self.opening(position)?;
            while let Some(group) = self.groups.next_if(|group| group.account == position) {
                self.digest.add(index.account_id(position), &group);
                chunk.usage.push(usage_group(&group));
            }
            while let Some(figure) = self.figures.next_if(|figure| figure.account == position) {
                chunk.measured.push(figure.measured);
            }
            chunk.accounts.push(ChunkAccount {
                position,
                usage_end: chunk.usage.len(),
                measured_end: chunk.measured.len(),
                opening,
                is_known,
            });
        }
        Ok(chunk)
    }

    /// Where the account stood: its state in the ledger, or what `opening` and `opening_grants` say when the ledger
    /// sees it for the first time.
    fn opening(&mut self, position: u32) -> Result<(Opening, bool), SettleError> {
        let dimensions = self.night.dimensions;
        let id = dimensions.index().account_id(position);
        let due = |state: &Result<AccountState, _>| state.as_ref().map_or(true, |state| state.account.get() <= id);
        if let Some(state) = self.states.next_if(due) {
            let state = state?;
            if state.account.get() != id {
                return Err(self.gone(state.account.get()));
            }
            self.check_listed_packages(position, &state)?;
            return Ok((state.opening, true));
        }
        let grants = dimensions.opening_grants(position).into_iter();
        let opening = Opening {
            balance: dimensions.opening_balance(position),
            grants: grants.map(|(id, used)| opening_grant(id, used)).collect(),
            ..Opening::default()
        };
        self.note_late_opening(position, &opening)?;
        Ok((opening, false))
    }

    /// Packages that the ledger lists and that are not over: one that is gone serves nobody as long as it is; one that says to be
    /// bought today or later would be given out a second time.
    fn check_listed_packages(&mut self, position: u32, state: &AccountState) -> Result<(), SettleError> {
        let (day, packages) = (self.night.day, self.night.dimensions.packages(position));
        let listed = state
            .opening
            .grants
            .iter()
            .filter(|grant| !state.expired.contains(&grant.id));
        let is_renewal = |id: &str| state.opening.carried.renewals.iter().any(|renewal| renewal.id == id);
        for grant in listed.filter(|grant| !grant.id.starts_with(FREE) && !is_renewal(&grant.id)) {
            match packages.iter().find(|package| package.id == grant.id) {
                None => self
                    .notices
                    .packages_gone
                    .note(format!("{} of account {}", grant.id, state.account)),
                Some(package) if day.calendar.day_of(package.purchased_at)? >= day.day => {
                    return Err(SettleError::PurchaseMoved {
                        day: day.day,
                        account: state.account.get(),
                        package: grant.id.clone(),
                    });
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// `opening` and `opening_grants` are what stood before the first settled day (SPEC 2.6), so an account that registered since
    /// has none.
    fn note_late_opening(&mut self, position: u32, opening: &Opening) -> Result<(), SettleError> {
        let (day, index) = (self.night.day, self.night.dimensions.index());
        let registered_since = index.registered_at(position) >= day.calendar.start_of(day.first_settled_day)?;
        if registered_since && *opening != Opening::default() {
            self.notices.late_openings.note(index.account_id(position).to_string());
        }
        Ok(())
    }

    /// After the last account nothing may be left over.
    fn finish(mut self, seen: Seen) -> Result<Merged, SettleError> {
        if let Some(state) = self.states.next() {
            return Err(self.gone(state?.account.get()));
        }
        assert!(
            self.groups.next().is_none(),
            "the scan accepts usage of known accounts only"
        );
        assert!(
            self.figures.next().is_none(),
            "what is measured is of known accounts only"
        );
        self.notices.breaches = seen.breaches;
        Ok(Merged {
            totals: seen.totals,
            usage_digest: self.digest.finish(),
            notices: self.notices,
            stopped: seen.stopped,
        })
    }

    fn gone(&self, account: i64) -> SettleError {
        SettleError::AccountGone {
            day: self.night.day.day,
            account,
        }
    }
}

/// Free cycles of `opening_grants` other than the one that runs when the ledger sees its account for the first time.
fn idle_cycles(opening: &Opening, grants: &[GrantState<'_>]) -> i64 {
    let free = opening.grants.iter().filter(|grant| grant.id.starts_with(FREE));
    let idle = free.filter(|grant| !grants.iter().any(|state| state.grant.to_string() == grant.id));
    i64::try_from(idle.count()).expect("a length fits 63 bits")
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
