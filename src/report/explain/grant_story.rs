//! The explanation of grants as plain data: what was looked at for a line, and what each grant held over the day.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::units::quantity::{BillingDay, Minutes, Quota, Ratio, SdkAppId};

use super::serial::{app, apps, count, optional_text, text};

/// A grant over the day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantStory {
    /// Its id.
    pub grant: String,
    /// `free` or `package`.
    pub kind: &'static str,
    /// Its plan; None for free minutes.
    pub plan: Option<String>,
    /// The apps it is bound to; empty: the whole account.
    #[serde(serialize_with = "apps")]
    pub apps: Vec<SdkAppId>,
    /// Whether a scope promotion lets it serve the whole account on the day.
    pub promoted: bool,
    /// First day, as its queue sets it; None where it is not listed on the day.
    #[serde(serialize_with = "optional_text")]
    pub valid_from: Option<BillingDay>,
    /// Last day.
    #[serde(serialize_with = "optional_text")]
    pub valid_to: Option<BillingDay>,
    /// What it gave at first.
    #[serde(serialize_with = "optional_text")]
    pub quota: Option<Quota>,
    /// Balance when the day began.
    #[serde(serialize_with = "optional_text")]
    pub before: Option<Quota>,
    /// What the day took.
    #[serde(serialize_with = "text")]
    pub used: Quota,
    /// Balance after the day.
    #[serde(serialize_with = "optional_text")]
    pub after: Option<Quota>,
    /// Its status in the ledger after the day.
    pub status: Option<&'static str>,
    /// What was drawn on it, in the order in which it was.
    pub draws: Vec<Draw>,
    /// Why it served nothing that day, whatever the line.
    pub idle_because: Option<String>,
}

/// Minutes that a line drew on a grant at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draw {
    /// The line's app.
    #[serde(serialize_with = "app")]
    pub app: SdkAppId,
    /// Its item.
    pub item: String,
    /// Its tier.
    pub tier: String,
    /// The five-minute period in which it began, `HH:MM`.
    pub from: Option<String>,
    /// Usage minutes.
    #[serde(serialize_with = "count")]
    pub minutes: Minutes,
    /// Quota minutes that each takes.
    #[serde(serialize_with = "text")]
    pub ratio: Ratio,
    /// minutes x ratio.
    #[serde(serialize_with = "text")]
    pub quota: Quota,
    /// Balance before.
    #[serde(serialize_with = "text")]
    pub before: Quota,
    /// Balance after.
    #[serde(serialize_with = "text")]
    pub after: Quota,
}

/// A grant that was looked at for a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantStep {
    /// The grant.
    pub grant: String,
    /// When it was first looked at, `HH:MM`, where grants are drawn on every five minutes.
    pub from: Option<String>,
    /// What became of it.
    pub outcome: StepOutcome,
}

/// What became of a grant that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepOutcome {
    /// It covered minutes of the line.
    Served(Service),
    /// It was passed over.
    PassedOver(Reason),
}

/// What a grant gave to a line over the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Service {
    /// Usage minutes covered.
    pub minutes: Minutes,
    /// Quota minutes that each takes.
    pub ratio: Ratio,
    /// minutes x ratio.
    pub quota: Quota,
    /// Balance before the first of them.
    pub before: Quota,
    /// Balance after the last of them. In five-minute steps other lines may have drawn on the grant between the two:
    /// [`Self::others_in_between`].
    pub after: Quota,
}

impl Service {
    /// What other lines drew on the grant between the first and the last of them; None: nothing.
    pub fn others_in_between(&self) -> Option<Quota> {
        let fallen = self.before.minus(self.after).ok()?;
        let others = fallen.minus(self.quota).ok()?;
        (others > Quota::ZERO).then_some(others)
    }
}

/// Why something was as it was: a code for programs, words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The code.
    pub code: &'static str,
    /// The words.
    pub words: String,
    /// Whether it holds for every line of the day.
    pub all_day: bool,
}

/// Every field for every outcome; those of another outcome are null.
impl Serialize for GrantStep {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (served, passed_over) = match &self.outcome {
            StepOutcome::Served(service) => (Some(service), None),
            StepOutcome::PassedOver(reason) => (None, Some(reason)),
        };
        let quota = |pick: fn(&Service) -> Quota| served.map(|service| pick(service).to_string());
        let mut fields = serializer.serialize_struct("GrantStep", 10)?;
        fields.serialize_field("grant", &self.grant)?;
        fields.serialize_field("from", &self.from)?;
        fields.serialize_field("outcome", if served.is_some() { "served" } else { "passed_over" })?;
        fields.serialize_field("minutes", &served.map(|service| service.minutes.get()))?;
        fields.serialize_field("ratio", &served.map(|service| service.ratio.to_string()))?;
        fields.serialize_field("quota", &quota(|service| service.quota))?;
        fields.serialize_field("before", &quota(|service| service.before))?;
        fields.serialize_field("after", &quota(|service| service.after))?;
        fields.serialize_field("reason", &passed_over.map(|reason| reason.code))?;
        fields.serialize_field("because", &passed_over.map(|reason| &reason.words))?;
        fields.end()
    }
}
