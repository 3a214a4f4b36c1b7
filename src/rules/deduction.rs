//! Deduction (SPEC 3.4): lines in order, for each the grants in order, whole minutes.

use crate::catalog::book::{Book, TierId};

use super::account_day::{BillLine, Deduction, GrantId};
use super::grants::Grant;
use super::metering::{Portion, line_order};
use super::recorder::{Outcome, Recorder, Step};
use crate::units::quantity::{Minutes, OutOfRange, Quota, Ratio, SdkAppId};

/// Lets the grants serve the portions, in the order of both. Lines get their free and package minutes,
/// grants what was used of them.
///
/// Usage minutes are indivisible: a grant covers min(remaining, floor(balance / ratio)) of them, and a
/// rest smaller than the ratio stays for cheaper tiers (SPEC 3.4, Decision).
///
/// # Errors
/// [`OutOfRange`] when a sum leaves 64 bits.
pub(super) fn deduct<'a>(
    book: &Book,
    portions: &[Portion],
    lines: &mut [BillLine],
    grants: &mut [Grant<'a>],
    recorder: &mut Option<&mut dyn Recorder>,
) -> Result<Vec<Deduction<'a>>, OutOfRange> {
    let mut deductions = Vec::with_capacity(if grants.is_empty() { 0 } else { lines.len() });
    for portion in portions {
        let line = lines.get_mut(portion.line).expect("portions are of these lines");
        let mut rest = portion.minutes;
        for grant in grants.iter_mut() {
            if rest == Minutes::ZERO {
                break;
            }
            let outcome = serve(book, grant, line.app, line.tier, rest)?;
            if let Outcome::Served { minutes, ratio, .. } = outcome {
                rest = rest.minus(minutes)?;
                credit(line, grant.id, minutes)?;
                deductions.push(deduction(line.app, line.tier, grant.id, minutes, ratio)?);
            }
            if let Some(recorder) = recorder.as_deref_mut() {
                recorder.record(&Step {
                    app: line.app,
                    tier: line.tier,
                    period: portion.period,
                    grant: grant.id,
                    outcome,
                });
            }
        }
    }
    by_line(deductions)
}

/// What becomes of one grant that is looked at for `rest` minutes of a line.
fn serve(
    book: &Book,
    grant: &mut Grant<'_>,
    app: SdkAppId,
    tier: TierId,
    rest: Minutes,
) -> Result<Outcome, OutOfRange> {
    let ratio = match grant.ratio_for(book, app, tier) {
        Ok(ratio) => ratio,
        Err(reason) => return Ok(Outcome::PassedOver(reason)),
    };
    let before = grant.balance();
    let minutes = rest.min(before.covers(ratio));
    grant.take(Quota::taken(minutes, ratio)?)?;
    Ok(Outcome::Served {
        minutes,
        ratio,
        before,
        after: grant.balance(),
    })
}

fn credit(line: &mut BillLine, grant: GrantId<'_>, minutes: Minutes) -> Result<(), OutOfRange> {
    let part = match grant {
        GrantId::Free { .. } => &mut line.free_minutes,
        GrantId::Package(_) => &mut line.package_minutes,
    };
    *part = part.plus(minutes)?;
    Ok(())
}

fn deduction(
    app: SdkAppId,
    tier: TierId,
    grant: GrantId<'_>,
    minutes: Minutes,
    ratio: Ratio,
) -> Result<Deduction<'_>, OutOfRange> {
    Ok(Deduction {
        app,
        tier,
        grant,
        minutes,
        ratio,
        quota: Quota::taken(minutes, ratio)?,
    })
}

/// One row per line and grant, line by line. Within a line, what one grant gave stands together: a grant
/// that no longer covers a minute of the line's tier never does so again that day.
fn by_line(mut deductions: Vec<Deduction<'_>>) -> Result<Vec<Deduction<'_>>, OutOfRange> {
    let order = |row: &Deduction<'_>| line_order(row.app, row.tier);
    // By day every line is placed once and the rows are in order already.
    if deductions.is_sorted_by(|one, next| order(one) < order(next)) {
        return Ok(deductions);
    }
    deductions.sort_by_key(order);
    let mut merged: Vec<Deduction<'_>> = Vec::with_capacity(deductions.len());
    for row in deductions {
        match merged.last_mut() {
            Some(last) if order(last) == order(&row) && last.grant == row.grant => {
                last.minutes = last.minutes.plus(row.minutes)?;
                last.quota = last.quota.plus(row.quota)?;
            }
            _ => merged.push(row),
        }
    }
    Ok(merged)
}
