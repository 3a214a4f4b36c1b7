//! What of a settled day people should look at: nothing of it stops a night.

use crate::units::quantity::BillingDay;

use super::night::{Merged, Notice};

/// The warnings of a day.
pub(super) fn of_day(day: BillingDay, merged: &Merged) -> Vec<String> {
    let (totals, notices) = (&merged.totals, &merged.notices);
    let mut warnings = Vec::new();
    warnings.extend(counted(&notices.packages_gone, "package", "packages").map(|packages| {
        format!(
            "{packages} that the ledger lists and that are not over are not in the packages on {day}: they serve nobody; put their \
             rows back (a refund is a row with refunded_at)"
        )
    }));
    warnings.extend(counted(&notices.late_openings, "account", "accounts").map(|accounts| {
        format!(
            "opening or opening_grants name {accounts} that registered since the first settled day; these rows are for what \
             stood before that day: they were applied, check whether they belong there"
        )
    }));
    warnings.extend(
        counted(&notices.breaches, "purchase", "purchases")
            .map(|purchases| format!("{purchases}: beyond what the plan allows, and billed on {day} all the same")),
    );
    if totals.idle_openings > 0 {
        warnings.push(format!(
            "{} rows of opening_grants name a free cycle that does not contain {day}: they are without effect",
            totals.idle_openings
        ));
    }
    if totals.payments_gone > 0 {
        warnings.push(format!(
            "{} accounts have fewer payments on {day} than were counted before, and none paid out: the difference was taken from \
             their balances; look for missing rows in payments",
            totals.payments_gone
        ));
    }
    if totals.unpriced_minutes > 0 {
        warnings.push(format!(
            "{} unbilled minutes of {day} are of tiers without a price",
            totals.unpriced_minutes
        ));
    }
    if totals.unpriced_quantities > 0 {
        warnings.push(format!(
            "{} lines of {day} have a quantity of a tier without a price: it is counted and not billed",
            totals.unpriced_quantities
        ));
    }
    warnings
}

/// `3 packages (P of account 7, …)`; None when there is none.
fn counted(notice: &Notice, one: &str, many: &str) -> Option<String> {
    match notice.count {
        0 => None,
        1 => Some(format!("1 {one} ({})", notice.first)),
        count => Some(format!("{count} {many} ({}, …)", notice.first)),
    }
}
