//! What was used of grants that the last snapshot does not have, although they are older than it.

use crate::ledger::state::Listings;
use crate::rules::account_day::{AccountDay, GrantId};
use crate::rules::facts::{Opening, OpeningGrant, Package};
use crate::units::calendar::Calendar;
use crate::units::quantity::{AccountId, BillingDay, Quota};

use super::error::SettleError;

/// An account whose opening may lack grants.
pub(crate) struct Lookback<'a> {
    pub calendar: &'a Calendar,
    /// The day that is settled.
    pub day: BillingDay,
    /// `lookback_days` of the job.
    pub lookback_days: u32,
    pub account: AccountId,
    pub packages: &'a [Package<'a>],
    /// Its rows of `opening_grants`.
    pub opening_grants: &'a [(&'a str, Quota)],
}

impl Lookback<'_> {
    /// The opening with what was used of grants that are older than the last snapshot but not in it: a purchase or refund that
    /// came late has changed their days, so that they are valid again, or their refund is to be decided. None when there is no
    /// such grant. `day` is what the opening as it is comes to.
    ///
    /// # Errors
    /// [`SettleError`] when an earlier batch is not as recorded, or a date leaves the calendar.
    pub(crate) fn completed(
        &self,
        opening: &Opening,
        day: &AccountDay<'_>,
        listings: &mut Listings<'_>,
    ) -> Result<Option<Opening>, SettleError> {
        let mut completed: Option<Opening> = None;
        let given_back = day
            .refunds
            .iter()
            .map(|refund| GrantId::Package(refund.request.package));
        for grant in day.grants.iter().map(|state| state.grant).chain(given_back) {
            let Some(since) = self.listed_since(grant, opening)? else {
                continue;
            };
            let id = grant.to_string();
            let known = completed.as_ref().unwrap_or(opening);
            if known.grants.iter().any(|grant| grant.id == id) {
                continue;
            }
            let listed = listings.latest(self.account, &id, since)?;
            let before = self.opening_grants.iter().find(|(grant, _)| *grant == id);
            let before = before.map(|(_, used)| opening_grant(&id, *used));
            if let Some(grant) = listed.or(before) {
                completed.get_or_insert_with(|| opening.clone()).grants.push(grant);
            }
        }
        Ok(completed)
    }

    /// The first day whose batch may have listed a grant that began before this day; None for one that begins with it, or that
    /// nobody knows.
    fn listed_since(&self, grant: GrantId<'_>, opening: &Opening) -> Result<Option<BillingDay>, SettleError> {
        let first = match grant {
            GrantId::Free { first_day, .. } => first_day,
            GrantId::Package(id) => {
                let bought = self.packages.iter().find(|package| package.id == id);
                let renewed = || opening.carried.renewals.iter().find(|renewal| renewal.id == id);
                let purchased_at = bought.map(|package| package.purchased_at);
                let Some(at) = purchased_at.or_else(|| renewed().map(|renewal| renewal.purchased_at)) else {
                    return Ok(None);
                };
                self.calendar.day_of(at)?
            }
        };
        // Its days may have moved within the time in which settled days are looked at again.
        let since = self
            .day
            .checked_add_days(-i64::from(self.lookback_days))
            .unwrap_or(first);
        Ok((first < self.day).then_some(first.min(since)))
    }
}

/// A row of `opening_grants`.
pub(crate) fn opening_grant(id: &str, used: Quota) -> OpeningGrant {
    OpeningGrant {
        id: id.to_owned(),
        opening: used,
        used,
    }
}
