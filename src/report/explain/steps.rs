//! What the rules tell while they compute the day.

use crate::catalog::book::TierId;
use crate::rules::recorder::{Fate, Outcome, Recorder, Rest, Step};
use crate::units::quantity::{Minutes, SdkAppId};

/// Everything that was told, in its order.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub steps: Vec<ToldStep>,
    pub rests: Vec<ToldRest>,
}

/// One grant looked at for one line in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToldStep {
    pub app: SdkAppId,
    pub tier: TierId,
    pub period: u16,
    pub grant: String,
    pub outcome: Outcome,
}

/// Minutes of a line that no grant covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToldRest {
    pub app: SdkAppId,
    pub tier: TierId,
    pub minutes: Minutes,
    pub fate: ToldFate,
}

/// [`Fate`], kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ToldFate {
    PaygOn,
    PaidPackage(String),
    PaygOff,
    NoPaidPackage,
    NoPrice,
}

impl Recorder for Told {
    fn record(&mut self, step: &Step<'_>) {
        self.steps.push(ToldStep {
            app: step.app,
            tier: step.tier,
            period: step.period,
            grant: step.grant.to_string(),
            outcome: step.outcome,
        });
    }

    fn record_rest(&mut self, rest: &Rest<'_>) {
        self.rests.push(ToldRest {
            app: rest.app,
            tier: rest.tier,
            minutes: rest.minutes,
            fate: match rest.fate {
                Fate::PaygOn => ToldFate::PaygOn,
                Fate::PaidPackage(package) => ToldFate::PaidPackage(package.to_string()),
                Fate::PaygOff => ToldFate::PaygOff,
                Fate::NoPaidPackage => ToldFate::NoPaidPackage,
                Fate::NoPrice => ToldFate::NoPrice,
            },
        });
    }
}

impl Told {
    /// What was told of one line.
    pub(super) fn of_line(&self, app: SdkAppId, tier: TierId) -> impl Iterator<Item = &ToldStep> {
        self.steps
            .iter()
            .filter(move |step| (step.app, step.tier) == (app, tier))
    }

    /// What became of a line's minutes that grants left.
    pub(super) fn rest_of(&self, app: SdkAppId, tier: TierId) -> Option<&ToldRest> {
        self.rests.iter().find(|rest| (rest.app, rest.tier) == (app, tier))
    }
}
