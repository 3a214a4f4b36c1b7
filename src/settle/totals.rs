//! What a day adds up to, over all its accounts.

use crate::catalog::book::Book;
use crate::inputs::rejects::{Reason, Rejects};
use crate::inputs::usage::Group;
use crate::ledger::record::{ControlTotals, DecisionTotals, MinuteTotals};
use crate::rules::account_day::AccountDay;
use crate::rules::dunning::{Standing, State};
use crate::rules::facts::{Payment, UsageGroup};
use crate::units::digest;
use crate::units::quantity::{Amount, Cents, Quantity};

/// The name of a sum that left 64 bits.
pub(super) type Overflow = &'static str;

macro_rules! day_totals {
    ($($(#[$doc:meta])* $field:ident: $what:literal,)*) => {
        /// Sums over accounts, all checked.
        #[derive(Default, Clone)]
        pub(super) struct DayTotals {
            $($(#[$doc])* pub $field: i64,)*
            exact: Amount,
            amount: Cents,
            paid: Cents,
            closing: Cents,
        }

        impl DayTotals {
            /// Adds the totals of other accounts.
            pub(super) fn add(&mut self, other: &Self) -> Result<(), Overflow> {
                $(self.$field = self.$field.checked_add(other.$field).ok_or($what)?;)*
                self.exact = self.exact.plus(other.exact).map_err(|error| error.what)?;
                self.amount = self.amount.plus(other.amount).map_err(|error| error.what)?;
                self.paid = self.paid.plus(other.paid).map_err(|error| error.what)?;
                self.closing = self.closing.plus(other.closing).map_err(|error| error.what)?;
                Ok(())
            }
        }
    };
}

day_totals! {
    accepted_rows: "rows",
    accepted_seconds: "seconds",
    accounts: "accounts",
    apps: "apps",
    lines: "lines",
    bills: "bills",
    minutes: "minutes",
    free_minutes: "minutes",
    package_minutes: "minutes",
    payg_minutes: "minutes",
    unbilled_minutes: "minutes",
    /// Minutes left unbilled because their tier has no price.
    unpriced_minutes: "minutes",
    /// Lines with a quantity that costs nothing because its tier has no price.
    unpriced_quantities: "lines",
    /// Accounts of which payments were counted before that are gone now.
    payments_gone: "accounts",
    /// Rows of `opening_grants` that name a free cycle that does not run.
    idle_openings: "openings",
    /// Accounts that became overdue.
    overdue: "accounts",
    /// Accounts that were suspended.
    suspended: "accounts",
    /// Accounts that were removed.
    removed: "accounts",
    /// Accounts that are active again.
    resumed: "accounts",
    /// Packages bought, renewals of the night before among them.
    purchased: "packages",
    /// Packages renewed for the day after.
    renewed: "packages",
    /// Refund requests approved.
    refunded: "refunds",
    /// Refund requests refused.
    refused: "refunds",
}

impl DayTotals {
    /// Counts one account's day; `before` is how the account stood when it began.
    pub(super) fn count(
        &mut self,
        day: &AccountDay<'_>,
        usage: &[UsageGroup],
        payments: &[Payment],
        before: Standing,
    ) -> Result<(), Overflow> {
        let now = day.standing.state();
        let became = |state| i64::from(now == state && before.state() != state);
        let approved = day.refunds.iter().filter(|refund| refund.outcome.is_ok()).count();
        let paid_out = payments.iter().any(|payment| payment.amount < Cents::ZERO);
        let mut one = Self {
            accounts: 1,
            apps: length(usage.chunk_by(|a, b| a.app == b.app).count()),
            lines: length(day.lines.len() + day.purchases.len() + day.credits.len()),
            bills: length(day.bills.len()),
            paid: day.balance.paid,
            closing: day.balance.closing,
            amount: day.balance.charged,
            payments_gone: i64::from(day.balance.paid < Cents::ZERO && !paid_out),
            overdue: became(State::Overdue),
            suspended: became(State::Suspended),
            removed: became(State::Removed),
            resumed: became(State::Active),
            renewed: length(day.renewals.len()),
            refunded: length(approved),
            refused: length(day.refunds.len() - approved),
            ..Self::default()
        };
        for line in &day.purchases {
            let bought = line.quantity.units() / Quantity::from_whole(1).map_err(|error| error.what)?.units();
            one.purchased = one.purchased.checked_add(bought).ok_or("packages")?;
        }
        for bill in &day.bills {
            one.exact = one.exact.plus(bill.exact).map_err(|error| error.what)?;
        }
        self.add(&one)?;
        for group in usage {
            let rows = group.rows;
            let accepted_seconds = group.seconds.get();
            self.add(&Self {
                accepted_rows: rows,
                accepted_seconds,
                ..Self::default()
            })?;
        }
        for line in &day.lines {
            let unpriced = if line.price_list.is_none() {
                line.unbilled_minutes.get()
            } else {
                0
            };
            let counted = line.price_list.is_none() && line.quantity > Quantity::ZERO;
            self.add(&Self {
                unpriced_quantities: i64::from(counted),
                minutes: line.minutes.get(),
                free_minutes: line.free_minutes.get(),
                package_minutes: line.package_minutes.get(),
                payg_minutes: line.payg_minutes.get(),
                unbilled_minutes: line.unbilled_minutes.get(),
                unpriced_minutes: unpriced,
                ..Self::default()
            })?;
        }
        Ok(())
    }

    /// The control totals of the commit record.
    pub(super) fn control(&self, rejects: &Rejects, usage_digest: &str) -> Result<ControlTotals, Overflow> {
        let accepted_rows = self.accepted_rows.unsigned_abs();
        let rejected = Reason::ALL
            .into_iter()
            .zip(rejects.counts)
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| (reason.as_str().to_owned(), count))
            .collect();
        Ok(ControlTotals {
            rows: accepted_rows.checked_add(rejects.total()).ok_or("rows")?,
            seconds: self.accepted_seconds.checked_add(rejects.seconds).ok_or("seconds")?,
            accepted_rows,
            accepted_seconds: self.accepted_seconds,
            rejected_rows: rejects.total(),
            rejected,
            usage_digest: usage_digest.to_owned(),
            measured: Vec::new(),
            accounts: self.accounts.unsigned_abs(),
            apps: self.apps.unsigned_abs(),
            lines: self.lines.unsigned_abs(),
            bills: self.bills.unsigned_abs(),
            minutes: MinuteTotals {
                total: self.minutes,
                free: self.free_minutes,
                package: self.package_minutes,
                payg: self.payg_minutes,
                unbilled: self.unbilled_minutes,
            },
            decisions: DecisionTotals {
                overdue: self.overdue.unsigned_abs(),
                suspended: self.suspended.unsigned_abs(),
                removed: self.removed.unsigned_abs(),
                resumed: self.resumed.unsigned_abs(),
                purchased: self.purchased.unsigned_abs(),
                renewed: self.renewed.unsigned_abs(),
                refunded: self.refunded.unsigned_abs(),
                refused: self.refused.unsigned_abs(),
            },
            amount: self.amount.to_string(),
            exact: self.exact.to_string(),
            paid: self.paid.to_string(),
            closing: self.closing.to_string(),
        })
    }
}

/// A length as a count: memory cannot hold 2^63 of anything.
fn length(length: usize) -> i64 {
    i64::try_from(length).expect("a length fits 63 bits")
}

/// SHA-256 over a day's usage groups in their order: equal digests mean equal sums, whatever files they came from.
pub(super) struct UsageDigest {
    hash: digest::Hasher,
    tiers: Vec<[u8; 8]>,
}

impl UsageDigest {
    /// Nothing yet. Tiers count by name, so that their order in the catalog does not matter to the digest of one.
    pub(super) fn new(book: &Book) -> Self {
        let tiers = book.tiers.iter().map(|tier| {
            let name = format!("{}\n{}", book.items[tier.item.index()].id, tier.name);
            let mut first = [0_u8; 8];
            first.copy_from_slice(&digest::sha256(name)[..8]);
            first
        });
        Self {
            hash: digest::Hasher::default(),
            tiers: tiers.collect(),
        }
    }

    /// The next group of an account.
    pub(super) fn add(&mut self, account_id: i64, group: &Group) {
        let mut bytes = [0_u8; 42];
        bytes[..8].copy_from_slice(&account_id.to_le_bytes());
        bytes[8..16].copy_from_slice(&group.app.get().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.tiers[group.tier.index()]);
        bytes[24..26].copy_from_slice(&group.period.to_le_bytes());
        bytes[26..34].copy_from_slice(&group.seconds.get().to_le_bytes());
        bytes[34..].copy_from_slice(&group.rows.to_le_bytes());
        self.hash.update(bytes);
    }

    /// The digest in hex.
    pub(super) fn finish(self) -> String {
        self.hash.finish_hex()
    }
}
