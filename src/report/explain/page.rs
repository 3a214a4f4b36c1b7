//! The explanation as one page for the customer: what the template shows, in words.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::report::numbers::{counted, thousands};
use crate::units::quantity::{BillingDay, Cents, SdkAppId};

use super::charts::{self, Daily, Stretch};
use super::error::ExplainError;
use super::grant_story::GrantStory;
use super::month::Month;
use super::story::{Difference, DurationStory, Explanation};
use bills::BillView;
use grants::GrantView;

mod bills;
mod grants;

/// Ends in `.html`, so that everything that is put in is escaped.
const NAME: &str = "explain.html";
const TEMPLATE: &str = include_str!("../templates/explain.html");

/// One self-contained HTML page: no script, nothing to load. Every text that comes from data is escaped.
///
/// # Errors
/// [`ExplainError::Page`] when the template does not fit, which a test would have shown.
pub fn page(explanation: &Explanation, month: &Month) -> Result<String, ExplainError> {
    let mut templates = Environment::new();
    templates.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.add_template(NAME, TEMPLATE)?;
    Ok(templates
        .get_template(NAME)?
        .render(Serde(PageView::new(explanation, month)))?)
}

/// What the template is filled with.
#[derive(Debug, Serialize)]
struct PageView<'a> {
    told: &'a Explanation,
    day: String,
    charged: String,
    issued: String,
    catalog: &'a str,
    payg: &'static str,
    deduction: &'static str,
    minutes: String,
    coverage: Vec<Stretch>,
    bills: Vec<BillView>,
    grants: Vec<GrantView>,
    idle_grants: Vec<(String, String)>,
    month: String,
    daily: Option<Daily>,
    balance: [(&'static str, String); 4],
    /// How far below zero the balance may be; None: not at all.
    credit_limit: Option<String>,
    /// What must be paid; None: nothing.
    arrears: Option<String>,
    dates: Vec<(&'static str, String)>,
    /// The items whose quantities are told as posted.
    as_posted: Vec<String>,
    checked: String,
    differences: &'a [Difference],
}

impl<'a> PageView<'a> {
    fn new(told: &'a Explanation, month: &Month) -> Self {
        let durations: Vec<&DurationStory> = told.lines.iter().filter_map(|line| line.how.duration()).collect();
        let minutes: i64 = durations.iter().map(|story| story.minutes.get()).sum();
        let shown = |grant: &&GrantStory| grant.before.is_some();
        let idle = told.grants.iter().filter(|grant| grant.before.is_none());
        let name = |item: &str| {
            let known = told.item_names.iter().find(|(id, _)| id == item);
            words(known.map_or(item, |(_, name)| name))
        };
        let rows: usize = told.compared.iter().map(|table| table.rows).sum();
        Self {
            day: long_day(told.day),
            charged: thousands(told.charged),
            issued: format!("{} ({})", told.issued_local, told.timezone),
            catalog: told.catalog.get(..12).unwrap_or(&told.catalog),
            payg: match told.payg {
                "on" => "on",
                "off" => "off",
                _ => "with a paid package",
            },
            deduction: match told.deduction_period {
                "5min" => "every five minutes",
                _ => "once a day",
            },
            minutes: thousands(minutes),
            coverage: charts::coverage(&durations),
            bills: told.bills.iter().map(|bill| BillView::new(told, bill)).collect(),
            grants: told.grants.iter().filter(shown).map(GrantView::new).collect(),
            idle_grants: idle
                .map(|grant| (grant.grant.clone(), grant.idle_because.clone().unwrap_or_default()))
                .collect(),
            month: month.first.date().format("%B %Y").to_string(),
            daily: charts::daily(month, name),
            balance: [
                ("Opening balance", thousands(told.balance.opening)),
                ("Paid", thousands(told.balance.paid)),
                ("Charged", thousands(told.balance.charged)),
                ("Closing balance", thousands(told.balance.closing)),
            ],
            credit_limit: unless_zero(told.balance.credit_limit),
            arrears: unless_zero(told.standing.arrears),
            dates: dates(told),
            as_posted: as_posted(told),
            checked: counted(rows, "posted row", "posted rows"),
            differences: &told.differences,
            told,
        }
    }
}

fn unless_zero(amount: Cents) -> Option<String> {
    (amount != Cents::ZERO).then(|| thousands(amount))
}

/// The dates of the account's state that there are; of what has come since, when it did.
fn dates(told: &Explanation) -> Vec<(&'static str, String)> {
    let standing = &told.standing;
    let is_removed = standing.remove_at.as_ref().is_some_and(|at| at.utc <= told.issued_at);
    let dates = [
        ("Overdue since", &standing.overdue_since, true),
        ("To be suspended", &standing.suspend_at, standing.suspended_at.is_none()),
        ("Suspended since", &standing.suspended_at, true),
        ("To be removed", &standing.remove_at, !is_removed),
        ("Removed since", &standing.remove_at, is_removed),
        ("Violation of the terms since", &standing.violation_since, true),
    ];
    let known = dates.into_iter().filter(|(.., is_shown)| *is_shown);
    known
        .filter_map(|(name, date, _)| Some((name, date.as_ref()?.local.clone())))
        .collect()
}

/// The items of peaks, counts and distinct users, each once: what was measured of them is not in the ledger.
fn as_posted(told: &Explanation) -> Vec<String> {
    let measured = told.lines.iter().filter(|line| line.how.measured().is_some());
    let mut names: Vec<String> = measured.map(|line| words(&line.item_name)).collect();
    names.dedup();
    names
}

fn app_name(app: SdkAppId) -> String {
    match app {
        SdkAppId::ACCOUNT_WIDE => "whole account".to_owned(),
        app => format!("app {app}"),
    }
}

/// `free:1001:2024-10-15` in words; packages by their ids.
fn grant_name(id: &str) -> String {
    match id.strip_prefix("free:").and_then(|rest| rest.split_once(':')) {
        Some((_, first_day)) => format!("Free minutes since {first_day}"),
        None => format!("Package {id}"),
    }
}

/// `AudioVideoTime` as `Audio Video Time`.
fn words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_uppercase() && before.is_lowercase() {
            words.push(' ');
        }
        words.push(letter);
        before = letter;
    }
    words
}

fn long_day(day: BillingDay) -> String {
    day.date().format("%-d %B %Y").to_string()
}
