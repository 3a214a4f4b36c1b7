//! Bills and their lines, in words.

use serde::Serialize;

use crate::report::numbers::{counted, money, plain, thousands};

use super::super::charts::{self, Stretch};
use super::super::grant_story::StepOutcome;
use super::super::story::{BillStory, DurationStory, Explanation, LineStory, PeriodStory, QuantityStory};
use super::{app_name, grant_name, words};

/// Periods that one line shows.
const SHOWN_PERIODS: usize = 24;

#[derive(Debug, Serialize)]
pub(super) struct BillView {
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
    pub(super) fn new(told: &Explanation, bill: &BillStory) -> Self {
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
                    "{}{from}: {} × {} = {} of its quota, {} → {}{}",
                    grant_name(&step.grant),
                    thousands(served.minutes),
                    plain(&served.ratio.to_string()),
                    plain(&served.quota.to_string()),
                    plain(&served.before.to_string()),
                    plain(&served.after.to_string()),
                    served
                        .others_in_between()
                        .map(|quota| format!(", other lines took {} in between", plain(&quota.to_string())))
                        .unwrap_or_default(),
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
