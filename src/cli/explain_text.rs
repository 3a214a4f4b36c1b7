//! An explanation as text, in the form of the guide's worked examples.

use crate::report::explain::{BillStory, Explanation, LineStory, PeriodStory};
use crate::units::quantity::{Cents, SdkAppId};

use super::explain::ExplainDocument;
use super::explain_grants::{deduction, grants};
use super::explain_life;
use super::format::{Align, Table, counted, money, pairs, thousands};
use super::terminal::Look;

/// Periods of a line that are shown; all are in the JSON document.
const SHOWN_PERIODS: usize = 12;

/// The text.
pub(crate) fn text(document: &ExplainDocument<'_>, look: Look) -> String {
    let told = document.explanation;
    let mut text = head(told, look);
    if told.lines.is_empty() {
        text.push_str(&format!("\n{}\n", nothing_used(told)));
    } else {
        for (step, (title, shown)) in (1..).zip(steps(told, look)) {
            section(&mut text, &format!("Step {step}: {title}"), look);
            text.push_str(&shown);
        }
    }
    if !told.grants.is_empty() {
        section(&mut text, "Grants over the day", look);
        text.push_str(&grants(told, look));
    }
    section(&mut text, "Balance", look);
    text.push_str(&balance(told));
    text.push_str(&explain_life::account(told, look));
    text.push_str(&verdict(document, look));
    text
}

/// From what was used or bought to bills; only the steps that the day's lines take.
fn steps(told: &Explanation, look: Look) -> Vec<(&'static str, String)> {
    let mut steps = Vec::new();
    if told.lines.iter().any(|line| line.how.duration().is_some()) {
        steps.push(("seconds to minutes", minutes(told, look)));
        steps.push(("grants, then pay-as-you-go", deduction(told, look)));
    }
    if told.lines.iter().any(|line| line.how.duration().is_none()) {
        steps.push((
            "quantities of packages, refunds and monthly items",
            explain_life::quantities(told, look),
        ));
    }
    steps.push(("price", prices(told, look)));
    steps.push(("bills", bills(told, look)));
    steps
}

fn head(told: &Explanation, look: Look) -> String {
    let whose = match told.app {
        None => format!("account {}", told.account),
        Some(app) => format!("account {}, app {app}", told.account),
    };
    let title = format!("{whose} on {}: {} {}", told.day, thousands(told.charged), told.currency);
    let what = match told.app {
        None => "",
        Some(_) => ", for all its apps",
    };
    format!(
        "{}{what}\n\n{}",
        look.bold(&title),
        pairs(
            &[
                ("settled by", format!("{}, batch {}", told.job, told.batch)),
                ("billed at", format!("{} {}", told.issued_local, told.timezone)),
                (
                    "price list",
                    format!(
                        "{} of catalog {}",
                        told.price_list,
                        told.catalog.get(..12).unwrap_or(&told.catalog)
                    ),
                ),
                ("pay-as-you-go", told.payg.to_owned()),
                ("deduction", deduction_period(told).to_owned()),
            ],
            Align::Left
        )
    )
}

fn deduction_period(told: &Explanation) -> &'static str {
    match told.deduction_period {
        "5min" => "every five minutes, on the day's seconds so far",
        _ => "once a day",
    }
}

fn nothing_used(told: &Explanation) -> String {
    match told.app {
        None => "No usage, no bill.".to_owned(),
        Some(app) => format!("App {app} has no usage on this day."),
    }
}

pub(super) fn section(text: &mut String, title: &str, look: Look) {
    text.push_str(&format!("\n{}\n\n", look.bold(title)));
}

fn app_name(app: SdkAppId) -> String {
    match app {
        SdkAppId::ACCOUNT_WIDE => "account".to_owned(),
        app => app.to_string(),
    }
}

/// `[T]` "calculated in seconds for each application and then converted to minutes (rounded up)".
fn minutes(told: &Explanation, look: Look) -> String {
    let mut table = Table::new([
        ("app", Align::Left),
        ("item", Align::Left),
        ("tier", Align::Left),
        ("seconds", Align::Right),
        ("/ 60, rounded up", Align::Right),
    ]);
    let mut below = String::new();
    for line in &told.lines {
        let Some(duration) = line.how.duration() else {
            continue;
        };
        table.row([
            app_name(line.app),
            line.item.clone(),
            line.tier.clone(),
            thousands(duration.seconds),
            format!("{} min", thousands(duration.minutes)),
        ]);
        if line.app == SdkAppId::ACCOUNT_WIDE {
            let parts = duration.parts.iter();
            let parts: Vec<String> = parts
                .map(|part| format!("{} s of app {}", thousands(part.seconds), part.app))
                .collect();
            below.push_str(&format!(
                "  {}.{} is rounded over the whole account: {} = {} s\n",
                line.item,
                line.tier,
                parts.join(" + "),
                thousands(duration.seconds)
            ));
        }
    }
    let mut text = table.render(look);
    if !below.is_empty() {
        text.push_str(&format!("\n{below}"));
    }
    for line in &told.lines {
        if let Some(duration) = line.how.duration().filter(|duration| !duration.periods.is_empty()) {
            text.push_str(&format!("\n  {}, period by period\n", line_name(line)));
            text.push_str(&indented(&periods(&duration.periods, look)));
        }
    }
    text
}

