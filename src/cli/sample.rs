//! `nightbill sample`: makes up input of any size.

use std::path::PathBuf;

use chrono_tz::Tz;
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::sample::{
    JobFile, Layout, SampleError, SampleReport, SampleSpec, Shape, TsEncoding, UsageCompression, UsageEncoding,
    generate,
};
use crate::units::quantity::BillingDay;

use super::args::parse_day;
use super::failure::{EXIT_STORE, EXIT_USAGE, Failure};
use super::format::{Align, bytes, counted, pairs, thousands};
use super::terminal::{JSON_FORMAT, Look, Terminal};

/// Make up realistic input of any size: usage, accounts, packages, payments, and a job that settles them
///
/// The same options give the same bytes on every machine.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill sample /tmp/night            one day, 200 accounts, a million rows\n  \
    nightbill sample /tmp/big --accounts 20000 --rows 200_000_000 --layout sorted --ts-encoding delta\n  \
    nightbill sample /tmp/week --days 7 --rows 7000000 --timezone Europe/Berlin\n  \
    nightbill sample /tmp/quarter --from 2024-07-01 --days 92 --rows 920_000 --stories\n  \
    nightbill sample /tmp/month --days 31 --from 2024-10-01 --monthly\n  \
    nightbill sample /tmp/many --shape groups --accounts 1000000 --rows 3000000")]
pub(crate) struct SampleArgs {
    /// The directory to fill; it must be empty, or not exist
    #[arg(value_name = "DIR")]
    out: PathBuf,
    /// Everything random comes from it [default: 1]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    seed: Option<u64>,
    /// The first day [default: 2024-10-11]
    #[arg(long, value_name = "D", value_parser = parse_day)]
    from: Option<BillingDay>,
    /// How many days [default: 1]
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// The time zone of the job and of the partitions [default: Asia/Shanghai]
    #[arg(long, value_name = "ZONE", value_parser = parse_zone)]
    timezone: Option<Tz>,
    /// How many accounts [default: 200]
    #[arg(long, value_name = "N", value_parser = parse_small_count)]
    accounts: Option<u32>,
    /// How many usage rows over all days [default: 1000000]
    #[arg(long, value_name = "N", value_parser = parse_count)]
    rows: Option<u64>,
    /// What the rows look like [default: rooms]
    #[arg(long, value_enum, value_name = "SHAPE")]
    shape: Option<ShapeArg>,
    /// The order of the rows [default: time]
    #[arg(long, value_enum, value_name = "ORDER")]
    layout: Option<LayoutArg>,
    /// How the `ts` column of usage files is encoded [default: dictionary]
    #[arg(long, value_enum, value_name = "ENCODING")]
    ts_encoding: Option<TsEncodingArg>,
    /// How usage files are compressed [default: zstd]
    #[arg(long, value_enum, value_name = "CODEC")]
    compression: Option<CompressionArg>,
    /// Usage files per day [default: one for each 2 million rows, 1 to 16]
    #[arg(long, value_name = "N")]
    files_per_day: Option<u32>,
    /// Add relay samples, screenshots and logins, which a month's last day is billed for
    #[arg(long)]
    monthly: bool,
    /// Add an account per worked example of the purchase guide (four days from 2024-10-11, Asia/Shanghai)
    #[arg(long)]
    worked_examples: bool,
    /// Add an account per story: paid late, suspended, removed, violated, renewed, refunded (they want 90 days)
    #[arg(long)]
    stories: bool,
    /// The catalog of the job: a path relative to DIR, or a URL [default: a copy of the TRTC catalog]
    #[arg(long, value_name = "CATALOG", conflicts_with = "no_job")]
    catalog: Option<String>,
    /// Write no job file
    #[arg(long)]
    no_job: bool,
    /// What ships with nightbill as sample_data/, exactly
    #[arg(long, conflicts_with_all = [
        "seed", "from", "days", "timezone", "accounts", "rows", "shape", "layout", "ts_encoding", "compression",
        "files_per_day", "monthly", "worked_examples", "stories", "catalog", "no_job",
    ])]
    shipped: bool,
}

/// `--shape`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ShapeArg {
    /// Rooms of participants who come and go: a row per participant and second
    Rooms,
    /// A row per account, app and tier: as many accounts as possible for as few rows as possible
    Groups,
}

/// `--layout`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LayoutArg {
    /// By time, as a metering pipeline writes
    Time,
    /// By account, app, user and time
    Sorted,
}

/// `--ts-encoding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TsEncodingArg {
    /// DELTA_BINARY_PACKED
    Delta,
    /// With a dictionary, as most writers have it
    Dictionary,
    /// PLAIN
    Plain,
}

/// `--compression`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CompressionArg {
    /// zstd, level 1
    Zstd,
    /// LZ4_RAW
    Lz4,
    /// Not compressed
    None,
}

