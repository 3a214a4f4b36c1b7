//! The explanation as one page for the customer: what the template shows, in words.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

use crate::report::numbers::{counted, money, plain, thousands};
use crate::rules::quantity::{BillingDay, Cents, Quota, SdkAppId};

use super::charts::{self, Daily, Stretch, Waterfall};
use super::error::ExplainError;
use super::month::Month;
use super::story::{
    BillStory, Difference, Draw, DurationStory, Explanation, GrantStory, LineStory, PeriodStory, QuantityStory,
    StepOutcome,
};

/// Ends in `.html`, so that everything that is put in is escaped.
const NAME: &str = "explain.html";
const TEMPLATE: &str = include_str!("../templates/explain.html");
/// Draws that one waterfall shows; more are added up by line.
const SHOWN_DRAWS: usize = 16;
/// Periods that one line shows.
const SHOWN_PERIODS: usize = 24;

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
            arrears: (told.standing.arrears != Cents::ZERO).then(|| thousands(told.standing.arrears)),
            dates: dates(told),
            as_posted: as_posted(told),
            checked: counted(rows, "posted row", "posted rows"),
            differences: &told.differences,
            told,
        }
    }
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

#[derive(Debug, Serialize)]
struct BillView {
    bill_id: String,
    name: String,
    /// Whether its lines are minutes.
    is_of_minutes: bool,
    /// What its tiers are.
    tier: &'static str,
    lines: Vec<LineView>,
    exact: String,
    amount: String,
    others: Option<String>,
}

impl BillView {
    fn new(told: &Explanation, bill: &BillStory) -> Self {
        let lines = || told.lines.iter().filter(|line| line.bill_id == bill.bill_id);
        let how = lines().next().map(|line| &line.how);
        Self {
            bill_id: bill.bill_id.clone(),
            is_of_minutes: how.is_some_and(|how| how.duration().is_some()),
            tier: match how {
                Some(QuantityStory::Purchase(_)) => "Plan",
                Some(QuantityStory::Refund(_)) => "Package",
                _ => "Tier",
            },
            name: words(&bill.item_name),
            lines: lines().map(LineView::new).collect(),
            exact: money(&bill.exact.to_string()),
            amount: thousands(bill.amount),
            others: (bill.other_lines > 0).then(|| {
                let lines = counted(bill.other_lines, "line", "lines");
                format!("{lines} of other apps: {}", money(&bill.other_amount.to_string()))
            }),
        }
    }
}

#[derive(Debug, Serialize)]
struct LineView {
    app: String,
    tier: String,
    seconds: Option<String>,
    minutes: Option<String>,
    /// How seconds of several apps are added.
    sum: Option<String>,
    quantity: String,
    price: String,
    list: String,
    cost: String,
    /// None where nothing is priced.
    formula: Option<String>,
    coverage: Vec<Stretch>,
    steps: Vec<StepView>,
    /// How the quantity of what is no duration came about, sentence by sentence.
    sentences: Vec<String>,
    periods: Vec<PeriodStory>,
    more_periods: usize,
}

impl LineView {
    fn new(line: &LineStory) -> Self {
        let duration = line.how.duration();
        let unit_price = money(&line.unit_price.to_string());
        Self {
            app: app_name(line.app),
            tier: line.tier.clone(),
            seconds: duration.map(|story| thousands(story.seconds)),
            minutes: duration.map(|story| thousands(story.minutes)),
            sum: duration.filter(|story| story.rounded_by == "account").map(|story| {
                let parts = story.parts.iter();
                let parts: Vec<String> = parts
                    .map(|part| format!("{} s of app {}", thousands(part.seconds), part.app))
                    .collect();
                parts.join(" + ")
            }),
            quantity: match duration {
                Some(_) => plain(&line.quantity.to_string()),
                None => line.quantity_in_words(),
            },
            price: match (line.has_price(), line.per) {
                (false, _) => "no price".to_owned(),
                (true, 1) => unit_price,
                (true, per) => format!("{unit_price} / {}", thousands(per)),
            },
            list: line.price_list.clone().unwrap_or_default(),
            cost: money(&line.amount.to_string()),
            formula: (line.quantity.units() != 0).then(|| line.formula.clone()),
            coverage: duration.map(|story| charts::coverage(&[story])).unwrap_or_default(),
            steps: duration.map(steps).unwrap_or_default(),
            sentences: sentences(&line.how),
            periods: duration
                .map(|story| story.periods.iter().take(SHOWN_PERIODS).cloned().collect())
                .unwrap_or_default(),
            more_periods: duration.map_or(0, |story| story.periods.len().saturating_sub(SHOWN_PERIODS)),
        }
    }
}

/// One sentence of a line's story.
#[derive(Debug, Serialize)]
struct StepView {
    /// `free`, `package`, `passed`, `payg` or `unbilled`.
    class: &'static str,
    minutes: Option<String>,
    text: String,
}

