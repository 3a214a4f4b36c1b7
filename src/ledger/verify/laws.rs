//! Laws 1 to 5 of SPEC section 4 as polars queries. Each takes signed sums by plain key and keeps the keys where they do not
//! come to what the law says; what is left are the offenders.

use polars::prelude::*;

use crate::ledger::batch::LedgerError;
use crate::ledger::record::CommitRecord;

use super::bytes::TableBytes;
use super::frames::{self, AccountRange};
use super::{Sums, VerifyError};

/// The tables that a batch is checked with.
pub(super) struct Scope<'a> {
    pub files: &'a TableBytes<'a>,
    /// The batch, and the earlier ones that hold rows for the days that it changes.
    pub records: &'a [&'a CommitRecord],
    /// The batch itself.
    pub batch: &'a CommitRecord,
    /// The batch before it.
    pub previous: Option<&'a CommitRecord>,
    /// All batches before it: read only where a law cannot be told without them.
    pub earlier: &'a dyn Fn() -> Result<Vec<CommitRecord>, LedgerError>,
}

/// What a law found in a range of accounts.
pub(super) struct Finding {
    /// How many lines, grants, bills or accounts were looked at.
    pub checked: u64,
    /// One row per offender.
    pub offenders: DataFrame,
}

const DEDUCTED: [&str; 3] = ["account_id", "grant_id", "quota"];
const LINE: [&str; 5] = ["account_id", "sdk_app_id", "day", "item", "tier"];

