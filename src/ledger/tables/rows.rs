//! From one account's day to rows.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, RecordBatch};
use chrono::Datelike;

use crate::catalog::book::{Book, Cadence, Item, ItemId, ItemKind, TierId};
use crate::inputs::rejects::Reject;
use crate::rules::account_day::{AccountDay, BalanceState, Bill, BillLine, Deduction, DeductionPeriod, GrantId};
use crate::rules::account_day::{GrantState, UsageLine};
use crate::rules::facts::UsageGroup;
use crate::rules::quantity::{AccountId, BillingDay, Instant, OutOfRange};

use super::Table;
use super::builders::{self, TierNames, push_text};

/// Rows of all tables for a run of accounts in ascending order, as Arrow batches: what one rayon task makes and the one
/// writer takes.
#[derive(Debug, Clone)]
pub struct Rows {
    /// One batch per table, by position in [`Table::ALL`].
    pub batches: Vec<RecordBatch>,
}

impl Rows {
    /// No rows.
    pub fn empty() -> Self {
        let empty = |table: Table| RecordBatch::new_empty(table.schema());
        Self {
            batches: Table::ALL.into_iter().map(empty).collect(),
        }
    }
}

/// What all rows of a batch share.
#[derive(Clone, Copy)]
pub struct RowContext<'a> {
    /// Names of items, tiers, plans, lists.
    pub book: &'a Book,
    /// The billing day.
    pub day: BillingDay,
    /// The day's billing time: `issued_at`.
    pub issued_at: Instant,
    /// Whether `usage_periods` has rows.
    pub deduction_period: DeductionPeriod,
}

/// Builds [`Rows`] account by account.
pub struct RowsBuilder<'a> {
    context: RowContext<'a>,
    /// By [`TierId`]: where (item, tier) stands among all, by name.
    ranks: Vec<usize>,
    /// Positions of the rows at hand in the order of their table; kept to be used again.
    order: Vec<usize>,
    usage_daily: builders::UsageDaily,
    usage_periods: builders::UsagePeriods,
    bill_lines: builders::BillLines,
    bills: builders::Bills,
    deductions: builders::Deductions,
    grants: builders::Grants,
    accounts: builders::Accounts,
    rejects: builders::Rejects,
}

impl<'a> RowsBuilder<'a> {
    /// An empty builder.
    pub fn new(context: RowContext<'a>) -> Self {
        Self {
            context,
            ranks: ranks(context.book),
            order: Vec::new(),
            usage_daily: builders::UsageDaily::default(),
            usage_periods: builders::UsagePeriods::default(),
            bill_lines: builders::BillLines::default(),
            bills: builders::Bills::default(),
            deductions: builders::Deductions::default(),
            grants: builders::Grants::default(),
            accounts: builders::Accounts::default(),
            rejects: builders::Rejects::default(),
        }
    }

    /// Adds an account's day; accounts come in ascending order. `periods` are its usage groups (`usage_periods` rows with
    /// 5-minute deduction), `facts` the digest of its dated facts. After an error the builder is of no more use.
    ///
    /// # Errors
    /// [`OutOfRange`] when a number has more digits than its column.
    pub fn push_account(
        &mut self,
        account: AccountId,
        day: &AccountDay<'_>,
        periods: &[UsageGroup],
        facts: i64,
    ) -> Result<(), OutOfRange> {
        self.push_usage(account, &day.usage);
        if self.context.deduction_period == DeductionPeriod::FiveMinutes {
            self.push_periods(account, periods)?;
        }
        self.push_lines(account, &day.lines)?;
        self.push_bills(account, &day.bills)?;
        self.push_deductions(account, &day.deductions)?;
        self.push_grants(account, &day.grants)?;
        self.push_balance(account, &day.balance, facts)
    }

    /// Adds rejected rows of the day, in any order.
    pub fn push_rejects(&mut self, rejects: &[Reject]) {
        let mut sorted: Vec<&Reject> = rejects.iter().collect();
        sorted.sort_unstable_by_key(|reject| (reject.account_id, &reject.file, reject.row));
        let table = &mut self.rejects;
        for reject in sorted {
            table.day.append_value(self.context.day.epoch_days());
            table.file.append_value(&reject.file);
            table.row.append_value(reject.row);
            table.reason.append_value(reject.reason.as_str());
            table.account.append_option(reject.account_id);
            table.app.append_option(reject.sdk_app_id);
            table.meter.append_option(reject.meter.as_deref());
            table.ts.push(reject.ts);
            table.seconds.append_option(reject.seconds);
            table.pixels.append_option(reject.pixels);
        }
    }

    /// The rows.
    pub fn finish(self) -> Rows {
        let mut rows = Rows::empty();
        let built = [
            (Table::UsageDaily, self.usage_daily.finish()),
            (Table::UsagePeriods, self.usage_periods.finish()),
            (Table::BillLines, self.bill_lines.finish()),
            (Table::Bills, self.bills.finish()),
            (Table::Deductions, self.deductions.finish()),
            (Table::Grants, self.grants.finish()),
            (Table::Accounts, self.accounts.finish()),
            (Table::Rejects, self.rejects.finish()),
        ];
        for (table, arrays) in built {
            rows.batches[table.position()] = batch(table, arrays);
        }
        rows
    }

