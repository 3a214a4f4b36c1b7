//! Whether a settled day's inputs still add up to what was posted (SPEC 5: late data).

use std::collections::BTreeMap;

use crate::ledger::batch::LedgerError;
use crate::ledger::record::{BatchId, CommitRecord, InputEntry};
use crate::ledger::state::state_at;
use crate::store::Object;
use crate::units::quantity::{BillingDay, Instant};

use super::error::SettleError;
use super::run::Run;
use super::totals::UsageDigest;
use super::{facts_digest, gates};

/// What a look at a settled day found.
pub(super) enum Found {
    /// Everything adds up to what was posted. The files that are gone change nothing by themselves.
    Unchanged { gone: Vec<String> },
    /// Something does not: what, for people.
    Changed(String),
}

impl Run<'_> {
    /// Compares a settled day's inputs with its batch.
    pub(super) fn look_at_settled(&self, day: BillingDay, record: &CommitRecord) -> Result<Found, SettleError> {
        let posted: BTreeMap<&str, &InputEntry> = record
            .inputs
            .iter()
            .filter(|file| file.input == "usage")
            .map(|file| (file.path.as_str(), file))
            .collect();
        let files = gates::files_of_day(self.job, &self.listing, day)?.files;
        let gone: Vec<String> = posted
            .keys()
            .filter(|path| !files.iter().any(|(_, object)| object.path == **path))
            .map(|path| (*path).to_owned())
            .collect();
        let touched = files
            .iter()
            .find(|(_, object)| !posted.get(object.path.as_str()).is_some_and(|file| same(file, object)));
        if let Some((_, object)) = touched
            && !self.adds_up(day, &files, record)?
        {
            return Ok(Found::Changed(format!(
                "the usage file {} is new or has changed",
                object.path
            )));
        }
        let gone_of_others = match self.look_at_measured(day, record)? {
            Ok(gone) => gone,
            Err(change) => return Ok(Found::Changed(change)),
        };
        let gone = [gone, gone_of_others].concat();
        let known_at = self.job.calendar.billing_instant(day)?;
        match self.first_changed_account(day, known_at)? {
            Some(change) => Ok(Found::Changed(change)),
            None => Ok(Found::Unchanged { gone }),
        }
    }

    /// Usage of settled days that is not what was posted: late files, which only corrections can bill. Looks back
    /// `lookback_days`, and at the listing alone.
    pub(super) fn late_usage(&self) -> Result<Option<String>, SettleError> {
        let Some(last) = self.ledger.last_settled_day() else {
            return Ok(None);
        };
        let since = last
            .checked_add_days(-i64::from(self.job.lookback_days))
            .unwrap_or(last);
        let mut late = Vec::new();
        for batch in self.ledger.batches().iter().filter(|batch| batch.day > since) {
            let record = self.ledger.record(*batch)?;
            for (_, object) in gates::files_of_day(self.job, &self.listing, batch.day)?.files {
                let mut usage = record.inputs.iter().filter(|file| file.input == "usage");
                let posted = usage.find(|file| file.path == object.path);
                if posted.is_none_or(|posted| posted.size != object.size) {
                    late.push(object.path);
                }
            }
        }
        late.sort();
        late.dedup();
        Ok(late.first().map(|first| {
            let others = match late.len() {
                1 => String::new(),
                count => format!(" and {} more", count - 1),
            };
            format!(
                "{first}{others} came or changed after its day was settled: this version posts no corrections; settle --day \
                 says whether the day still adds up"
            )
        }))
    }

    /// Whether the files' sums are those that were posted, although the files are others.
    fn adds_up(
        &self,
        day: BillingDay,
        files: &[(BillingDay, Object)],
        record: &CommitRecord,
    ) -> Result<bool, SettleError> {
        // The digest is over the groups as they were summed.
        let period = record.deduction_period();
        let period = period.map_err(|message| LedgerError::damaged(BatchId::settling(day), message))?;
        let scan = self.scan(day, files, period)?;
        let index = self.dimensions.index();
        let mut digest = UsageDigest::new(&self.book);
        for group in scan.groups {
            digest.add(index.account_id(group.account), &group);
        }
        Ok(digest.finish() == record.totals.usage_digest && scan.rejects.total() == record.totals.rejected_rows)
    }

    /// The first account whose dated facts are not those that the day's batch knew.
    fn first_changed_account(&self, day: BillingDay, known_at: Instant) -> Result<Option<String>, SettleError> {
        let index = self.dimensions.index();
        let mut states = state_at(&self.ledger, &self.book, Some(day))?.peekable();
        for position in 0..u32::try_from(index.len()).expect("positions are 32 bits") {
            if index.registered_at(position) > known_at {
                continue;
            }
            let id = index.account_id(position);
            let state = match states.next() {
                Some(state) => state?,
                None => return Ok(Some(format!("account {id} was registered late"))),
            };
            if state.account.get() < id {
                return Ok(Some(format!("account {} is gone", state.account)));
            }
            if state.account.get() > id {
                return Ok(Some(format!("account {id} was registered late")));
            }
            let now = facts_digest::digest(
                &self.book,
                &self.dimensions.account(position),
                &self.dimensions.packages(position),
                &self.dimensions.refund_requests(position),
                known_at,
            );
            if now != state.facts {
                return Ok(Some(format!(
                    "the packages, refunds or other dated facts of account {id} have changed"
                )));
            }
        }
        match states.next() {
            Some(state) => Ok(Some(format!("account {} is gone", state?.account))),
            None => Ok(None),
        }
    }
}

fn same(posted: &InputEntry, now: &Object) -> bool {
    posted.size == now.size && posted.etag == now.etag
}
