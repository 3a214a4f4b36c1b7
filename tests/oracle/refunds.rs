//! SPEC 3.11: refund requests.

use super::fraction::Fraction;
use super::grants::Grant;
use super::rows::RefundRow;
use super::scenario::{RefundKind, Request};
use super::standing::{Night, Standing};
use super::subscriptions::validity_days;

const DAY: i64 = 24 * 3_600 * 1_000_000;

/// 3.11: "A request is decided by the first batch that knows it, after that day's deduction". `grants` are as the
/// deduction and the removals until the billing time left them. By package.
pub fn decide(night: &Night<'_>, standing: &Standing, grants: &[Grant]) -> Vec<RefundRow> {
    let requests = night.life.requests.iter();
    let mut requests: Vec<&Request> = requests
        .filter(|request| night.knows(request.requested_at) && !standing.decided.contains(&request.package))
        .collect();
    // "Requests in order of (requested_at, package_id)."
    requests.sort_by(|a, b| (a.requested_at, a.package.as_bytes()).cmp(&(b.requested_at, b.package.as_bytes())));
    let mut rows: Vec<RefundRow> = Vec::new();
    for request in requests {
        let grant = grants.iter().find(|grant| grant.id == request.package);
        let reason = reason_against(night, request, grant, &rows);
        let amount = match (reason, grant) {
            (None, Some(grant)) => amount_of(request, grant),
            // Decision 46: "refunds.amount is 0 when a request is refused".
            _ => Fraction::ZERO,
        };
        rows.push(RefundRow {
            package: request.package.clone(),
            requested_at: request.requested_at,
            amount: amount.text(2),
            reason,
        });
    }
    rows.sort_by(|a, b| a.package.as_bytes().cmp(b.package.as_bytes()));
    rows
}

/// 3.11: "First reason that holds […]; null = approved."
fn reason_against(
    night: &Night<'_>,
    request: &Request,
    grant: Option<&Grant>,
    decided: &[RefundRow],
) -> Option<&'static str> {
    // What the batch does not know was not bought by then.
    let Some((grant, package)) = grant.and_then(|grant| Some((grant, grant.package.as_ref()?))) else {
        return Some("not_purchased");
    };
    let plan = night.setting.catalog.plan(&package.plan);
    let reasons = [
        // "bought before the first settled day".
        (
            package.purchased_at < night.start(night.setting.first_day),
            "not_billed_here",
        ),
        (request.requested_at < package.purchased_at, "not_purchased"),
        (package.gift, "gift"),
        (night.in_violation(), "violation"),
        (grant.is_refunded(), "already_refunded"),
        (grant.is_void(), "void"),
        (plan.refund == RefundKind::None, "not_refundable"),
        // "more than 5 x 24 h after purchase".
        (request.requested_at - package.purchased_at > 5 * DAY, "too_late"),
        (!grant.used.is_zero(), "used"),
        // "another of the account approved in this batch".
        (decided.iter().any(|other| other.reason.is_none()), "one_at_a_time"),
    ];
    reasons.iter().find(|(holds, _)| *holds).map(|(_, reason)| *reason)
}

/// 3.11: "full: the price. prorated: price x (validity days - days held) / validity days, […] rounded down to 2
/// decimals".
fn amount_of(request: &Request, grant: &Grant) -> Fraction {
    let (package, plan) = (grant.package.as_ref(), grant.plan.as_ref());
    let (package, plan) = (package.expect("a package"), plan.expect("a package has a plan"));
    let price = Fraction::parse(plan.price.as_deref().expect("what can be refunded has a price"));
    if plan.refund == RefundKind::Full {
        return price;
    }
    // "days held = started 24 h periods, at least 1".
    let held = Fraction::of((request.requested_at - package.purchased_at).into(), DAY.into());
    let held = held.ceiling().max(1);
    let days = validity_days(grant.valid_from, grant.valid_to);
    // A package of fewer days than it was held gives nothing back, and takes nothing.
    let left = (days - held).max(0);
    price.times(Fraction::of(left, days)).rounded_down(2)
}