    fn push_usage(&mut self, account: AccountId, usage: &[UsageLine]) {
        let (names, ranks, day) = (self.names(), &self.ranks, self.context.day);
        sort(&mut self.order, usage, |a, b| {
            (a.app, ranks[a.tier.index()]).cmp(&(b.app, ranks[b.tier.index()]))
        });
        for line in self.order.iter().map(|&position| &usage[position]) {
            let table = &mut self.usage_daily;
            table.key.push(account, line.app, day, names.of(line.tier));
            table.seconds.append_value(line.seconds.get());
            table.rows.append_value(line.rows);
        }
    }

    fn push_periods(&mut self, account: AccountId, groups: &[UsageGroup]) -> Result<(), OutOfRange> {
        let (names, ranks, day) = (self.names(), &self.ranks, self.context.day);
        sort(&mut self.order, groups, |a, b| {
            (a.app, ranks[a.tier.index()], a.period).cmp(&(b.app, ranks[b.tier.index()], b.period))
        });
        for group in self.order.iter().map(|&position| &groups[position]) {
            let table = &mut self.usage_periods;
            let period = i16::try_from(group.period).map_err(|_| OutOfRange { what: "period" })?;
            table.key.push(account, group.app, day, names.of(group.tier));
            table.period.append_value(period);
            table.seconds.append_value(group.seconds.get());
        }
        Ok(())
    }

    fn push_lines(&mut self, account: AccountId, lines: &[BillLine]) -> Result<(), OutOfRange> {
        let (names, ranks, day) = (self.names(), &self.ranks, self.context.day);
        sort(&mut self.order, lines, |a, b| {
            (a.app, ranks[a.tier.index()]).cmp(&(b.app, ranks[b.tier.index()]))
        });
        let book = self.context.book;
        for line in self.order.iter().map(|&position| &lines[position]) {
            let table = &mut self.bill_lines;
            let item = book.item_of(line.tier);
            let (start, _) = period(item, day);
            push_text(&mut table.bill_id, format_args!("{account}/{start}/{}", item.id));
            table.key.push(account, line.app, day, names.of(line.tier));
            table.seconds.append_value(line.seconds.get());
            table.minutes.append_value(line.minutes.get());
            table.free_minutes.append_value(line.free_minutes.get());
            table.package_minutes.append_value(line.package_minutes.get());
            table.payg_minutes.append_value(line.payg_minutes.get());
            table.unbilled_minutes.append_value(line.unbilled_minutes.get());
            table.quantity.push("quantity", line.quantity.units())?;
            table.unit.append_value(unit(&item.kind));
            table.unit_price.push("unit_price", line.unit_price.units())?;
            table.per.append_value(item.per);
            table.amount.push("amount", line.amount.units())?;
            table.currency.append_value(&book.currency);
            let list = line.price_list.map(|list| &book.price_lists[list.index()].id);
            table.price_list.append_option(list);
        }
        Ok(())
    }

    fn push_bills(&mut self, account: AccountId, bills: &[Bill]) -> Result<(), OutOfRange> {
        let (book, day) = (self.context.book, self.context.day);
        let item_of = |id: ItemId| &book.items[id.index()];
        sort(&mut self.order, bills, |a, b| {
            let key = |bill: &Bill| (period(item_of(bill.item), day).0, &item_of(bill.item).id);
            key(a).cmp(&key(b))
        });
        for bill in self.order.iter().map(|&position| &bills[position]) {
            let table = &mut self.bills;
            let item = item_of(bill.item);
            let (start, end) = period(item, day);
            push_text(&mut table.bill_id, format_args!("{account}/{start}/{}", item.id));
            table.account.append_value(account.get());
            table.period_start.append_value(start.epoch_days());
            table.period_end.append_value(end.epoch_days());
            table.item.append_value(&item.id);
            table.cadence.append_value(item.cadence.as_str());
            table.exact.push("exact", bill.exact.units())?;
            table.amount.push("amount", bill.amount.units())?;
            table.currency.append_value(&book.currency);
            table.issued_at.push(Some(self.context.issued_at));
        }
        Ok(())
    }