impl Scope<'_> {
    fn read(&self, table: &str, columns: &[&str], range: AccountRange) -> Result<LazyFrame, VerifyError> {
        frames::read(self.files, self.records, table, columns, range)
    }

    fn read_of(
        &self,
        record: Option<&CommitRecord>,
        table: &str,
        columns: &[&str],
        range: AccountRange,
    ) -> Result<Option<LazyFrame>, VerifyError> {
        record
            .map(|record| frames::read(self.files, &[record], table, columns, range))
            .transpose()
    }

    /// Law 1: minutes = free + package + payg + unbilled, per line.
    pub(super) fn minutes_add_up(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        const PARTS: [&str; 4] = ["free_minutes", "package_minutes", "payg_minutes", "unbilled_minutes"];
        let columns = [&LINE[..], &["minutes"], &PARTS].concat();
        let lines = sums(
            self.read("bill_lines", &columns, range)?,
            &LINE,
            &[&["minutes"][..], &PARTS].concat(),
        );
        let parts = PARTS
            .iter()
            .map(|part| col(*part))
            .reduce(|sum, part| sum + part)
            .expect("there are parts");
        finding(lines, col("minutes").neq(parts))
    }

    /// Law 2: free and package minutes of a line = sum of its deductions.
    pub(super) fn minutes_are_deducted(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        let lines = self
            .read(
                "bill_lines",
                &[&LINE[..], &["free_minutes", "package_minutes"]].concat(),
                range,
            )?
            .with_columns([zero("free_deducted"), zero("package_deducted")]);
        let of_kind = |kind: &str, name: &str| {
            when(col("grant_kind").eq(lit(kind.to_owned())))
                .then(col("minutes"))
                .otherwise(zero("none"))
                .alias(name)
        };
        let deductions = self
            .read("deductions", &[&LINE[..], &["grant_kind", "minutes"]].concat(), range)?
            .with_columns([
                zero("free_minutes"),
                zero("package_minutes"),
                of_kind("free", "free_deducted"),
                of_kind("package", "package_deducted"),
            ]);
        const FIGURES: [&str; 4] = ["free_minutes", "package_minutes", "free_deducted", "package_deducted"];
        let lines = sums(stack([lines, deductions], &LINE, &FIGURES)?, &LINE, &FIGURES);
        let broken = col("free_minutes")
            .neq(col("free_deducted"))
            .or(col("package_minutes").neq(col("package_deducted")));
        finding(lines, broken)
    }

    /// Law 3: quota = used + balance, balance >= 0, and used = opening + the deductions of all batches: what the batch
    /// before says was used, and this batch's deductions. A grant that the batch before does not list is new, or its days have
    /// changed: where it does not add up as a new one, the deductions of every earlier batch are looked at.
    pub(super) fn grants_balance(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        let found = self.grants_with(range, None)?;
        if found.offenders.height() == 0 || self.previous.is_none() {
            return Ok(found);
        }
        let earlier = (self.earlier)()?;
        let earlier: Vec<&CommitRecord> = earlier.iter().collect();
        let deducted = frames::read(self.files, &earlier, "deductions", &DEDUCTED, range)?;
        self.grants_with(range, Some(deducted))
    }

    fn grants_with(&self, range: AccountRange, earlier: Option<LazyFrame>) -> Result<Finding, VerifyError> {
        const KEY: [&str; 2] = ["account_id", "grant_id"];
        const FIGURES: [&str; 9] = [
            "quota",
            "opening",
            "used",
            "balance",
            "used_before",
            "deducted",
            "deducted_earlier",
            "in_batch",
            "in_previous",
        ];
        const SNAPSHOT: [&str; 6] = ["account_id", "grant_id", "quota", "opening", "used", "balance"];
        let now = self
            .read_of(Some(self.batch), "grants", &SNAPSHOT, range)?
            .map(|grants| with_others(grants, &FIGURES, &SNAPSHOT, "in_batch"));
        let before = self
            .read_of(self.previous, "grants", &["account_id", "grant_id", "used"], range)?
            .map(|grants| {
                with_others(
                    grants.rename(["used"], ["used_before"], true),
                    &FIGURES,
                    &["used_before"],
                    "in_previous",
                )
            });
        let deductions =
            |frame: LazyFrame, name: &str| with_others(frame.rename(["quota"], [name], true), &FIGURES, &[name], "");
        let deducted = self
            .read_of(Some(self.batch), "deductions", &DEDUCTED, range)?
            .map(|frame| deductions(frame, "deducted"));
        let earlier = earlier.map(|frame| deductions(frame, "deducted_earlier"));
        let parts: Vec<LazyFrame> = [now, before, deducted, earlier].into_iter().flatten().collect();
        let grants = sums(stack(parts, &KEY, &FIGURES)?, &KEY, &FIGURES);
        let stood = when(col("in_previous").gt(zero("none")))
            .then(col("used_before"))
            .otherwise(col("opening") + col("deducted_earlier"));
        let broken = col("in_batch")
            .neq(one("none"))
            .or(col("quota").neq(col("used") + col("balance")))
            .or(col("balance").lt(zero("none")))
            .or(col("used").neq(stood + col("deducted")));
        let present = col("in_batch").gt(zero("none"));
        let unlisted = col("in_batch").eq(zero("none"));
        let lost = unlisted
            .and(col("in_previous").eq(zero("none")))
            .and(col("deducted").neq(zero("none")));
        finding(
            grants.filter(present.clone().or(lost.clone())),
            present.and(broken).or(lost),
        )
    }

    /// Law 4, bills: per (account, period, item), sum(exact) = sum of the line amounts, and sum(amount) = that sum rounded half
    /// away from zero to cents.
    pub(super) fn bills_add_up(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        const KEY: [&str; 3] = ["account_id", "period_end", "item"];
        const FIGURES: [&str; 3] = ["line_amounts", "exact", "billed"];
        let bills = self
            .read("bills", &["account_id", "period_end", "item", "exact", "amount"], range)?
            .rename(["amount"], ["billed"], true);
        // A line's day is the last day of its bill's period, daily and monthly.
        let lines = self
            .read("bill_lines", &["account_id", "day", "item", "amount"], range)?
            .rename(["day", "amount"], ["period_end", "line_amounts"], true);
        let parts = [
            with_others(bills, &FIGURES, &["exact", "billed"], ""),
            with_others(lines, &FIGURES, &["line_amounts"], ""),
        ];
        let bills = sums(stack(parts, &KEY, &FIGURES)?, &KEY, &FIGURES);
        let broken = col("exact")
            .neq(col("line_amounts"))
            .or(is_rounded(col("billed"), col("exact")).not());
        finding(bills, broken)
    }

    /// Law 4, lines: amount = quantity x unit_price / per.
    pub(super) fn lines_are_priced(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        let columns = [&LINE[..], &["quantity", "unit_price", "per", "amount"]].concat();
        let lines = self.read("bill_lines", &columns, range)?;
        // 10^-9 x per x 1000 against 10^-6 x 10^-6.
        let thousand = lit(1_000_i64).cast(DataType::Int128);
        finding(
            lines,
            (col("amount") * col("per") * thousand).neq(col("quantity") * col("unit_price")),
        )
    }

    /// Law 5: closing = opening + paid - charged, opening = the previous closing, charged = sum of the batch's bills; and
    /// paid_total grows by paid.
    pub(super) fn balances_chain(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        const KEY: [&str; 1] = ["account_id"];
        const FIGURES: [&str; 10] = [
            "opening",
            "paid",
            "charged",
            "closing",
            "paid_total",
            "previous_closing",
            "previous_paid_total",
            "bills",
            "in_batch",
            "in_previous",
        ];
        const SNAPSHOT: [&str; 6] = ["account_id", "opening", "paid", "charged", "closing", "paid_total"];
        let now = self
            .read_of(Some(self.batch), "accounts", &SNAPSHOT, range)?
            .map(|accounts| with_others(accounts, &FIGURES, &SNAPSHOT, "in_batch"));
        const BEFORE: [&str; 2] = ["previous_closing", "previous_paid_total"];
        let before = self
            .read_of(
                self.previous,
                "accounts",
                &["account_id", "closing", "paid_total"],
                range,
            )?
            .map(|accounts| {
                let accounts = accounts.rename(["closing", "paid_total"], BEFORE, true);
                with_others(accounts, &FIGURES, &BEFORE, "in_previous")
            });
        let bills = self
            .read_of(Some(self.batch), "bills", &["account_id", "amount"], range)?
            .map(|bills| with_others(bills.rename(["amount"], ["bills"], true), &FIGURES, &["bills"], ""));
        let parts: Vec<LazyFrame> = [now, before, bills].into_iter().flatten().collect();
        let accounts = sums(stack(parts, &KEY, &FIGURES)?, &KEY, &FIGURES);
        let known = col("in_previous").gt(zero("none"));
        let broken = col("in_batch")
            .neq(one("none"))
            .or(col("closing").neq(col("opening") + col("paid") - col("charged")))
            .or(col("charged").neq(col("bills")))
            .or(known.clone().and(col("opening").neq(col("previous_closing"))))
            .or(col("paid_total").neq(col("previous_paid_total") + col("paid")));
        finding(accounts, broken)
    }
}

