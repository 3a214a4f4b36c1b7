//! What an explanation says of grants, as text: what they gave to each line, and what they held over the day.

use crate::report::explain::{Explanation, GrantStory, Service, StepOutcome};
use crate::units::quantity::{Minutes, Quota};

use super::explain_text::line_name;
use super::format::{Align, Table, plain, thousands};
use super::terminal::Look;

/// The columns of the grants' table that say what a grant is, and those that say what it held: two tables where one is too wide.
const WHAT_IT_IS: [usize; 4] = [0, 1, 2, 3];
const WHAT_IT_HELD: [usize; 5] = [0, 4, 5, 6, 7];

/// Which grants were looked at for each line, and what became of the rest.
pub(super) fn deduction(told: &Explanation, look: Look) -> String {
    let mut text = String::new();
    for line in &told.lines {
        let Some(duration) = line.how.duration() else {
            continue;
        };
        let minutes = minutes_of(duration.minutes);
        text.push_str(&format!("  {}: {minutes}\n", look.bold(&line_name(line))));
        for step in &duration.steps {
            let from = step
                .from
                .as_ref()
                .map(|from| format!(" from {from}"))
                .unwrap_or_default();
            match &step.outcome {
                StepOutcome::Served(served) => text.push_str(&format!(
                    "    - {} by {}{from}: {} x {} = {}, balance {} {} {}{}\n",
                    minutes_of(served.minutes),
                    step.grant,
                    thousands(served.minutes),
                    plain(&served.ratio.to_string()),
                    plain(&served.quota.to_string()),
                    plain(&served.before.to_string()),
                    arrow(look),
                    plain(&served.after.to_string()),
                    others(served),
                )),
                StepOutcome::PassedOver(reason) if reason.all_day => {}
                StepOutcome::PassedOver(reason) => {
                    let aside = format!("  {}{from} passed over: {}", step.grant, reason.words);
                    text.push_str(&format!("    {}\n", look.dim(&aside)));
                }
            }
        }
        match &duration.rest {
            Some(rest) if rest.billed => text.push_str(&format!(
                "    = {} billed: {}\n",
                minutes_of(rest.minutes),
                rest.because
            )),
            Some(rest) => text.push_str(&format!(
                "    = {} not billed: {}\n",
                minutes_of(rest.minutes),
                rest.because
            )),
            None => text.push_str("    = 0 min left\n"),
        }
    }
    text
}

/// What the balance lost to other lines meanwhile.
fn others(served: &Service) -> String {
    let took = |quota: Quota| format!(" (other lines took {} in between)", plain(&quota.to_string()));
    served.others_in_between().map(took).unwrap_or_default()
}

fn minutes_of(minutes: Minutes) -> String {
    format!("{} min", thousands(minutes))
}

fn arrow(look: Look) -> &'static str {
    if look.utf8 { "→" } else { "->" }
}

/// The waterfall: what each grant held and what is left, and why it gave nothing.
pub(super) fn grants(told: &Explanation, look: Look) -> String {
    let mut table = Table::new([
        ("grant", Align::Left),
        ("plan", Align::Left),
        ("serves", Align::Left),
        ("valid", Align::Left),
        ("before", Align::Right),
        ("used", Align::Right),
        ("after", Align::Right),
        ("status", Align::Left),
    ]);
    for grant in &told.grants {
        let quota = |quota: Option<Quota>| quota.map(|quota| plain(&quota.to_string())).unwrap_or_default();
        table.row([
            grant.grant.clone(),
            grant.plan.clone().unwrap_or_else(|| "free minutes".to_owned()),
            serves(grant),
            match (grant.valid_from, grant.valid_to) {
                (Some(from), Some(to)) => format!("{from} to {to}"),
                _ => String::new(),
            },
            quota(grant.before),
            plain(&grant.used.to_string()),
            quota(grant.after),
            grant.status.unwrap_or_default().to_owned(),
        ]);
    }
    let is_wide = look.width.is_some_and(|width| table.width() + 2 > usize::from(width));
    let mut text = match is_wide {
        true => format!(
            "{}\n{}",
            table.select(&WHAT_IT_IS).render(look),
            table.select(&WHAT_IT_HELD).render(look)
        ),
        false => table.render(look),
    };
    let idle = told
        .grants
        .iter()
        .filter_map(|grant| Some((grant, grant.idle_because.as_ref()?)));
    let idle: Vec<String> = idle
        .map(|(grant, because)| format!("  {} gives nothing that day: {because}\n", grant.grant))
        .collect();
    if !idle.is_empty() {
        text.push_str(&format!("\n{}", idle.concat()));
    }
    text
}

fn serves(grant: &GrantStory) -> String {
    match grant.apps.as_slice() {
        [] => "account".to_owned(),
        _ if grant.promoted => "account (promotion)".to_owned(),
        [only] => format!("app {only}"),
        several => format!("{} apps", several.len()),
    }
}
