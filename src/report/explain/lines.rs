//! The story of every bill line.

use crate::catalog::book::{ItemKind, Round, TierId};
use crate::ledger::tables::Table;
use crate::report::numbers::{bare, bare_money};
use crate::rules::account_day::{BillLine, DeductionPeriod};
use crate::rules::recorder::Outcome;
use crate::rules::subscriptions::PurchaseLine;
use crate::units::quantity::{Amount, OutOfRange, Quantity, Quota, SdkAppId, Seconds, UnitPrice};

use super::bills::item_name;
use super::error::ExplainError;
use super::grant_story::{GrantStep, Service, StepOutcome};
use super::life;
use super::measured::measured;
use super::reasons::{self, Looked};
use super::recompute::Computed;
use super::rows::TableRows;
use super::story::{DurationStory, LineStory, PeriodStory, QuantityStory, UsagePart};
use super::usage::tier_named;

/// In deduction order: by app, item and tier; account-rounded lines last.
pub(super) fn lines(computed: &Computed<'_>) -> Result<Vec<LineStory>, ExplainError> {
    let rows = computed.table(Table::BillLines);
    let mut lines = (0..rows.len())
        .map(|row| {
            let story = line(computed, rows, row)?;
            let tier = tier_named(&computed.batch.book, &story.item, &story.tier);
            let order = (story.app == SdkAppId::ACCOUNT_WIDE, story.app, tier.is_none(), tier);
            Ok((order, story))
        })
        .collect::<Result<Vec<_>, ExplainError>>()?;
    lines.sort_by_key(|(order, _)| *order);
    Ok(lines.into_iter().map(|(_, story)| story).collect())
}

fn line(computed: &Computed<'_>, rows: TableRows<'_>, row: usize) -> Result<LineStory, ExplainError> {
    let app = SdkAppId::new(rows.integer(row, "sdk_app_id")).unwrap_or(SdkAppId::ACCOUNT_WIDE);
    let (item, tier) = (rows.must(row, "item"), rows.must(row, "tier"));
    let units = |name| i64::try_from(rows.units(row, name)).expect("decimal(18,6) fits 64 bits");
    let (quantity, unit_price) = (
        Quantity::from_units(units("quantity")),
        UnitPrice::from_units(units("unit_price")),
    );
    let (per, amount) = (rows.integer(row, "per"), Amount::from_units(rows.units(row, "amount")));
    Ok(LineStory {
        bill_id: rows.must(row, "bill_id"),
        app,
        item_name: item_name(computed, &item),
        how: how(computed, app, &item, &tier)?,
        quantity,
        unit: unit(&rows.must(row, "unit")),
        unit_price,
        per,
        price_list: rows.text(row, "price_list"),
        amount,
        formula: formula(quantity, unit_price, per, amount),
        item,
        tier,
    })
}

/// `60 / 1000 x 3.99 = 0.2394`.
fn formula(quantity: Quantity, price: UnitPrice, per: i64, amount: Amount) -> String {
    let quantity = quantity.to_string();
    let quantity = bare(&quantity);
    let (price, amount) = (bare_money(&price.to_string()), bare_money(&amount.to_string()));
    match per {
        1 => format!("{quantity} x {price} = {amount}"),
        per => format!("{quantity} / {per} x {price} = {amount}"),
    }
}

/// The units of SPEC section 4.
fn unit(name: &str) -> &'static str {
    ["minute", "mbps", "image", "user", "package"]
        .into_iter()
        .find(|known| *known == name)
        .unwrap_or("unit")
}

/// How a line's quantity came about.
fn how(computed: &Computed<'_>, app: SdkAppId, item: &str, tier: &str) -> Result<QuantityStory, ExplainError> {
    const FROM_THEM: &str = "the rows are made of what the rules computed";
    let (book, day) = (&computed.batch.book, computed.day);
    Ok(match item {
        "package" => {
            let is_line = |line: &&PurchaseLine| line.app == app && book.plan(line.plan).id == tier;
            QuantityStory::Purchase(life::purchase(
                computed,
                day.purchases.iter().find(is_line).expect(FROM_THEM),
            )?)
        }
        "refund" => {
            let mut credits = day.credits.iter();
            QuantityStory::Refund(life::refund(
                computed,
                credits.find(|line| line.package == tier).expect(FROM_THEM),
            ))
        }
        _ => {
            let id = tier_named(book, item, tier).expect(FROM_THEM);
            let mut lines = day.lines.iter();
            let line = lines.find(|line| (line.app, line.tier) == (app, id)).expect(FROM_THEM);
            match book.item_of(id).kind {
                ItemKind::Duration => QuantityStory::Duration(duration(computed, line)?),
                _ => QuantityStory::Measured(measured(computed, line)),
            }
        }
    })
}

