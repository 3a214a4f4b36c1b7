//! The border on the way back: the crate's results as plain rows.

use nightbill::catalog::book::{Book, TierId};
use nightbill::rules::account_day::{AccountDay, Bill, BillLine, Deduction, GrantState, RuleError, UsageLine};

use super::rows::{BalanceRow, BillRow, DeductionRow, GrantRow, LineRow, NightRows, Stop, UsageRow};

fn names_of(book: &Book, tier: TierId) -> (String, String) {
    let tier = &book.tiers[usize::from(tier.0)];
    (book.items[usize::from(tier.item.0)].id.clone(), tier.name.clone())
}

pub fn rows_of(book: &Book, settled: &AccountDay<'_>) -> NightRows {
    NightRows {
        usage: usage_rows(book, settled),
        lines: line_rows(book, settled),
        bills: bill_rows(book, settled),
        deductions: deduction_rows(book, settled),
        grants: grant_rows(book, settled),
        balance: BalanceRow {
            opening: settled.balance.opening.to_string(),
            paid: settled.balance.paid.to_string(),
            charged: settled.balance.charged.to_string(),
            closing: settled.balance.closing.to_string(),
            paid_total: settled.balance.paid_total.to_string(),
        },
    }
}

fn usage_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<UsageRow> {
    let row = |line: &UsageLine| {
        let (item, tier) = names_of(book, line.tier);
        UsageRow {
            app: line.app.get(),
            item,
            tier,
            seconds: line.seconds.get().into(),
            rows: line.rows.into(),
        }
    };
    settled.usage.iter().map(row).collect()
}

fn line_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<LineRow> {
    let row = |line: &BillLine| {
        let (item, tier) = names_of(book, line.tier);
        LineRow {
            app: line.app.get(),
            item,
            tier,
            seconds: line.seconds.get().into(),
            minutes: line.minutes.get().into(),
            free_minutes: line.free_minutes.get().into(),
            package_minutes: line.package_minutes.get().into(),
            payg_minutes: line.payg_minutes.get().into(),
            unbilled_minutes: line.unbilled_minutes.get().into(),
            quantity: line.quantity.to_string(),
            unit_price: line.unit_price.to_string(),
            price_list: line
                .price_list
                .map(|list| book.price_lists[usize::from(list.0)].id.clone()),
            amount: line.amount.to_string(),
        }
    };
    settled.lines.iter().map(row).collect()
}

fn bill_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<BillRow> {
    let row = |bill: &Bill| BillRow {
        item: bill.item.name(book).to_owned(),
        exact: bill.exact.to_string(),
        amount: bill.amount.to_string(),
    };
    settled.bills.iter().map(row).collect()
}

fn deduction_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<DeductionRow> {
    let row = |deduction: &Deduction<'_>| {
        let (item, tier) = names_of(book, deduction.tier);
        DeductionRow {
            app: deduction.app.get(),
            item,
            tier,
            grant: deduction.grant.to_string(),
            kind: deduction.grant.kind().to_owned(),
            minutes: deduction.minutes.get().into(),
            ratio: deduction.ratio.to_string(),
            quota: deduction.quota.to_string(),
        }
    };
    settled.deductions.iter().map(row).collect()
}

fn grant_rows(book: &Book, settled: &AccountDay<'_>) -> Vec<GrantRow> {
    let row = |state: &GrantState<'_>| GrantRow {
        grant: state.grant.to_string(),
        kind: state.grant.kind().to_owned(),
        plan: state.plan.map(|plan| book.plans[usize::from(plan.0)].id.clone()),
        apps: state.apps.iter().map(|app| app.get()).collect(),
        valid_from: state.valid_from.to_string(),
        valid_to: state.valid_to.to_string(),
        quota: state.quota.to_string(),
        opening: state.opening.to_string(),
        used: state.used.to_string(),
        balance: state.balance.to_string(),
        status: state.status.as_str().to_owned(),
    };
    settled.grants.iter().map(row).collect()
}

pub fn stop_of(error: RuleError) -> Stop {
    match error {
        RuleError::Unpriced {
            account,
            app,
            day,
            item,
            tier,
            price_list,
            minutes,
        } => Stop::Unpriced {
            account: account.get(),
            app: app.get(),
            day: day.date(),
            item,
            tier,
            price_list,
            minutes: minutes.get().into(),
        },
        other => Stop::Other(other.to_string()),
    }
}
