//! Why a command ended: one message, what to do about it, one exit code.

use crate::config::ConfigError;
use crate::inputs::catalog::ReadError;
use crate::inputs::dimensions::DimensionError;
use crate::ledger::batch::LedgerError;
use crate::ledger::verify::VerifyError;
use crate::report::explain::ExplainError;
use crate::report::timeline::TimelineError;
use crate::settle::SettleError;
use crate::store::StoreError;

/// A bug, or a law of the ledger that does not hold.
pub(crate) const EXIT_INTERNAL: u8 = 1;
/// Bad arguments, job or catalog.
pub(crate) const EXIT_USAGE: u8 = 2;
/// Bad or missing input data.
pub(crate) const EXIT_INPUT: u8 = 3;
/// A store or the network failed.
pub(crate) const EXIT_STORE: u8 = 5;

/// What a command reports when it does not end well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What happened, lower case; further lines are details.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The exit code of SPEC section 5; never 0.
    pub exit_code: u8,
}

impl Failure {
    /// Arguments that cannot be followed (exit 2).
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Some(help.into()),
            exit_code: EXIT_USAGE,
        }
    }

    /// A command or option that a later version brings (exit 2).
    pub(crate) fn not_available(what: &str) -> Self {
        Self::usage(
            format!("{what} is not available in this version"),
            "see `nightbill --help` for what is",
        )
    }

    /// Output that could not be written (exit 5).
    pub(crate) fn write(what: &str, source: &std::io::Error) -> Self {
        Self {
            message: format!("cannot write to {what}: {source}"),
            help: None,
            exit_code: EXIT_STORE,
        }
    }

    /// A panic: always a bug of nightbill (exit 1).
    pub(crate) fn bug(message: &str, at: Option<&str>) -> Self {
        let place = at.map(|at| format!(" ({at})")).unwrap_or_default();
        Self {
            message: format!("internal error: {message}{place}"),
            help: Some(format!(
                "this is a bug in nightbill {}, not in your data; nothing half done was posted: \
                 please report it with the command line",
                env!("CARGO_PKG_VERSION")
            )),
            exit_code: EXIT_INTERNAL,
        }
    }
}

impl From<SettleError> for Failure {
    fn from(error: SettleError) -> Self {
        let exit_code = error.exit_code();
        if let SettleError::Config(config) = error {
            return Self::from(config);
        }
        let help = match exit_code {
            4 => Some("run the same command again: it goes on from what the other run posted".to_owned()),
            EXIT_STORE => Some("nothing half done was posted; run the same command again".to_owned()),
            _ => None,
        };
        let message = match &error {
            SettleError::Dimensions(DimensionError::BadRows(rows)) if rows.len() > 1 => listed(
                &format!("{} problems in the dimensions", rows.len()),
                &error.to_string(),
            ),
            _ => error.to_string(),
        };
        Self {
            message,
            help,
            exit_code,
        }
    }
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Self {
        let exit_code = error.exit_code();
        let help = match error {
            ExplainError::Settle(error) => return error.into(),
            ExplainError::NoLedger { .. } => Some("settle a day first: nightbill settle --help"),
            ExplainError::NotSettled { .. } => Some("name a day that is settled"),
            ExplainError::UnknownAccount(_) => {
                Some("check the number; `nightbill check` counts the accounts of the job")
            }
            _ => None,
        };
        Self {
            message: error.to_string(),
            help: help.map(str::to_owned),
            exit_code,
        }
    }
}

