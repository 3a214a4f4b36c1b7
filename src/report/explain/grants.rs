//! The waterfall of grants: what each held, what was drawn on it in which order, what is left.

use crate::rules::account_day::{GrantId, GrantState};
use crate::rules::recorder::Outcome;
use crate::units::quantity::Quota;

use super::error::ExplainError;
use super::grant_story::{Draw, GrantStory};
use super::reasons::{self, Looked};
use super::recompute::Computed;
use super::steps::ToldStep;

/// Those that the rules looked at, in deduction order, then the others that are listed on the day, by id.
pub(super) fn grants(computed: &Computed<'_>) -> Result<Vec<GrantStory>, ExplainError> {
    let mut ids: Vec<String> = Vec::new();
    let looked_at = computed.told.steps.iter().map(|step| step.grant.clone());
    let listed = computed.day.grants.iter().map(|state| state.grant.to_string());
    for id in looked_at.chain(listed) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids.into_iter().map(|id| grant(computed, id)).collect()
}

fn grant(computed: &Computed<'_>, id: String) -> Result<GrantStory, ExplainError> {
    let book = &computed.batch.book;
    let state = computed.day.grants.iter().find(|state| state.grant.to_string() == id);
    let package = computed.package(&id);
    let draws = draws(computed, &id)?;
    let used = draws.iter().try_fold(Quota::ZERO, |sum, draw| sum.plus(draw.quota))?;
    let before = state.map(|state| state.balance.plus(used)).transpose()?;
    let is_free = state.is_some_and(|state| matches!(state.grant, GrantId::Free { .. }));
    let of_state = |pick: fn(&GrantState<'_>) -> Quota| state.map(pick);
    Ok(GrantStory {
        kind: if is_free { "free" } else { "package" },
        plan: package.map(|package| book.plan(package.plan).id.clone()),
        apps: package.map(|package| package.apps.to_vec()).unwrap_or_default(),
        promoted: package
            .is_some_and(|package| !package.apps.is_empty() && book.is_promoted(package.plan, computed.batch.id.day)),
        valid_from: state.map(|state| state.valid_from),
        valid_to: state.map(|state| state.valid_to),
        quota: of_state(|state| state.quota),
        before,
        used,
        after: of_state(|state| state.balance),
        status: state.map(|state| state.status.as_str()),
        draws,
        idle_because: idle_because(computed, &id),
        grant: id,
    })
}

/// What was drawn on a grant, in its order; what one line drew period after period with no other in between is one draw.
fn draws(computed: &Computed<'_>, grant: &str) -> Result<Vec<Draw>, ExplainError> {
    let book = &computed.batch.book;
    let mut draws: Vec<Draw> = Vec::new();
    for step in of_grant(computed, grant) {
        let Outcome::Served {
            minutes,
            ratio,
            before,
            after,
        } = step.outcome
        else {
            continue;
        };
        let (item, tier) = (&book.item_of(step.tier).id, &book.tiers[step.tier.index()].name);
        let quota = Quota::taken(minutes, ratio)?;
        match draws.last_mut() {
            Some(last) if (last.app, &last.item, &last.tier) == (step.app, item, tier) => {
                last.minutes = last.minutes.plus(minutes)?;
                last.quota = last.quota.plus(quota)?;
                last.after = after;
            }
            _ => draws.push(Draw {
                app: step.app,
                item: item.clone(),
                tier: tier.clone(),
                from: computed.time_of(step.period)?,
                minutes,
                ratio,
                quota,
                before,
                after,
            }),
        }
    }
    Ok(draws)
}

/// Why it served nothing, when that holds for every line.
fn idle_because(computed: &Computed<'_>, grant: &str) -> Option<String> {
    of_grant(computed, grant).find_map(|step| {
        let Outcome::PassedOver(reason) = step.outcome else {
            return None;
        };
        let looked = Looked {
            app: step.app,
            tier: "",
            bound_to: &[],
        };
        let reason = reasons::passed_over(reason, &looked);
        reason.all_day.then_some(reason.words)
    })
}

fn of_grant<'a>(computed: &'a Computed<'_>, grant: &str) -> impl Iterator<Item = &'a ToldStep> {
    computed.told.steps.iter().filter(move |step| step.grant == grant)
}
