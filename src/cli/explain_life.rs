//! What an explanation says of packages, refunds, monthly items and the account's state, as text.

use crate::report::explain::{
    BoughtStory, Explanation, MeasuredStory, Moment, PurchaseStory, QuantityStory, RefundStory, StandingStory,
};
use crate::units::quantity::{Cents, SdkAppId};

use super::explain_text::{line_name, section};
use super::format::{Align, Table, counted, pairs, thousands};
use super::terminal::Look;

/// How quantities came about that are no minutes.
pub(super) fn quantities(told: &Explanation, look: Look) -> String {
    let mut text = String::new();
    for line in &told.lines {
        let quantity = line.quantity_in_words();
        let name = look.bold(&line_name(line));
        text.push_str(&match &line.how {
            QuantityStory::Duration(_) => continue,
            QuantityStory::Purchase(story) => purchase(&name, &quantity, story, &told.currency),
            QuantityStory::Refund(story) => refund(&name, story),
            QuantityStory::Measured(story) => measured(&name, &quantity, story),
        });
    }
    text
}

fn purchase(name: &str, quantity: &str, story: &PurchaseStory, currency: &str) -> String {
    let each = thousands(story.price);
    let mut text = format!("  {name}: {quantity} of plan {} at {each} {currency}\n", story.plan);
    for bought in &story.packages {
        text.push_str(&format!("    {}\n", bought_words(bought)));
        for breach in &bought.breaches {
            text.push_str(&format!("      billed all the same: {breach}\n"));
        }
    }
    text
}

fn bought_words(bought: &BoughtStory) -> String {
    let how = if bought.renewed {
        "renewed by the batch of the day before, from"
    } else {
        "bought"
    };
    let serves = serves(&bought.apps);
    format!("{} {how} {}, for {serves}", bought.package, bought.purchased_at.local)
}

/// `app 70`, `apps 70, 71`, `the account`.
fn serves(apps: &[SdkAppId]) -> String {
    let names: Vec<String> = apps.iter().map(ToString::to_string).collect();
    match apps {
        [] => "the account".to_owned(),
        [_] => format!("app {}", names.concat()),
        _ => format!("apps {}", names.join(", ")),
    }
}

fn refund(name: &str, story: &RefundStory) -> String {
    let (what, asked) = match story.way {
        "outside" => ("given back outside nightbill", "given back"),
        "full" => ("given back in full", "asked for"),
        _ => ("given back for the days that are left", "asked for"),
    };
    let mut text = format!(
        "  {name}: one package of plan {} {what}\n    bought {}, {asked} {}\n",
        story.plan, story.purchased_at.local, story.refunded_at.local
    );
    if let (Some(valid), Some(held)) = (story.validity_days, story.days_held) {
        let held = counted(held, "started day", "started days");
        let valid = counted(valid, "day", "days");
        text.push_str(&format!("    held for {held} of 24 hours, valid for {valid}\n"));
    }
    text.push_str(&format!("    {}\n", story.formula));
    text
}

fn measured(name: &str, quantity: &str, story: &MeasuredStory) -> String {
    format!(
        "  {name}: {quantity}\n    {} to {}: {}\n    {}\n",
        story.from, story.to, story.rule, story.figure
    )
}

/// Refunds and renewals that the batch decided, the account's state, and its flags.
pub(super) fn account(told: &Explanation, look: Look) -> String {
    let mut text = String::new();
    if !told.refunds.is_empty() {
        section(&mut text, "Refunds decided", look);
        text.push_str(&decisions(told));
    }
    if !told.renewals.is_empty() {
        section(&mut text, "Packages renewed", look);
        for renewal in &told.renewals {
            text.push_str(&format!(
                "  {}: plan {} from {} for {}, {} {} on the next day's bill\n",
                renewal.package,
                renewal.plan,
                renewal.purchased_at.local,
                serves(&renewal.apps),
                thousands(renewal.price),
                told.currency
            ));
        }
    }
    section(&mut text, "State", look);
    text.push_str(&standing(&told.standing, &told.currency));
    if !told.flags.is_empty() {
        section(&mut text, "Flags", look);
        text.push_str(&flags(told).render(look));
    }
    text
}

fn decisions(told: &Explanation) -> String {
    let decided = told.refunds.iter().map(|decision| {
        let what = if decision.approved { "approved" } else { "refused" };
        format!(
            "  {}, asked for {}: {what}: {}\n",
            decision.package, decision.requested_at.local, decision.because
        )
    });
    decided.collect()
}

fn standing(standing: &StandingStory, currency: &str) -> String {
    let mut rows = vec![("state", standing.state.to_owned())];
    let suspend_at = match standing.suspended_at {
        None => &standing.suspend_at,
        Some(_) => &None,
    };
    let dates = [
        ("overdue since", &standing.overdue_since),
        ("suspend at", suspend_at),
        ("suspended at", &standing.suspended_at),
        ("remove at", &standing.remove_at),
        ("violation since", &standing.violation_since),
    ];
    for (name, date) in dates {
        if let Some(Moment { local, .. }) = date {
            rows.push((name, local.clone()));
        }
    }
    if standing.arrears != Cents::ZERO {
        rows.push((
            "to be active",
            format!("{} {currency} must arrive", thousands(standing.arrears)),
        ));
    }
    let mut text = pairs(&rows, Align::Left);
    if !standing.changes.is_empty() {
        text.push_str("\n  since the batch before\n");
    }
    for change in &standing.changes {
        text.push_str(&format!(
            "    {} {}, balance {} {currency}\n",
            change.state,
            change.at.local,
            thousands(change.balance)
        ));
    }
    text
}

fn flags(told: &Explanation) -> Table {
    let mut table = Table::new([
        ("flag", Align::Left),
        ("app", Align::Left),
        ("product", Align::Left),
        ("since", Align::Left),
        ("deadline", Align::Left),
        ("stop rooms by", Align::Left),
        ("actions", Align::Left),
    ]);
    let local = |moment: &Option<Moment>| moment.as_ref().map_or_else(String::new, |moment| moment.local.clone());
    for flag in &told.flags {
        table.row([
            flag.flag.to_owned(),
            match flag.app {
                SdkAppId::ACCOUNT_WIDE => "account".to_owned(),
                app => app.to_string(),
            },
            flag.product.clone(),
            flag.since.local.clone(),
            local(&flag.deadline),
            local(&flag.stop_rooms_by),
            flag.actions.join(", "),
        ]);
    }
    table
}