fn steps(story: &DurationStory) -> Vec<StepView> {
    let mut steps: Vec<StepView> = Vec::new();
    for step in &story.steps {
        let from = step
            .from
            .as_ref()
            .map(|from| format!(" from {from}"))
            .unwrap_or_default();
        steps.push(match &step.outcome {
            StepOutcome::Served(served) => StepView {
                class: if step.grant.starts_with("free:") {
                    "free"
                } else {
                    "package"
                },
                minutes: Some(thousands(served.minutes)),
                text: format!(
                    "{}{from}: {} × {} = {} of its quota, {} → {}",
                    grant_name(&step.grant),
                    thousands(served.minutes),
                    plain(&served.ratio.to_string()),
                    plain(&served.quota.to_string()),
                    plain(&served.before.to_string()),
                    plain(&served.after.to_string()),
                ),
            },
            StepOutcome::PassedOver(reason) => StepView {
                class: "passed",
                minutes: None,
                text: format!("{}{from}: {}", grant_name(&step.grant), reason.words),
            },
        });
    }
    if let Some(rest) = &story.rest {
        let (class, what) = if rest.billed {
            ("payg", "Pay-as-you-go")
        } else {
            ("unbilled", "Not billed")
        };
        steps.push(StepView {
            class,
            minutes: Some(thousands(rest.minutes)),
            text: format!("{what}: {}", rest.because),
        });
    }
    steps
}

fn sentences(how: &QuantityStory) -> Vec<String> {
    match how {
        QuantityStory::Duration(_) => Vec::new(),
        QuantityStory::Purchase(story) => {
            let packages = story.packages.iter().map(|bought| {
                let how = if bought.renewed { "renewed from" } else { "bought" };
                format!("Package {}, {how} {}", bought.package, bought.purchased_at.local)
            });
            packages.collect()
        }
        QuantityStory::Refund(story) => {
            let (bought, at) = (&story.purchased_at.local, &story.refunded_at.local);
            let asked = if story.way == "outside" {
                "given back"
            } else {
                "asked for"
            };
            let days = story.validity_days.zip(story.days_held).map(|(valid, held)| {
                let held = counted(held, "started day of 24 hours", "started days of 24 hours");
                format!("Held for {held}, valid for {}", counted(valid, "day", "days"))
            });
            let dates = format!("Plan {}, bought {bought}, {asked} {at}", story.plan);
            [Some(dates), days, Some(story.formula.clone())]
                .into_iter()
                .flatten()
                .collect()
        }
        QuantityStory::Measured(story) => vec![
            format!("{} to {}: {}", story.from, story.to, story.rule),
            story.figure.clone(),
        ],
    }
}

#[derive(Debug, Serialize)]
struct GrantView {
    name: String,
    plan: String,
    serves: String,
    valid: String,
    /// None: its plan gives no minutes.
    quota: Option<String>,
    before: String,
    used: String,
    after: String,
    status: &'static str,
    draws: Vec<DrawView>,
    waterfall: Option<Waterfall>,
    idle_because: Option<String>,
}

#[derive(Debug, Serialize)]
struct DrawView {
    line: String,
    from: Option<String>,
    formula: String,
    after: String,
}

impl GrantView {
    fn new(grant: &GrantStory) -> Self {
        let draws = shown_draws(&grant.draws);
        let quota = |quota: Option<Quota>| quota.map(|quota| plain(&quota.to_string())).unwrap_or_default();
        let bound = grant
            .apps
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        Self {
            name: grant_name(&grant.grant),
            plan: grant.plan.clone().unwrap_or_else(|| "Monthly free minutes".to_owned()),
            serves: match grant.apps.as_slice() {
                [] => "every app of the account".to_owned(),
                _ if grant.promoted => format!("every app of the account (promotion); bound to {bound}"),
                [_] => format!("app {bound}"),
                _ => format!("apps {bound}"),
            },
            valid: match (grant.valid_from, grant.valid_to) {
                (Some(from), Some(to)) => format!("{from} to {to}"),
                _ => String::new(),
            },
            quota: grant
                .quota
                .filter(|quota| *quota != Quota::ZERO)
                .map(|all| quota(Some(all))),
            before: quota(grant.before),
            used: plain(&grant.used.to_string()),
            after: quota(grant.after),
            status: grant.status.unwrap_or_default(),
            waterfall: charts::waterfall(grant, &draws),
            draws: draws.iter().map(DrawView::new).collect(),
            idle_because: grant.idle_because.clone(),
        }
    }
}

impl DrawView {
    fn new(draw: &Draw) -> Self {
        let app = app_name(draw.app);
        Self {
            line: format!("{}.{}, {app}", draw.item, draw.tier),
            from: draw.from.clone(),
            formula: format!(
                "{} × {} = {}",
                thousands(draw.minutes),
                plain(&draw.ratio.to_string()),
                plain(&draw.quota.to_string())
            ),
            after: plain(&draw.after.to_string()),
        }
    }
}

/// The draws, or, where they are many (five-minute deduction), those of each line together, one line after another.
fn shown_draws(draws: &[Draw]) -> Vec<Draw> {
    if draws.len() <= SHOWN_DRAWS {
        return draws.to_vec();
    }
    let mut together: Vec<Draw> = Vec::new();
    for draw in draws {
        let same = together
            .iter_mut()
            .find(|other| (other.app, &other.item, &other.tier) == (draw.app, &draw.item, &draw.tier));
        match same {
            Some(line) => {
                line.minutes = line.minutes.plus(draw.minutes).expect("a part of the day's sum fits");
                line.quota = line.quota.plus(draw.quota).expect("a part of the day's sum fits");
            }
            None => together.push(draw.clone()),
        }
    }
    let mut balance = draws.first().map_or(Quota::ZERO, |draw| draw.before);
    for line in &mut together {
        line.before = balance;
        balance = balance.minus(line.quota).expect("a part of the day's sum fits");
        line.after = balance;
    }
    together
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