impl Scope<'_> {
    /// Adds what the batch's tables hold for a range of accounts.
    pub(super) fn add_sums(&self, range: AccountRange, sums: &mut Sums) -> Result<(), VerifyError> {
        let [rows, seconds] = self.table_totals("usage_daily", ["rows", "seconds"], range)?;
        let parts = [
            "minutes",
            "free_minutes",
            "package_minutes",
            "payg_minutes",
            "unbilled_minutes",
            "amount",
        ];
        let [minutes, free, package, payg, unbilled, line_amounts] = self.table_totals("bill_lines", parts, range)?;
        let [exact, amount] = self.table_totals("bills", ["exact", "amount"], range)?;
        sums.rows += rows;
        sums.seconds += seconds;
        sums.minutes += minutes;
        sums.free_minutes += free;
        sums.package_minutes += package;
        sums.payg_minutes += payg;
        sums.unbilled_minutes += unbilled;
        sums.line_amounts += line_amounts;
        sums.exact += exact;
        sums.amount += amount;
        Ok(())
    }

    fn table_totals<const N: usize>(
        &self,
        table: &str,
        columns: [&str; N],
        range: AccountRange,
    ) -> Result<[i128; N], VerifyError> {
        let read = [&["account_id"][..], &columns].concat();
        totals(frames::read(self.files, &[self.batch], table, &read, range)?, columns)
    }

    /// Rejected rows, and the seconds of those whose `seconds` is within 1 to 86400.
    pub(super) fn reject_totals(&self) -> Result<[i128; 2], VerifyError> {
        let rejects = frames::read_nullable(self.files, self.batch, "rejects", "seconds")?;
        let in_range = col("seconds")
            .gt_eq(lit(1_i64))
            .and(col("seconds").lt_eq(lit(86_400_i64)));
        let seconds = when(in_range)
            .then(col("seconds").cast(DataType::Int128))
            .otherwise(zero("none"));
        totals(
            rejects.select([
                when(lit(true))
                    .then(one("none"))
                    .otherwise(col("seconds").cast(DataType::Int128))
                    .alias("rows"),
                seconds.alias("seconds"),
            ]),
            ["rows", "seconds"],
        )
    }
}