fn duration(computed: &Computed<'_>, line: &BillLine) -> Result<DurationStory, ExplainError> {
    let item = computed.batch.book.item_of(line.tier);
    Ok(DurationStory {
        rounded_by: match item.round {
            Round::App => "app",
            Round::Account => "account",
        },
        parts: parts(computed, line),
        seconds: line.seconds,
        minutes: line.minutes,
        periods: periods(computed, line)?,
        steps: steps(computed, line)?,
        free_minutes: line.free_minutes,
        package_minutes: line.package_minutes,
        payg_minutes: line.payg_minutes,
        unbilled_minutes: line.unbilled_minutes,
        rest: computed
            .told
            .rest_of(line.app, line.tier)
            .map(|rest| reasons::rest(rest, line.app)),
    })
}

/// The seconds of the line by app.
fn parts(computed: &Computed<'_>, line: &BillLine) -> Vec<UsagePart> {
    let of_line = computed
        .day
        .usage
        .iter()
        .filter(|usage| usage.tier == line.tier && (line.app == SdkAppId::ACCOUNT_WIDE || usage.app == line.app));
    of_line
        .map(|usage| UsagePart {
            app: usage.app,
            seconds: usage.seconds,
            rows: usage.rows,
        })
        .collect()
}

/// `[T]` FAQ: each period's usage, the day's so far, and what that adds to the minutes.
fn periods(computed: &Computed<'_>, line: &BillLine) -> Result<Vec<PeriodStory>, ExplainError> {
    if computed.batch.deduction_period == DeductionPeriod::Day {
        return Ok(Vec::new());
    }
    let mut seconds: std::collections::BTreeMap<u16, Seconds> = std::collections::BTreeMap::new();
    for group in computed.usage {
        if group.tier == line.tier && (line.app == SdkAppId::ACCOUNT_WIDE || group.app == line.app) {
            let sum = seconds.entry(group.period).or_default();
            *sum = sum.plus(group.seconds)?;
        }
    }
    let mut cumulative = Seconds::ZERO;
    let mut periods = Vec::with_capacity(seconds.len());
    for (period, seconds) in seconds {
        let counted = cumulative.to_minutes_rounded_up();
        cumulative = cumulative.plus(seconds)?;
        let minutes = cumulative.to_minutes_rounded_up();
        periods.push(PeriodStory {
            period,
            from: computed.batch.period_begins(period)?,
            seconds,
            cumulative_seconds: cumulative,
            cumulative_minutes: minutes,
            minutes: minutes.minus(counted)?,
        });
    }
    Ok(periods)
}

/// What became of every grant that was looked at for the line: over the day, each grant and outcome once.
fn steps(computed: &Computed<'_>, line: &BillLine) -> Result<Vec<GrantStep>, ExplainError> {
    let tier = computed.tier_name(line.tier);
    let mut steps: Vec<GrantStep> = Vec::new();
    for told in computed.told.of_line(line.app, line.tier) {
        match told.outcome {
            Outcome::Served {
                minutes,
                ratio,
                before,
                after,
            } => {
                let earlier = steps.iter_mut().find_map(|step| match &mut step.outcome {
                    StepOutcome::Served(service) if step.grant == told.grant => Some(service),
                    _ => None,
                });
                let quota = Quota::taken(minutes, ratio)?;
                if let Some(service) = earlier {
                    add(service, minutes, quota, after)?;
                    continue;
                }
                steps.push(GrantStep {
                    grant: told.grant.clone(),
                    from: computed.time_of(told.period)?,
                    outcome: StepOutcome::Served(Service {
                        minutes,
                        ratio,
                        quota,
                        before,
                        after,
                    }),
                });
            }
            Outcome::PassedOver(reason) => {
                let looked = Looked {
                    app: line.app,
                    tier: &tier,
                    bound_to: computed.apps_of(&told.grant),
                };
                let reason = reasons::passed_over(reason, &looked);
                let known = steps.iter().any(|step| {
                    step.grant == told.grant
                        && matches!(&step.outcome, StepOutcome::PassedOver(other) if other.code == reason.code)
                });
                if !known {
                    steps.push(GrantStep {
                        grant: told.grant.clone(),
                        from: computed.time_of(told.period)?,
                        outcome: StepOutcome::PassedOver(reason),
                    });
                }
            }
        }
    }
    Ok(steps)
}

fn add(
    service: &mut Service,
    minutes: crate::units::quantity::Minutes,
    quota: Quota,
    after: Quota,
) -> Result<(), OutOfRange> {
    service.minutes = service.minutes.plus(minutes)?;
    service.quota = service.quota.plus(quota)?;
    service.after = after;
    Ok(())
}

impl Computed<'_> {
    /// `av.hd`.
    pub(super) fn tier_name(&self, tier: TierId) -> String {
        let book = &self.batch.book;
        format!("{}.{}", book.item_of(tier).id, book.tiers[tier.index()].name)
    }

    /// The apps that a package is bound to.
    pub(super) fn apps_of(&self, grant: &str) -> &[SdkAppId] {
        self.package(grant).map_or(&[], |package| package.apps)
    }

    /// When a five-minute period begins; None where grants are drawn on once a day.
    pub(super) fn time_of(&self, period: u16) -> Result<Option<String>, ExplainError> {
        match self.batch.deduction_period {
            DeductionPeriod::Day => Ok(None),
            DeductionPeriod::FiveMinutes => self.batch.period_begins(period).map(Some),
        }
    }
}