/// A count that may have underscores: `200_000_000`.
fn parse_count(text: &str) -> Result<u64, String> {
    text.replace('_', "")
        .parse()
        .map_err(|error: std::num::ParseIntError| error.to_string())
}

fn parse_small_count(text: &str) -> Result<u32, String> {
    u32::try_from(parse_count(text)?).map_err(|error| error.to_string())
}

fn parse_zone(text: &str) -> Result<Tz, String> {
    text.parse()
        .map_err(|_| "expected an IANA time zone, such as Asia/Shanghai".to_owned())
}

impl SampleArgs {
    fn spec(&self) -> SampleSpec {
        if self.shipped {
            return SampleSpec::shipped(&self.out);
        }
        let default = SampleSpec::new(&self.out);
        let job = match &self.catalog {
            Some(catalog) => JobFile::WithCatalog(catalog.clone()),
            None if self.no_job => JobFile::None,
            None => default.job,
        };
        SampleSpec {
            seed: self.seed.unwrap_or(default.seed),
            from: self.from.unwrap_or(default.from),
            days: self.days.unwrap_or(default.days),
            zone: self.timezone.unwrap_or(default.zone),
            accounts: self.accounts.unwrap_or(default.accounts),
            rows: self.rows.unwrap_or(default.rows),
            shape: self.shape.map_or(default.shape, |shape| match shape {
                ShapeArg::Rooms => Shape::Rooms,
                ShapeArg::Groups => Shape::Groups,
            }),
            layout: self.layout.map_or(default.layout, |layout| match layout {
                LayoutArg::Time => Layout::Time,
                LayoutArg::Sorted => Layout::Sorted,
            }),
            encoding: self.encoding(default.encoding),
            files_per_day: self.files_per_day,
            monthly_inputs: self.monthly,
            worked_examples: self.worked_examples,
            stories: self.stories,
            job,
            out: default.out,
        }
    }

    fn encoding(&self, default: UsageEncoding) -> UsageEncoding {
        UsageEncoding {
            ts: self.ts_encoding.map_or(default.ts, |encoding| match encoding {
                TsEncodingArg::Delta => TsEncoding::Delta,
                TsEncodingArg::Dictionary => TsEncoding::Dictionary,
                TsEncodingArg::Plain => TsEncoding::Plain,
            }),
            compression: self.compression.map_or(default.compression, |codec| match codec {
                CompressionArg::Zstd => UsageCompression::Zstd,
                CompressionArg::Lz4 => UsageCompression::Lz4,
                CompressionArg::None => UsageCompression::None,
            }),
        }
    }
}

/// The JSON document.
#[derive(Debug, Serialize)]
pub(crate) struct SampleDocument {
    format: u32,
    command: &'static str,
    out: String,
    job: Option<String>,
    seed: u64,
    from: String,
    days: u32,
    timezone: &'static str,
    usage_rows: u64,
    usage_seconds: u64,
    usage_files: u64,
    bytes: u64,
    accounts: u64,
    packages: u64,
    payments: u64,
    next: Option<String>,
}

/// Fills the directory and says with what.
pub(crate) fn run(args: &SampleArgs, terminal: &Terminal) -> Result<(), Failure> {
    let spec = args.spec();
    let report = generate(&spec)?;
    terminal.result(&SampleDocument::new(&spec, &report), text)
}

impl SampleDocument {
    fn new(spec: &SampleSpec, report: &SampleReport) -> Self {
        let job = report.job.as_ref().map(|path| path.display().to_string());
        let next = job.as_ref().map(|job| match last_day(spec) {
            Some(last) => format!("nightbill settle {job} --from {} --to {last}", spec.from),
            None => format!("nightbill settle {job} --day {}", spec.from),
        });
        Self {
            format: JSON_FORMAT,
            command: "sample",
            out: report.out.display().to_string(),
            job,
            seed: spec.seed,
            from: spec.from.to_string(),
            days: spec.days,
            timezone: spec.zone.name(),
            usage_rows: report.usage_rows,
            usage_seconds: report.usage_seconds,
            usage_files: report.usage_files,
            bytes: report.bytes,
            accounts: report.accounts,
            packages: report.packages,
            payments: report.payments,
            next,
        }
    }
}

/// The last of several days; None when there is one.
fn last_day(spec: &SampleSpec) -> Option<BillingDay> {
    let more = spec.days.checked_sub(1).filter(|more| *more > 0)?;
    spec.from.checked_add_days(i64::from(more))
}

