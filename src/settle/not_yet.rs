//! What the contract asks for and this version does not do yet: said, so that nobody misses money unknowingly.

use crate::job::{Job, Shape};

use super::error::SettleError;

/// The shapes of usage that a run can settle. Streams are not among them: read as seconds, each row of theirs would be
/// billed as a second of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SettledShape {
    Seconds,
    Daily,
}

impl SettledShape {
    /// The shape that the job's usage has.
    ///
    /// # Errors
    /// [`SettleError::Usage`] for a shape that cannot be settled: to leave usage out with a warning would bill zero.
    pub(super) fn of(job: &Job) -> Result<Self, SettleError> {
        match job.inputs.usage.shape {
            Shape::Seconds => Ok(Self::Seconds),
            Shape::Daily => Ok(Self::Daily),
            Shape::Streams => Err(SettleError::Usage(
                "inputs.usage.shape = \"streams\" cannot be settled by this version, and settling without it would bill \
                 zero; deliver shape = \"seconds\" or \"daily\""
                    .to_owned(),
            )),
        }
    }
}

/// What the job names and this version reads and checks, but does not act on.
pub fn not_acted_on(job: &Job) -> Vec<String> {
    match SettledShape::of(job) {
        Ok(_) => Vec::new(),
        Err(_) => vec!["inputs.usage.shape = \"streams\" cannot be settled by this version".to_owned()],
    }
}