    fn push_deductions(&mut self, account: AccountId, deductions: &[Deduction<'_>]) -> Result<(), OutOfRange> {
        let (names, ranks, day) = (self.names(), &self.ranks, self.context.day);
        sort(&mut self.order, deductions, |a, b| {
            let key = |deduction: &Deduction<'_>| (deduction.app, ranks[deduction.tier.index()]);
            key(a).cmp(&key(b)).then_with(|| by_text(&a.grant, &b.grant))
        });
        for deduction in self.order.iter().map(|&position| &deductions[position]) {
            let table = &mut self.deductions;
            table.key.push(account, deduction.app, day, names.of(deduction.tier));
            push_text(&mut table.grant_id, format_args!("{}", deduction.grant));
            table.grant_kind.append_value(deduction.grant.kind());
            table.minutes.append_value(deduction.minutes.get());
            table.ratio.push("ratio", deduction.ratio.units())?;
            table.quota.push("quota", deduction.quota.units())?;
        }
        Ok(())
    }

    fn push_grants(&mut self, account: AccountId, grants: &[GrantState<'_>]) -> Result<(), OutOfRange> {
        sort(&mut self.order, grants, |a, b| by_text(&a.grant, &b.grant));
        for grant in self.order.iter().map(|&position| &grants[position]) {
            let table = &mut self.grants;
            let plan = grant.plan.map_or("free", |plan| &self.context.book.plan(plan).id);
            table.account.append_value(account.get());
            push_text(&mut table.grant_id, format_args!("{}", grant.grant));
            table.kind.append_value(grant.grant.kind());
            table.plan.append_value(plan);
            table.push_apps(grant.apps);
            table.valid_from.append_value(grant.valid_from.epoch_days());
            table.valid_to.append_value(grant.valid_to.epoch_days());
            table.quota.push("quota", grant.quota.units())?;
            table.opening.push("opening", grant.opening.units())?;
            table.used.push("used", grant.used.units())?;
            table.balance.push("balance", grant.balance.units())?;
            table.status.append_value(grant.status.as_str());
        }
        Ok(())
    }

    fn push_balance(&mut self, account: AccountId, balance: &BalanceState, facts: i64) -> Result<(), OutOfRange> {
        let table = &mut self.accounts;
        table.account.append_value(account.get());
        table.day.append_value(self.context.day.epoch_days());
        table.opening.push("opening balance", balance.opening.units())?;
        table.paid.push("payments", balance.paid.units())?;
        table.charged.push("charges", balance.charged.units())?;
        table.closing.push("closing balance", balance.closing.units())?;
        table.paid_total.push("payments so far", balance.paid_total.units())?;
        table.state.append_value("active");
        table.facts.append_value(facts);
        Ok(())
    }

    fn names(&self) -> Names<'a> {
        Names(self.context.book)
    }
}

#[derive(Clone, Copy)]
struct Names<'a>(&'a Book);

impl<'a> Names<'a> {
    fn of(self, tier: TierId) -> TierNames<'a> {
        TierNames {
            item: &self.0.item_of(tier).id,
            tier: &self.0.tiers[tier.index()].name,
        }
    }
}

/// Where each tier stands when all are sorted by the names of item and tier.
fn ranks(book: &Book) -> Vec<usize> {
    let mut sorted: Vec<(usize, &str, &str)> = (0..book.tiers.len())
        .map(|position| {
            let tier = &book.tiers[position];
            (position, book.items[tier.item.index()].id.as_str(), tier.name.as_str())
        })
        .collect();
    sorted.sort_by_key(|&(_, item, tier)| (item, tier));
    let mut ranks = vec![0; sorted.len()];
    for (rank, (position, ..)) in sorted.into_iter().enumerate() {
        ranks[position] = rank;
    }
    ranks
}

/// Fills `order` with the positions of `rows` in ascending order.
fn sort<T>(order: &mut Vec<usize>, rows: &[T], compare: impl Fn(&T, &T) -> Ordering) {
    order.clear();
    order.extend(0..rows.len());
    order.sort_by(|&a, &b| compare(&rows[a], &rows[b]));
}

/// Grants in the order of their ids' bytes.
fn by_text(a: &GrantId<'_>, b: &GrantId<'_>) -> Ordering {
    match (a, b) {
        (GrantId::Package(a), GrantId::Package(b)) => a.cmp(b),
        // Of one account, and dates of four-digit years are as long as one another.
        (GrantId::Free { first_day: a, .. }, GrantId::Free { first_day: b, .. }) => a.cmp(b),
        (GrantId::Package(_), GrantId::Free { .. }) => by_text(b, a).reverse(),
        (GrantId::Free { .. }, GrantId::Package(id)) if !id.starts_with("free:") => "free:".cmp(id),
        (GrantId::Free { .. }, GrantId::Package(id)) => a.to_string().as_str().cmp(id),
    }
}

/// First and last day of the bill that an item's usage of a day goes on.
fn period(item: &Item, day: BillingDay) -> (BillingDay, BillingDay) {
    match item.cadence {
        Cadence::Daily => (day, day),
        // The whole calendar month, billed by the batch of its last day (SPEC 3.7).
        Cadence::Monthly => (first_of_month(day), day),
    }
}

fn first_of_month(day: BillingDay) -> BillingDay {
    let date = day.date();
    BillingDay::from_date(date.with_day(1).expect("every month has a first day"))
}

/// The unit of an item's quantities (SPEC 4).
fn unit(kind: &ItemKind) -> &'static str {
    match kind {
        ItemKind::Duration => "minute",
        ItemKind::Peak { .. } => "mbps",
        ItemKind::Count { .. } => "image",
        ItemKind::Unique => "user",
    }
}

fn batch(table: Table, arrays: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(table.schema(), arrays).expect("the builders follow the schemas, which a test compares")
}
