//! From one account's day to rows.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, RecordBatch};
use chrono::Datelike;

use crate::catalog::book::{Book, Cadence, ItemKind, TierId};
use crate::inputs::rejects::Reject;
use crate::rules::account_day::{AccountDay, Bill, BillLine, BilledItem, Deduction, DeductionPeriod, GrantId};
use crate::rules::account_day::{GrantState, UsageLine};
use crate::rules::facts::UsageGroup;
use crate::rules::subscriptions::CreditLine;
use crate::units::quantity::{AccountId, BillingDay, Instant, Minutes, OutOfRange, Quantity, SdkAppId, Seconds};
use crate::units::quantity::{Amount, UnitPrice};

use super::Table;
use super::builders::{self, TierNames, push_apps, push_text};
use super::decisions::Decisions;

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
    decisions: Decisions,
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
            decisions: Decisions::default(),
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
        self.push_lines(account, day)?;
        self.push_bills(account, &day.bills)?;
        self.push_deductions(account, &day.deductions)?;
        self.push_grants(account, &day.grants)?;
        self.push_standing(account, day, facts)?;
        self.decisions.push(self.context, account, day)
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
        for (table, arrays) in built.into_iter().chain(self.decisions.finish()) {
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

    fn push_lines(&mut self, account: AccountId, day: &AccountDay<'_>) -> Result<(), OutOfRange> {
        let ranks = &self.ranks;
        if day.purchases.is_empty() && day.credits.is_empty() {
            // By rank, which needs no comparing of names.
            sort(&mut self.order, &day.lines, |a, b| {
                (a.app, ranks[a.tier.index()]).cmp(&(b.app, ranks[b.tier.index()]))
            });
            for place in 0..self.order.len() {
                let line = usage_line(self.context.book, &day.lines[self.order[place]]);
                self.push_line(account, &line)?;
            }
            return Ok(());
        }
        let book = self.context.book;
        let mut lines: Vec<Line<'_>> = day.lines.iter().map(|line| usage_line(book, line)).collect();
        lines.extend(day.purchases.iter().map(|line| Line {
            app: line.app,
            names: names_of(BilledItem::Package, &book.plan(line.plan).id, book),
            quantity: line.quantity,
            unit_price: line.unit_price,
            amount: line.amount,
            ..PACKAGE_LINE
        }));
        lines.extend(day.credits.iter().map(|line| Line {
            app: line.app,
            names: names_of(BilledItem::Refund, line.package, book),
            quantity: CreditLine::QUANTITY,
            unit_price: line.unit_price,
            amount: line.amount,
            ..PACKAGE_LINE
        }));
        lines.sort_by_key(|line| (line.app, line.names.item, line.names.tier));
        lines.iter().try_for_each(|line| self.push_line(account, line))
    }

    fn push_line(&mut self, account: AccountId, line: &Line<'_>) -> Result<(), OutOfRange> {
        let (book, day) = (self.context.book, self.context.day);
        let table = &mut self.bill_lines;
        let (start, _) = period(line.item.cadence(book), day);
        push_text(
            &mut table.bill_id,
            format_args!("{account}/{start}/{}", line.names.item),
        );
        table.key.push(account, line.app, day, line.names);
        table.seconds.append_value(line.seconds.get());
        for (column, minutes) in [
            (&mut table.minutes, line.minutes[0]),
            (&mut table.free_minutes, line.minutes[1]),
            (&mut table.package_minutes, line.minutes[2]),
            (&mut table.payg_minutes, line.minutes[3]),
            (&mut table.unbilled_minutes, line.minutes[4]),
        ] {
            column.append_value(minutes.get());
        }
        table.quantity.push("quantity", line.quantity.units())?;
        table.unit.append_value(line.unit);
        table.unit_price.push("unit_price", line.unit_price.units())?;
        table.per.append_value(line.per);
        table.amount.push("amount", line.amount.units())?;
        table.currency.append_value(&book.currency);
        table.price_list.append_option(line.price_list);
        Ok(())
    }

    fn push_bills(&mut self, account: AccountId, bills: &[Bill]) -> Result<(), OutOfRange> {
        let (book, day) = (self.context.book, self.context.day);
        sort(&mut self.order, bills, |a, b| {
            let key = |bill: &Bill| (period(bill.item.cadence(book), day).0, bill.item.name(book));
            key(a).cmp(&key(b))
        });
        for bill in self.order.iter().map(|&position| &bills[position]) {
            let table = &mut self.bills;
            let (name, cadence) = (bill.item.name(book), bill.item.cadence(book));
            let (start, end) = period(cadence, day);
            push_text(&mut table.bill_id, format_args!("{account}/{start}/{name}"));
            table.account.append_value(account.get());
            table.period_start.append_value(start.epoch_days());
            table.period_end.append_value(end.epoch_days());
            table.item.append_value(name);
            table.cadence.append_value(cadence.as_str());
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
            push_apps(&mut table.apps, grant.apps);
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

    fn push_standing(&mut self, account: AccountId, day: &AccountDay<'_>, facts: i64) -> Result<(), OutOfRange> {
        let (table, balance) = (&mut self.accounts, &day.balance);
        table.account.append_value(account.get());
        table.day.append_value(self.context.day.epoch_days());
        table.opening.push("opening balance", balance.opening.units())?;
        table.paid.push("payments", balance.paid.units())?;
        table.charged.push("charges", balance.charged.units())?;
        table.closing.push("closing balance", balance.closing.units())?;
        table.paid_total.push("payments so far", balance.paid_total.units())?;
        table.state.append_value(day.state().as_str());
        let (overdue, suspended) = (day.standing.overdue(), day.standing.suspended());
        table.overdue_since.push(overdue.map(|dates| dates.since));
        table.suspend_at.push(overdue.map(|dates| dates.suspend_at));
        table.suspended_at.push(suspended.map(|dates| dates.suspended_at));
        table.remove_at.push(suspended.map(|dates| dates.remove_at));
        table.facts.append_value(facts);
        Ok(())
    }

    fn names(&self) -> Names<'a> {
        Names(self.context.book)
    }
}

/// A row of `bill_lines`, whatever it is for.
struct Line<'a> {
    item: BilledItem,
    app: SdkAppId,
    names: TierNames<'a>,
    seconds: Seconds,
    /// Total, free, package, payg, unbilled.
    minutes: [Minutes; 5],
    quantity: Quantity,
    unit: &'static str,
    unit_price: UnitPrice,
    per: i64,
    amount: Amount,
    price_list: Option<&'a str>,
}

