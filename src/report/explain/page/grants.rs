//! Grants and what was drawn on them, in words.

use serde::Serialize;

use crate::report::numbers::{plain, thousands};
use crate::units::quantity::Quota;

use super::super::charts::{self, Waterfall};
use super::super::grant_story::{Draw, GrantStory};
use super::{app_name, grant_name};

/// Draws that one waterfall shows; more are added up by line.
const SHOWN_DRAWS: usize = 16;

#[derive(Debug, Serialize)]
pub(super) struct GrantView {
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
    pub(super) fn new(grant: &GrantStory) -> Self {
        let draws = shown_draws(&grant.draws);
        let shown = |quota: Quota| plain(&quota.to_string());
        let or_empty = |quota: Option<Quota>| quota.map(shown).unwrap_or_default();
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
            quota: grant.quota.filter(|quota| *quota != Quota::ZERO).map(shown),
            before: or_empty(grant.before),
            used: shown(grant.used),
            after: or_empty(grant.after),
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
