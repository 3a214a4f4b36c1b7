//! What the contract asks for and this version does not do yet: said, so that nobody misses money unknowingly.

use crate::job::{Job, Shape};
use crate::rules::quantity::BillingDay;

use super::error::SettleError;

/// Usage of another shape cannot be left out with a warning: the day would be billed zero.
pub(super) fn refuse_other_shapes(job: &Job) -> Result<(), SettleError> {
    let Some(shape) = other_shape(job) else {
        return Ok(());
    };
    Err(SettleError::Usage(format!(
        "inputs.usage.shape = \"{shape}\" cannot be settled by this version, and settling without it would bill zero; \
         deliver shape = \"seconds\" or \"daily\""
    )))
}

fn other_shape(job: &Job) -> Option<&'static str> {
    match job.inputs.usage.shape {
        Shape::Seconds | Shape::Daily => None,
        Shape::Streams => Some("streams"),
    }
}

/// What the job names and this version reads and checks, but does not act on.
pub fn not_acted_on(job: &Job) -> Vec<String> {
    let inputs = &job.inputs;
    let mut gaps = Vec::new();
    if inputs.refund_requests.is_some() {
        gaps.push("inputs.refund_requests is not acted on by this version: no request is decided".to_owned());
    }
    if let Some(shape) = other_shape(job) {
        gaps.push(format!(
            "inputs.usage.shape = \"{shape}\" cannot be settled by this version"
        ));
    }
    gaps
}

/// Purchases of a day, which SPEC 3.8 bills.
pub(super) fn purchases(day: BillingDay, count: i64) -> Option<String> {
    let packages = match count {
        0 => return None,
        1 => "1 package".to_owned(),
        _ => format!("{count} packages"),
    };
    Some(format!(
        "purchases are not charged by this version: {packages} bought on {day}"
    ))
}

/// Packages that SPEC 3.8 renews.
pub(super) fn renewals(count: i64) -> Option<String> {
    let packages = match count {
        0 => return None,
        1 => "1 package has".to_owned(),
        _ => format!("{count} packages have"),
    };
    Some(format!(
        "{packages} auto_renew = true, which is not acted on by this version: they end without a renewal"
    ))
}
