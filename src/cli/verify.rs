//! `nightbill verify`: the laws of the ledger, checked from its outputs alone.

use clap::Args;

use super::failure::Failure;

/// Check that the laws of the ledger hold, from its outputs alone
#[derive(Debug, Args)]
#[command(
    hide = true,
    after_help = "Examples:\n  \
        nightbill verify jobs/nightly.toml            the last batch against the one before\n  \
        nightbill verify file:/data/out --all         every batch, in order"
)]
pub(crate) struct VerifyArgs {
    /// The job file, or the output directory itself
    #[arg(value_name = "JOB|DIR")]
    ledger: String,
    /// Every batch in order, not just the last one
    #[arg(long)]
    all: bool,
}

/// Refuses: the laws are checked by a later version.
pub(crate) fn run(args: &VerifyArgs) -> Result<(), Failure> {
    let _ = (&args.ledger, args.all);
    Err(Failure::not_available("verify"))
}