/// What all lines of the items `package` and `refund` have in common.
const PACKAGE_LINE: Line<'_> = Line {
    item: BilledItem::Package,
    app: SdkAppId::ACCOUNT_WIDE,
    names: TierNames { item: "", tier: "" },
    seconds: Seconds::ZERO,
    minutes: [Minutes::ZERO; 5],
    quantity: Quantity::ZERO,
    unit: "package",
    unit_price: UnitPrice::ZERO,
    per: 1,
    amount: Amount::ZERO,
    price_list: None,
};

fn usage_line<'a>(book: &'a Book, line: &BillLine) -> Line<'a> {
    let item = book.item_of(line.tier);
    Line {
        item: BilledItem::Usage(book.tiers[line.tier.index()].item),
        app: line.app,
        names: Names(book).of(line.tier),
        seconds: line.seconds,
        minutes: [
            line.minutes,
            line.free_minutes,
            line.package_minutes,
            line.payg_minutes,
            line.unbilled_minutes,
        ],
        quantity: line.quantity,
        unit: unit(&item.kind),
        unit_price: line.unit_price,
        per: item.per,
        amount: line.amount,
        price_list: line.price_list.map(|list| &*book.price_lists[list.index()].id),
    }
}

fn names_of<'a>(item: BilledItem, tier: &'a str, book: &'a Book) -> TierNames<'a> {
    TierNames {
        item: item.name(book),
        tier,
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

/// First and last day of the bill that lines of a day go on.
fn period(cadence: Cadence, day: BillingDay) -> (BillingDay, BillingDay) {
    match cadence {
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
