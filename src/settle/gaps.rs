//! What the contract asks for and this version does not do yet: said, so that nobody misses money unknowingly.

use crate::job::{Job, Shape};

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
    let mut gaps = Vec::new();
    if let Some(shape) = other_shape(job) {
        gaps.push(format!(
            "inputs.usage.shape = \"{shape}\" cannot be settled by this version"
        ));
    }
    gaps
}