/// Sums of columns over all rows.
fn totals<const N: usize>(frame: LazyFrame, columns: [&str; N]) -> Result<[i128; N], VerifyError> {
    let sums = frame.select(columns.map(|column| col(column).sum())).collect()?;
    let mut totals = [0; N];
    for (total, column) in totals.iter_mut().zip(columns) {
        *total = match sums.column(column)?.get(0)? {
            AnyValue::Int128(sum) => sum,
            other => {
                let message = format!("the sum of {column} is {other}");
                return Err(PolarsError::ComputeError(message.into()).into());
            }
        };
    }
    Ok(totals)
}

/// Law 3 over all batches: what the latest batch that lists a grant says was used = opening + its deductions in every batch.
pub(super) fn used_over_history(
    files: &TableBytes<'_>,
    records: &[&CommitRecord],
    range: AccountRange,
) -> Result<Finding, VerifyError> {
    const KEY: [&str; 2] = ["account_id", "grant_id"];
    const FIGURES: [&str; 4] = ["opening", "used", "deducted", "listed"];
    let key = || KEY.map(col);
    // Batches come in order, so the last row of a grant is its latest.
    let listed = frames::read(
        files,
        records,
        "grants",
        &["account_id", "grant_id", "opening", "used"],
        range,
    )?
    .group_by(key())
    .agg([col("opening").last(), col("used").last()]);
    let deducted = frames::read(files, records, "deductions", &DEDUCTED, range)?.rename(["quota"], ["deducted"], true);
    let parts = [
        with_others(listed, &FIGURES, &["opening", "used"], "listed"),
        with_others(deducted, &FIGURES, &["deducted"], ""),
    ];
    let grants = sums(stack(parts, &KEY, &FIGURES)?, &KEY, &FIGURES);
    let broken = col("used")
        .neq(col("opening") + col("deducted"))
        .or(col("listed").neq(one("none")));
    finding(grants, broken)
}

/// The frame with every figure: those that it `has`, a 1 for the `mark`, and 0 for the others.
fn with_others(frame: LazyFrame, figures: &[&str], has: &[&str], mark: &str) -> LazyFrame {
    let others = figures.iter().filter(|figure| !has.contains(figure));
    let columns: Vec<Expr> = others
        .map(|figure| if *figure == mark { one(figure) } else { zero(figure) })
        .collect();
    frame.with_columns(columns)
}

/// The column `name` with 0 in every row.
fn zero(name: &str) -> Expr {
    lit(0_i64).cast(DataType::Int128).alias(name)
}

/// The column `name` with 1 in every row.
fn one(name: &str) -> Expr {
    lit(1_i64).cast(DataType::Int128).alias(name)
}

/// Whether `amount` (10^-2) is `exact` (10^-9) rounded half away from zero: within half a cent of it, and where it is exactly
/// half a cent away, on the far side.
fn is_rounded(amount: Expr, exact: Expr) -> Expr {
    let number = |value: i64| lit(value).cast(DataType::Int128);
    let rest = exact.clone() - amount * number(10_000_000);
    let half = || number(5_000_000);
    let low = number(0) - half();
    when(exact.lt(number(0)))
        .then(rest.clone().gt(low.clone()).and(rest.clone().lt_eq(half())))
        .otherwise(rest.clone().gt_eq(low).and(rest.lt(half())))
}

/// Frames with the same key and figures, one below the other.
fn stack(frames: impl AsRef<[LazyFrame]>, key: &[&str], figures: &[&str]) -> PolarsResult<LazyFrame> {
    let columns: Vec<Expr> = key.iter().chain(figures).map(|column| col(*column)).collect();
    let frames: Vec<LazyFrame> = frames
        .as_ref()
        .iter()
        .map(|frame| frame.clone().select(columns.clone()))
        .collect();
    concat(frames, UnionArgs::default())
}

/// Sums of the figures by key.
fn sums(frame: LazyFrame, key: &[&str], figures: &[&str]) -> LazyFrame {
    let key: Vec<Expr> = key.iter().map(|column| col(*column)).collect();
    let figures: Vec<Expr> = figures.iter().map(|column| col(*column).sum()).collect();
    frame.group_by(key).agg(figures)
}

/// How many rows there are, and those where `broken` holds or cannot be told (a null).
fn finding(rows: LazyFrame, broken: Expr) -> Result<Finding, VerifyError> {
    let rows = rows
        .with_columns([broken.fill_null(lit(true)).alias("broken")])
        .collect()?;
    let checked = rows.height() as u64;
    let offenders = rows.lazy().filter(col("broken")).drop(cols(["broken"])).collect()?;
    Ok(Finding { checked, offenders })
}