impl From<TimelineError> for Failure {
    fn from(error: TimelineError) -> Self {
        match error {
            TimelineError::Ledger(error) => error.into(),
            TimelineError::Unknown(_) => Self::usage(error.to_string(), "settle a day that knows the account first"),
            TimelineError::Course { .. } | TimelineError::OutsideCalendar(_) => Self {
                message: error.to_string(),
                help: None,
                exit_code: EXIT_INPUT,
            },
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        match error.problems.as_slice() {
            [problem] => {
                let mut bare = problem.clone();
                let help = bare.help.take();
                Self {
                    message: bare.to_string(),
                    help,
                    exit_code: EXIT_USAGE,
                }
            }
            problems => Self {
                message: listed(
                    &format!("{} problems in the configuration", problems.len()),
                    &error.to_string(),
                ),
                help: None,
                exit_code: EXIT_USAGE,
            },
        }
    }
}

impl From<DimensionError> for Failure {
    fn from(error: DimensionError) -> Self {
        Self::from(SettleError::from(error))
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::from(SettleError::from(error))
    }
}

impl From<VerifyError> for Failure {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Ledger(error) => error.into(),
            VerifyError::Store(error) => error.into(),
            VerifyError::Empty(_) => Self::usage(error.to_string(), "settle a day first: nightbill settle --help"),
            VerifyError::Unreadable { .. } | VerifyError::Query(_) => Self {
                message: error.to_string(),
                help: Some("the file is not as nightbill wrote it: restore the output from a copy".to_owned()),
                exit_code: EXIT_INTERNAL,
            },
        }
    }
}

impl From<LedgerError> for Failure {
    fn from(error: LedgerError) -> Self {
        Self::from(SettleError::from(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::from(SettleError::from(error))
    }
}

/// A headline with indented details below it.
fn listed(headline: &str, details: &str) -> String {
    let details: Vec<String> = details.lines().map(|line| format!("  {line}")).collect();
    format!("{headline}:\n{}", details.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use chrono::NaiveDate;

    use super::*;
    use crate::cli::terminal::{Look, render_failure};
    use crate::config::Problem;
    use crate::inputs::dimensions::BadRow;
    use crate::inputs::rejects::Reason;
    use crate::units::quantity::BillingDay;

    fn problem(line: usize, message: &str, help: Option<&str>) -> Problem {
        Problem {
            path: PathBuf::from("jobs/nightly.toml"),
            at: Some((line, 1)),
            message: message.to_owned(),
            help: help.map(str::to_owned),
        }
    }

    fn bad_row(row: u64) -> BadRow {
        BadRow {
            file: "accounts.csv".to_owned(),
            row: Some(row),
            column: Some("payg".to_owned()),
            message: "\"maybe\" is none of auto, on, off".to_owned(),
        }
    }

    #[test]
    fn failures_as_they_are_shown() {
        let day = BillingDay::from_date(NaiveDate::from_ymd_opt(2024, 10, 12).expect("a date"));
        let cases: Vec<Failure> = vec![
            ConfigError {
                problems: vec![problem(4, "unknown key `timezon`", Some("did you mean `timezone`?"))],
            }
            .into(),
            ConfigError {
                problems: vec![
                    problem(4, "unknown key `timezon`", Some("did you mean `timezone`?")),
                    problem(9, "`lookback_days` is negative", None),
                ],
            }
            .into(),
            DimensionError::BadRows(vec![bad_row(2)]).into(),
            DimensionError::BadRows(vec![bad_row(2), bad_row(3)]).into(),
            SettleError::TooManyRejects {
                day,
                total: 12,
                counts: vec![(Reason::BadTs, 2), (Reason::UnknownAccount, 10)],
                limit: 0,
                written: "12 of them are in rejects-2024-10-12.parquet".to_owned(),
            }
            .into(),
            StoreError::Failed {
                path: "s3://bucket/usage".to_owned(),
                message: "connection refused".to_owned(),
            }
            .into(),
            LedgerError::NotSettled { day }.into(),
            LedgerError::LostRace {
                batch: crate::ledger::record::BatchId::settling(day),
            }
            .into(),
            Failure::bug("index out of bounds", Some("src/rules/grants.rs:10:4")),
        ];
        let shown: Vec<String> = cases
            .iter()
            .map(|failure| format!("{}(exit {})", render_failure(failure, Look::PLAIN), failure.exit_code))
            .collect();
        insta::assert_snapshot!(shown.join("\n\n"));
    }
}
