//! What batches decide, as parts of laws 4 and 5: an account's state fits its dates and its flags, and what is refunded is
//! credited.

use polars::prelude::*;

use super::VerifyError;
use super::frames::{self, AccountRange};
use super::laws::{Finding, Scope, finding, one, stack, sums, with_others, zero};

/// The states that have account flags of the same name.
const FLAGGED: [&str; 4] = ["overdue", "suspended", "removed", "violation"];

impl Scope<'_> {
    /// Law 5, states: an account shows the dates that its state has, and those lie before or after the billing time as the state
    /// says.
    pub(super) fn states_fit_dates(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        const COLUMNS: [&str; 6] = [
            "account_id",
            "state",
            "overdue_since",
            "suspend_at",
            "suspended_at",
            "remove_at",
        ];
        let billed_at = self.batch.billed_at().map_err(|message| VerifyError::Unreadable {
            path: format!("_batches/{}.json", self.batch.batch),
            message,
        })?;
        let accounts = frames::read_with_nulls(self.files, self.batch, "accounts", &COLUMNS, range)?;
        let is = |state: &str| col("state").eq(lit(state.to_owned()));
        let has = |date: &str| col(date).is_not_null();
        let passed = |date: &str| {
            let reached = col(date).cast(DataType::Int64).lt_eq(lit(billed_at.micros()));
            reached.fill_null(lit(false))
        };
        let pairs = has("overdue_since")
            .eq(has("suspend_at"))
            .and(has("suspended_at").eq(has("remove_at")))
            .and(has("suspended_at").not().or(has("overdue_since")));
        let fits = is("active")
            .and(has("overdue_since").not())
            .or(is("overdue")
                .and(has("overdue_since"))
                .and(has("suspended_at").not())
                .and(passed("suspend_at").not()))
            .or(is("suspended")
                .and(passed("suspended_at"))
                .and(passed("remove_at").not()))
            .or(is("removed").and(passed("remove_at")))
            .or(is("violation"));
        finding(accounts, pairs.and(fits).not())
    }

    /// Law 5, flags: the account flags of an account that is not active say its state, and an active one has none.
    pub(super) fn flags_say_the_state(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        const KEY: [&str; 2] = ["account_id", "state"];
        const FIGURES: [&str; 2] = ["accounts", "flags"];
        let flagged = |column: &str| {
            let is = |state: &&str| col(column).eq(lit((*state).to_owned()));
            FLAGGED.iter().map(is).reduce(Expr::or).expect("there are states")
        };
        let accounts = frames::read(self.files, &[self.batch], "accounts", &KEY, range)?.filter(flagged("state"));
        let flags = frames::read(self.files, &[self.batch], "flags", &["account_id", "flag"], range)?
            .filter(flagged("flag"))
            .rename(["flag"], ["state"], true);
        let parts = [
            with_others(accounts, &FIGURES, &[], "accounts"),
            with_others(flags, &FIGURES, &[], "flags"),
        ];
        let states = sums(stack(parts, &KEY, &FIGURES)?, &KEY, &FIGURES);
        let broken = col("accounts").neq(one("none")).or(col("flags").lt(one("none")));
        finding(states, broken)
    }

    /// Law 4, refunds: each approved refund is on a bill: a line of the item `refund` and the package, of the same amount.
    pub(super) fn refunds_are_credited(&self, range: AccountRange) -> Result<Finding, VerifyError> {
        const KEY: [&str; 2] = ["account_id", "package_id"];
        const FIGURES: [&str; 3] = ["refunded", "credited", "in_batch"];
        let columns = ["account_id", "package_id", "approved", "amount"];
        let refunds = frames::read(self.files, &[self.batch], "refunds", &columns, range)?
            .filter(col("approved"))
            .rename(["amount"], ["refunded"], true);
        let columns = ["account_id", "item", "tier", "amount"];
        let lines = frames::read(self.files, &[self.batch], "bill_lines", &columns, range)?
            .filter(col("item").eq(lit("refund")))
            .rename(["tier", "amount"], ["package_id", "credited"], true);
        let parts = [
            with_others(refunds, &FIGURES, &["refunded"], "in_batch"),
            with_others(lines, &FIGURES, &["credited"], ""),
        ];
        let packages = sums(stack(parts, &KEY, &FIGURES)?, &KEY, &FIGURES);
        let cents = lit(10_000_000_i64).cast(DataType::Int128);
        let broken = (col("refunded") * cents + col("credited")).neq(zero("none"));
        finding(packages.filter(col("in_batch").gt(zero("none"))), broken)
    }
}
