//! What a day adds up to, over all its accounts.

use sha2::{Digest, Sha256};

use crate::catalog::book::Book;
use crate::inputs::rejects::{Reason, Rejects};
use crate::inputs::usage::Group;
use crate::ledger::record::{ControlTotals, MinuteTotals};
use crate::rules::account_day::{AccountDay, DayContext};
use crate::rules::facts::{Package, Payment, UsageGroup};
use crate::rules::quantity::{Amount, Cents, Quantity};

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
    /// Packages bought on the day that have a price and are no gifts.
    purchases: "purchases",
    /// Accounts of which payments were counted before that are gone now.
    payments_gone: "accounts",
    /// Rows of `opening_grants` that name a free cycle that does not run.
    idle_openings: "openings",
    /// Packages with a price and `auto_renew`.
    auto_renewals: "renewals",
}

impl DayTotals {
    /// Counts one account's day.
    pub(super) fn count(
        &mut self,
        context: DayContext<'_>,
        day: &AccountDay<'_>,
        usage: &[UsageGroup],
        packages: &[Package<'_>],
        payments: &[Payment],
    ) -> Result<(), Overflow> {
        let mut one = Self {
            accounts: 1,
            apps: length(usage.chunk_by(|a, b| a.app == b.app).count()),
            lines: length(day.lines.len()),
            bills: length(day.bills.len()),
            paid: day.balance.paid,
            closing: day.balance.closing,
            amount: day.balance.charged,
            ..Self::default()
        };
        let paid_out = payments.iter().any(|payment| payment.amount < Cents::ZERO);
        one.payments_gone = i64::from(day.balance.paid < Cents::ZERO && !paid_out);
        for package in packages {
            let sold = !package.gift && context.book.plan(package.plan).price.is_some();
            let bought = context.calendar.day_of(package.purchased_at);
            one.purchases += i64::from(sold && bought == Ok(context.day));
            one.auto_renewals += i64::from(sold && package.auto_renew);
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
    hash: Sha256,
    tiers: Vec<[u8; 8]>,
}

impl UsageDigest {
    /// Nothing yet. Tiers count by name, so that their order in the catalog does not matter to the digest of one.
    pub(super) fn new(book: &Book) -> Self {
        let tiers = book.tiers.iter().map(|tier| {
            let name = format!("{}\n{}", book.items[tier.item.index()].id, tier.name);
            let mut first = [0_u8; 8];
            first.copy_from_slice(&Sha256::digest(name.as_bytes())[..8]);
            first
        });
        Self {
            hash: Sha256::new(),
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
        crate::hex::hex(&self.hash.finalize())
    }
}