/// `[T]` FAQ: deductions follow the cumulative usage of the day.
fn periods(periods: &[PeriodStory], look: Look) -> String {
    let mut table = Table::new([
        ("from", Align::Left),
        ("usage", Align::Right),
        ("so far", Align::Right),
        ("rounded up", Align::Right),
        ("deducted now", Align::Right),
    ]);
    for period in periods.iter().take(SHOWN_PERIODS) {
        table.row([
            period.from.clone(),
            format!("{} s", thousands(period.seconds)),
            format!("{} s", thousands(period.cumulative_seconds)),
            format!("{} min", thousands(period.cumulative_minutes)),
            format!("{} min", thousands(period.minutes)),
        ]);
    }
    let mut text = table.render(look);
    if let Some(more) = periods.len().checked_sub(SHOWN_PERIODS).filter(|more| *more > 0) {
        text.push_str(&format!(
            "  and {} (--output json has all)\n",
            counted(more, "more period", "more periods")
        ));
    }
    text
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

pub(super) fn line_name(line: &LineStory) -> String {
    match line.app {
        SdkAppId::ACCOUNT_WIDE => format!("{}.{} of the account", line.item, line.tier),
        app => format!("{}.{} of app {app}", line.item, line.tier),
    }
}

/// `[T]` the remaining durations are multiplied by their unit prices.
fn prices(told: &Explanation, look: Look) -> String {
    let mut table = Table::new([
        ("app".to_owned(), Align::Left),
        ("item".to_owned(), Align::Left),
        ("tier".to_owned(), Align::Left),
        (format!("price {}", told.currency), Align::Right),
        ("list".to_owned(), Align::Left),
        (format!("cost {}", told.currency), Align::Left),
    ]);
    for line in &told.lines {
        table.row([
            app_name(line.app),
            line.item.clone(),
            line.tier.clone(),
            match (line.has_price(), line.per) {
                (false, _) => "none".to_owned(),
                (true, 1) => money(&line.unit_price.to_string()),
                (true, per) => format!("{} / {}", money(&line.unit_price.to_string()), thousands(per)),
            },
            line.price_list.clone().unwrap_or_default(),
            line.formula.clone(),
        ]);
    }
    table.render(look)
}

/// The only place where money is rounded.
fn bills(told: &Explanation, look: Look) -> String {
    let mut table = Table::new([
        ("bill".to_owned(), Align::Left),
        ("item".to_owned(), Align::Left),
        ("sum of its lines".to_owned(), Align::Right),
        (format!("rounded {}", told.currency), Align::Right),
    ]);
    for bill in &told.bills {
        table.row([
            bill.bill_id.clone(),
            bill.item_name.clone(),
            money(&bill.exact.to_string()),
            thousands(bill.amount),
        ]);
    }
    if told.app.is_none() && told.bills.len() > 1 {
        table.total([
            "charged".to_owned(),
            String::new(),
            String::new(),
            thousands(told.charged),
        ]);
    }
    let others: String = told.bills.iter().filter_map(other_lines).collect();
    format!("{}{others}", table.render(look))
}

fn other_lines(bill: &BillStory) -> Option<String> {
    (bill.other_lines > 0).then(|| {
        let lines = counted(bill.other_lines, "line", "lines");
        let amount = money(&bill.other_amount.to_string());
        format!("  {} has {lines} of other apps: {amount}\n", bill.bill_id)
    })
}

fn balance(told: &Explanation) -> String {
    let balance = &told.balance;
    let mut rows = vec![
        ("opening", thousands(balance.opening)),
        ("+ paid", thousands(balance.paid)),
        ("- charged", thousands(balance.charged)),
        ("= closing", thousands(balance.closing)),
    ];
    if balance.credit_limit != Cents::ZERO {
        rows.push(("credit limit", thousands(balance.credit_limit)));
    }
    pairs(&rows, Align::Right)
}

/// Whether the ledger says the same.
fn verdict(document: &ExplainDocument<'_>, look: Look) -> String {
    let told = document.explanation;
    let mut text = String::new();
    for note in &told.notes {
        text.push_str(&format!("\nnote: {note}\n"));
    }
    if told.differences.is_empty() {
        let rows: usize = told.compared.iter().map(|table| table.rows).sum();
        text.push_str(&format!(
            "\n{}: {} of the account on that day\n",
            look.good("the ledger says the same"),
            counted(rows, "posted row", "posted rows")
        ));
    } else {
        let count = counted(told.differences.len(), "difference", "differences");
        let title = format!("the ledger says something else: {count}");
        text.push_str(&format!("\n{}\n\n{}", look.error(&title), differences(told, look)));
    }
    if let Some(html) = document.html {
        text.push_str(&format!("\npage  {html}\n"));
    }
    text
}

fn differences(told: &Explanation, look: Look) -> String {
    let mut table = Table::new([
        ("table", Align::Left),
        ("row", Align::Left),
        ("column", Align::Left),
        ("posted", Align::Left),
        ("recomputed", Align::Left),
    ]);
    for difference in &told.differences {
        let absent = if difference.column.is_some() {
            "null"
        } else {
            "no such row"
        };
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| absent.to_owned());
        table.row([
            difference.table.to_owned(),
            difference.row.clone(),
            difference.column.unwrap_or("(row)").to_owned(),
            side(&difference.posted),
            side(&difference.recomputed),
        ]);
    }
    table.render(look)
}
