//! What can be typed: every command, option and value, and the help that goes with them.

use std::path::PathBuf;
use std::sync::LazyLock;

use chrono::NaiveDate;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::job::Override;
use crate::units::quantity::BillingDay;

use super::check::CheckArgs;
use super::compact::CompactArgs;
use super::completions::CompletionsArgs;
use super::explain::ExplainArgs;
use super::sample::SampleArgs;
use super::schema::SchemaArgs;
use super::settle::SettleArgs;
use super::timeline::TimelineArgs;
use super::verify::VerifyArgs;

/// Settles nights of usage-billed real-time communication: per-second usage Parquet in, exact bills out.
#[derive(Debug, Parser)]
#[command(
    name = "nightbill",
    bin_name = "nightbill",
    version = version(),
    max_term_width = 100,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Examples:\n  \
        nightbill check jobs/nightly.toml                       what the job and its catalog say\n  \
        nightbill settle jobs/nightly.toml --day 2024-10-12     settle the first night\n  \
        nightbill settle jobs/nightly.toml                      settle every night that is due\n  \
        nightbill explain jobs/nightly.toml --account 1001 --day 2024-10-12\n  \
        nightbill schema bills                                  the columns of a table\n\n\
        `nightbill --help` explains exit codes; `nightbill COMMAND --help` has more on each command.",
    after_long_help = AFTER_LONG_HELP,
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub global: GlobalArgs,
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_LONG_HELP: &str = "\
Examples:
  nightbill check jobs/nightly.toml                       what the job and its catalog say
  nightbill settle jobs/nightly.toml --day 2024-10-12     settle the first night
  nightbill settle jobs/nightly.toml                      settle every night that is due
  nightbill explain jobs/nightly.toml --account 1001 --day 2024-10-12
  nightbill schema bills                                  the columns of a table

Exit codes:
  0  done; also when there was nothing to do, or when the reader of stdout went away
  1  internal error, a broken law, or a posted day that the rules do not confirm
  2  bad arguments, job or catalog
  3  bad or missing input data: nothing of that day was posted
  4  another run posted first: run again
  5  store or network failure: worth a retry

Results go to stdout; warnings, errors, progress and logs go to stderr. With `--output json` stdout holds exactly \
one JSON document, described in docs/json-output.md, also when the command fails. Without a document are only \
`completions`, which prints its script, --help and --version, which print text, and arguments that cannot be parsed: \
stderr says what is wrong with them, as text, and stdout stays empty.

SIGPIPE is ignored: a closed pipe (`nightbill schema | head`) ends the printing, never a run that is posting.

Credentials of s3://, gs:// and az:// come from the environment, as usual for each store.";

/// Version of the program and of the time zones compiled into it.
fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        format!(
            "{} (tzdata {})",
            env!("CARGO_PKG_VERSION"),
            chrono_tz::IANA_TZDB_VERSION
        )
    });
    &VERSION
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// What goes to stdout: text for people, or one JSON document
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub output: OutputFormat,
    /// No progress and no summary; warnings and errors stay
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
    /// How stderr is written; json: every warning, error and log event as one JSON object a line
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Which log events go to stderr; info tells the start and end of runs and days
    #[arg(long, global = true, value_enum, default_value_t = LogLevel::Warn, value_name = "LEVEL")]
    pub log_level: LogLevel,
}

/// `--output`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    Text,
    Json,
}

/// `--color`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// `--log-level`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl LogLevel {
    /// As tracing's filters have it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    /// Whether a run that goes well logs anything.
    pub(crate) fn is_chatty(self) -> bool {
        matches!(self, Self::Info | Self::Debug | Self::Trace)
    }
}

/// Every command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Settle(SettleArgs),
    Check(CheckArgs),
    Verify(VerifyArgs),
    Timeline(TimelineArgs),
    Explain(ExplainArgs),
    Schema(SchemaArgs),
    Sample(SampleArgs),
    Compact(CompactArgs),
    Completions(CompletionsArgs),
}

impl Command {
    /// As it is typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Settle(_) => "settle",
            Self::Check(_) => "check",
            Self::Verify(_) => "verify",
            Self::Timeline(_) => "timeline",
            Self::Explain(_) => "explain",
            Self::Schema(_) => "schema",
            Self::Sample(_) => "sample",
            Self::Compact(_) => "compact",
            Self::Completions(_) => "completions",
        }
    }
}

/// Arguments of commands that take a job.
#[derive(Debug, Clone, Args)]
pub(crate) struct JobArgs {
    /// The job file (TOML)
    #[arg(value_name = "JOB")]
    pub job: PathBuf,
    /// Override a key of the job; VALUE is TOML, or else a string (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_override, action = ArgAction::Append)]
    pub overrides: Vec<Override>,
}

/// `KEY=VALUE`; the value may hold more `=`.
pub(crate) fn parse_override(text: &str) -> Result<Override, String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => Ok(Override {
            key: key.trim().to_owned(),
            value: value.to_owned(),
        }),
        _ => Err("expected KEY=VALUE, such as output=file:/tmp/out".to_owned()),
    }
}

/// A billing day, `YYYY-MM-DD` and nothing else.
pub(crate) fn parse_day(text: &str) -> Result<BillingDay, String> {
    let digits = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    NaiveDate::parse_from_str(text, "%Y-%m-%d")
        .ok()
        .filter(|_| digits)
        .map(BillingDay::from_date)
        .ok_or_else(|| "expected a date as YYYY-MM-DD".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn clap_finds_no_fault_with_the_definition() {
        Cli::command().debug_assert();
    }

    #[test]
    fn days() {
        assert_eq!(
            parse_day("2024-10-12").map(|day| day.to_string()),
            Ok("2024-10-12".to_owned())
        );
        for bad in [
            "2024-2-30",
            "2024-02-30",
            "24-10-12",
            "2024-10-12 ",
            "+024-10-12",
            "today",
            "",
        ] {
            assert!(parse_day(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn overrides() {
        let parsed = parse_override("inputs.usage.url=s3://b/u?x=1").expect("parses");
        assert_eq!(
            (parsed.key.as_str(), parsed.value.as_str()),
            ("inputs.usage.url", "s3://b/u?x=1")
        );
        assert_eq!(parse_override("output=").expect("parses").value, "");
        for bad in ["output", "=x", " =x", ""] {
            assert!(parse_override(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn version_names_the_time_zones() {
        assert!(version().starts_with(env!("CARGO_PKG_VERSION")));
        assert!(version().contains(&format!("tzdata {}", chrono_tz::IANA_TZDB_VERSION)));
    }
}