fn text(sample: &SampleDocument, look: Look) -> String {
    let usage = format!(
        "{}, {} in {}",
        counted(sample.usage_rows, "row", "rows"),
        counted(sample.usage_seconds, "second", "seconds"),
        counted(sample.usage_files, "file", "files")
    );
    let days = format!(
        "{} from {}, {}",
        counted(sample.days, "day", "days"),
        sample.from,
        sample.timezone
    );
    let mut rows = vec![
        ("days", days),
        ("usage", usage),
        ("accounts", thousands(sample.accounts)),
        ("packages", thousands(sample.packages)),
        ("payments", thousands(sample.payments)),
        ("size", bytes(sample.bytes)),
        ("seed", sample.seed.to_string()),
    ];
    rows.extend(sample.job.iter().map(|job| ("job", job.clone())));
    rows.extend(sample.next.iter().map(|next| ("next", next.clone())));
    let title = look.good(&format!("made a sample in {}", sample.out));
    format!("{title}\n\n{}", pairs(&rows, Align::Left))
}

impl From<SampleError> for Failure {
    fn from(error: SampleError) -> Self {
        let message = match &error {
            // Fields of the spec are options here.
            SampleError::OutOfRange { field, value, range } => {
                format!("--{} is {value}: give {range}", field.replace('_', "-"))
            }
            _ => error.to_string(),
        };
        Self {
            message,
            help: None,
            exit_code: match error {
                SampleError::OutOfRange { .. } | SampleError::OtherThanExamples { .. } | SampleError::NotEmpty(_) => {
                    EXIT_USAGE
                }
                SampleError::Io { .. } | SampleError::Parquet { .. } => EXIT_STORE,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::cli::json_doc;
    use crate::cli::terminal::to_json;

    fn parse(line: &str) -> SampleArgs {
        let words = ["nightbill", "sample", "out"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words).expect("parses").command {
            Command::Sample(args) => args,
            other => panic!("not sample: {other:?}"),
        }
    }

    fn document(line: &str) -> SampleDocument {
        let spec = parse(line).spec();
        let report = SampleReport {
            out: spec.out.clone(),
            job: (spec.job != JobFile::None).then(|| spec.out.join("job.toml")),
            usage_rows: 1_000_000,
            usage_seconds: 1_000_001,
            usage_files: 1,
            bytes: 5_767_168,
            accounts: 200,
            packages: 91,
            payments: 164,
        };
        SampleDocument::new(&spec, &report)
    }

    #[test]
    fn without_options_the_defaults_of_the_spec() {
        assert_eq!(parse("").spec(), SampleSpec::new("out"));
        assert_eq!(parse("--shipped").spec(), SampleSpec::shipped("out"));
    }

    #[test]
    fn every_option_reaches_its_field() {
        let line = "--seed 7 --from 2025-01-02 --days 3 --timezone Europe/Berlin --accounts 1_000 --rows 200_000_000 \
                    --shape groups --layout sorted --ts-encoding delta --compression lz4 --files-per-day 4 --worked-examples \
                    --stories --monthly --catalog c.toml";
        let expected = SampleSpec {
            out: PathBuf::from("out"),
            seed: 7,
            from: parse_day("2025-01-02").expect("a day"),
            days: 3,
            zone: chrono_tz::Europe::Berlin,
            accounts: 1_000,
            rows: 200_000_000,
            shape: Shape::Groups,
            layout: Layout::Sorted,
            encoding: UsageEncoding {
                ts: TsEncoding::Delta,
                compression: UsageCompression::Lz4,
            },
            files_per_day: Some(4),
            monthly_inputs: true,
            worked_examples: true,
            stories: true,
            job: JobFile::WithCatalog("c.toml".to_owned()),
        };
        assert_eq!(parse(line).spec(), expected);
        assert_eq!(parse("--no-job").spec().job, JobFile::None);
    }

    #[test]
    fn shown_with_the_next_command() {
        let shown: Vec<String> = ["", "--days 7 --seed 3", "--no-job"]
            .iter()
            .map(|line| text(&document(line), Look::PLAIN))
            .collect();
        insta::assert_snapshot!(shown.join("---\n"));
    }

    #[test]
    fn the_document_is_as_documented() {
        json_doc::check("sample", &to_json(&document("")));
        json_doc::check("sample", &to_json(&document("--no-job")));
    }

    #[test]
    fn mistakes_name_the_option_and_exit_2_the_disk_exits_5() {
        let out_of_range = Failure::from(SampleError::OutOfRange {
            field: "files_per_day",
            value: "0".to_owned(),
            range: "1 to 1024".to_owned(),
        });
        assert_eq!(out_of_range.message, "--files-per-day is 0: give 1 to 1024");
        assert_eq!(out_of_range.exit_code, 2);
        assert_eq!(Failure::from(SampleError::NotEmpty(PathBuf::from("out"))).exit_code, 2);
        let disk = SampleError::Io {
            path: PathBuf::from("out"),
            source: std::io::Error::from(std::io::ErrorKind::StorageFull),
        };
        assert_eq!(Failure::from(disk).exit_code, 5);
    }
}
