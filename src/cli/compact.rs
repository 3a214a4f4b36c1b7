//! `nightbill compact`: rewrites a day's usage into the layout that reads fastest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use url::Url;

use crate::catalog::parse::parse;
use crate::compact::{CompactError, CompactOptions, Compacted, DEFAULT_MEMORY, compact};
use crate::inputs::catalog::read;
use crate::job::Job;
use crate::store::Location;
use crate::units::quantity::BillingDay;

use super::args::{JobArgs, parse_day};
use super::failure::{EXIT_STORE, Failure};
use super::format::{Align, bytes, counted, duration, pairs, shell_word, thousands};
use super::memory;
use super::progress::RunProgress;
use super::settle::set_threads;
use super::terminal::{JSON_FORMAT, Look, Terminal};

/// Rewrite a day's usage files into the layout that reads fastest, as new files
///
/// Reads the partition date=D of the job's usage and writes the same rows, sorted by account, app, user and time, as
/// date=D/part-<n>.parquet below another directory, which a job can then name as `inputs.usage`. Rows that break a rule
/// and columns that nobody bills are kept. Both are scanned at the end, and every sum must be the same. The job's own
/// files are never touched; the output is not read.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill compact jobs/nightly.toml --day 2024-10-12 --to /data/usage-compact\n  \
    nightbill compact jobs/nightly.toml --day 2024-10-12 --to s3://metering/compact --temp-dir /scratch\n  \
    nightbill settle jobs/nightly.toml --set inputs.usage.url=s3://metering/compact")]
pub(crate) struct CompactArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The partition to rewrite, by its date
    #[arg(long, value_name = "D", value_parser = parse_day)]
    day: BillingDay,
    /// The directory to write date=D/ into: a path or a URL, with nothing of that day in it
    #[arg(long, value_name = "DIR")]
    to: String,
    /// Where rows are sorted that do not fit into memory [default: the system's directory for temporary files]
    #[arg(long, value_name = "DIR")]
    temp_dir: Option<PathBuf>,
    /// How much memory sorting may take, about; what does not fit is sorted in the temporary directory [default: 512]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    memory: Option<u32>,
    /// How many threads sort and scan [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

/// Rewrites, and says what.
pub(crate) fn run(args: &CompactArgs, terminal: &Terminal) -> Result<(), Failure> {
    let began = Instant::now();
    let target = target_of(&args.to)?;
    set_threads(args.threads)?;
    let job = Job::load(&args.job.job, &args.job.overrides)?;
    let catalog = read(&job.catalog)?;
    let book = parse(&catalog.path, &catalog.text)?;
    let options = CompactOptions {
        day: args.day,
        target,
        memory: args.memory_bytes(),
        temporary: args.temp_dir.clone().unwrap_or_else(std::env::temp_dir),
    };
    let progress = RunProgress::new(terminal.shows_progress());
    let outcome = compact(&job, &book, &options, &progress);
    progress.finish();
    let compacted = outcome.map_err(|error| failure(&error, args.day))?;
    for warning in left_out_warning(&compacted).iter().chain(&compacted.not_read) {
        terminal.warn(warning);
    }
    let facts = Facts {
        job: job.name.clone(),
        from: job.inputs.usage.partitions.location.to_string(),
        to: options.target.to_string(),
        next: args.next(&options.target),
        took: began.elapsed(),
        peak_memory_bytes: memory::peak_bytes(),
    };
    terminal.result(&CompactDocument::new(args.day, &compacted, facts), text)
}

/// A URL, or a path in the working directory.
fn target_of(text: &str) -> Result<Location, Failure> {
    let bad = || {
        Failure::usage(
            // What was typed may hold a key.
            "--to: expected a path, or a file:, s3://, gs:// or az:// URL without credentials or query",
            "name a directory that holds nothing of that day",
        )
    };
    let url = match Url::parse(text) {
        Ok(url) if url.scheme() != "file" || text.starts_with("file:/") => url,
        _ => {
            let path = std::path::absolute(Path::new(text.strip_prefix("file:").unwrap_or(text))).map_err(|_| bad())?;
            let url = Url::from_directory_path(path).map_err(|()| bad())?;
            // Once more, for `..` in it.
            Url::parse(url.as_str()).map_err(|_| bad())?
        }
    };
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad());
    }
    Location::from_url(url).ok_or_else(bad)
}

impl CompactArgs {
    fn memory_bytes(&self) -> usize {
        self.memory
            .and_then(|mib| usize::try_from(mib).ok()?.checked_mul(1 << 20))
            .unwrap_or(DEFAULT_MEMORY)
    }

    /// The command that settles from the new files, with the overrides.
    fn next(&self, target: &Location) -> String {
        let mut words = vec![
            "nightbill settle".to_owned(),
            shell_word(&self.job.job.to_string_lossy()),
        ];
        let url = format!("inputs.usage.url={target}");
        let sets = self
            .job
            .overrides
            .iter()
            .map(|set| format!("{}={}", set.key, set.value));
        for set in sets.filter(|set| !set.starts_with("inputs.usage.url=")).chain([url]) {
            words.push(format!("--set {}", shell_word(&set)));
        }
        words.join(" ")
    }
}

fn failure(error: &CompactError, day: BillingDay) -> Failure {
    let exit_code = error.exit_code();
    Failure {
        message: format!("cannot rewrite {day}: {error}"),
        help: (exit_code == EXIT_STORE).then(|| "nothing half done was left; run the same command again".to_owned()),
        exit_code,
    }
}

fn left_out_warning(compacted: &Compacted) -> Option<String> {
    let names: Vec<String> = compacted.left_out.iter().map(|name| format!("`{name}`")).collect();
    (!names.is_empty()).then(|| {
        format!(
            "{} not kept: nested columns, those of fixed-length bytes, and several of one name are left out",
            match names.as_slice() {
                [one] => format!("column {one} is"),
                _ => format!("columns {} are", names.join(", ")),
            }
        )
    })
}

/// What the run itself does not know.
struct Facts {
    job: String,
    from: String,
    to: String,
    next: String,
    took: Duration,
    peak_memory_bytes: Option<u64>,
}

/// The JSON document.
#[derive(Debug, Serialize)]
pub(crate) struct CompactDocument {
    format: u32,
    command: &'static str,
    job: String,
    day: String,
    from: String,
    to: String,
    verified: bool,
    rows: u64,
    seconds: i64,
    rejected_rows: u64,
    rejected: BTreeMap<&'static str, u64>,
    groups: u64,
    files_before: u64,
    bytes_before: u64,
    files: Vec<FileDocument>,
    bytes: u64,
    left_out: Vec<String>,
    milliseconds: u64,
    peak_memory_bytes: Option<u64>,
    next: String,
}

#[derive(Debug, Serialize)]
struct FileDocument {
    path: String,
    rows: u64,
    bytes: u64,
}

impl CompactDocument {
    fn new(day: BillingDay, compacted: &Compacted, facts: Facts) -> Self {
        let totals = &compacted.totals;
        let files = compacted.files.iter().map(|(file, rows)| FileDocument {
            path: file.path.clone(),
            rows: *rows,
            bytes: file.size,
        });
        Self {
            format: JSON_FORMAT,
            command: "compact",
            job: facts.job,
            day: day.to_string(),
            from: facts.from,
            to: facts.to,
            verified: true,
            rows: totals.rows,
            seconds: totals.seconds,
            rejected_rows: totals.rejected.iter().map(|(_, count)| count).sum(),
            rejected: totals
                .rejected
                .iter()
                .map(|(reason, count)| (reason.as_str(), *count))
                .collect(),
            groups: totals.groups,
            files_before: compacted.before.0,
            bytes_before: compacted.before.1,
            bytes: compacted.files.iter().map(|(file, _)| file.size).sum(),
            files: files.collect(),
            left_out: compacted.left_out.clone(),
            milliseconds: u64::try_from(facts.took.as_millis()).unwrap_or(u64::MAX),
            peak_memory_bytes: facts.peak_memory_bytes,
            next: facts.next,
        }
    }
}

fn text(document: &CompactDocument, look: Look) -> String {
    let rejected: Vec<String> = document
        .rejected
        .iter()
        .map(|(reason, count)| format!("{reason} {}", thousands(count)))
        .collect();
    let size = |files: u64, size| format!("{} in {}", bytes(size), counted(files, "file", "files"));
    let now = u64::try_from(document.files.len()).unwrap_or(u64::MAX);
    let mut rows = vec![
        ("rows", thousands(document.rows)),
        ("seconds", thousands(document.seconds)),
        (
            "rejected",
            match rejected.as_slice() {
                [] => "0".to_owned(),
                reasons => format!("{} ({})", thousands(document.rejected_rows), reasons.join(", ")),
            },
        ),
        ("groups", thousands(document.groups)),
        ("before", size(document.files_before, document.bytes_before)),
        ("now", size(now, document.bytes)),
        ("took", duration(Duration::from_millis(document.milliseconds))),
    ];
    rows.extend(document.peak_memory_bytes.map(|peak| ("peak memory", bytes(peak))));
    rows.push(("next", document.next.clone()));
    let title = look.good(&format!("rewrote {} into {}", document.day, document.to));
    let verified = "verified: both were scanned; rows, seconds, groups and rejected rows by reason are the same";
    format!("{title}\n\n{}\n{verified}\n", pairs(&rows, Align::Left))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::cli::json_doc;
    use crate::cli::terminal::to_json;
    use crate::compact::Totals;
    use crate::inputs::rejects::Reason;
    use crate::store::Object;

    fn parse(line: &str) -> CompactArgs {
        let words = ["nightbill", "compact", "job.toml", "--day", "2024-10-12"]
            .into_iter()
            .chain(line.split_whitespace());
        match Cli::try_parse_from(words).expect("parses").command {
            Command::Compact(args) => args,
            other => panic!("not compact: {other:?}"),
        }
    }

    fn document(rejected: Vec<(Reason, u64)>) -> CompactDocument {
        let args = parse("--to s3://bucket/fast --set output=file:/elsewhere");
        let compacted = Compacted {
            totals: Totals {
                rows: 200_000_171,
                seconds: 203_000_000,
                rejected,
                groups: 218_884,
            },
            before: (16, 1_153_433_600),
            files: vec![(
                Object {
                    path: "date=2024-10-12/part-0.parquet".to_owned(),
                    size: 27_262_976,
                    etag: None,
                },
                200_000_171,
            )],
            left_out: vec!["tags".to_owned()],
            not_read: None,
        };
        let target = target_of(&args.to).expect("a URL");
        let facts = Facts {
            job: "nightly".to_owned(),
            from: "s3://bucket/usage".to_owned(),
            to: target.to_string(),
            next: args.next(&target),
            took: Duration::from_millis(93_400),
            peak_memory_bytes: Some(486_539_264),
        };
        CompactDocument::new(args.day, &compacted, facts)
    }

    #[test]
    fn shown_with_the_next_command() {
        let rejected = vec![(Reason::BadTs, 2), (Reason::BadPixels, 1_500)];
        let shown: Vec<String> = [document(Vec::new()), document(rejected)]
            .iter()
            .map(|document| text(document, Look::PLAIN))
            .collect();
        insta::assert_snapshot!(shown.join("---\n"));
    }

    #[test]
    fn the_document_is_as_documented() {
        json_doc::check("compact", &to_json(&document(vec![(Reason::BadTs, 2)])));
    }

    #[test]
    fn targets_are_urls_or_paths_without_a_query() {
        let here = std::env::current_dir().expect("a directory");
        let cases = [
            ("s3://bucket/usage", Some("s3://bucket/usage".to_owned())),
            ("file:///data/usage", Some("file:///data/usage".to_owned())),
            ("a/../b", Some(format!("file://{}/b/", here.display()))),
            ("file:b", Some(format!("file://{}/b/", here.display()))),
            ("s3://bucket/usage?versionId=1", None),
            ("s3://key:secret@bucket/usage", None),
            ("http://host/usage", None),
        ];
        for (text, expected) in cases {
            let found = target_of(text).map(|location| location.to_string());
            assert_eq!(found.as_ref().ok(), expected.as_ref(), "{text}");
            assert!(
                found.is_ok() || found.is_err_and(|failure| failure.exit_code == 2),
                "{text}"
            );
        }
    }

    #[test]
    fn memory_is_in_mib() {
        assert_eq!(parse("--to x").memory_bytes(), DEFAULT_MEMORY);
        assert_eq!(parse("--to x --memory 16").memory_bytes(), 16 << 20);
    }

    #[test]
    fn columns_that_are_lost_are_named() {
        let lost = |names: &[&str]| Compacted {
            totals: Totals {
                rows: 0,
                seconds: 0,
                rejected: Vec::new(),
                groups: 0,
            },
            before: (1, 1),
            files: Vec::new(),
            left_out: names.iter().map(|name| (*name).to_owned()).collect(),
            not_read: None,
        };
        assert_eq!(left_out_warning(&lost(&[])), None);
        let warning = |names: &[&str]| left_out_warning(&lost(names)).expect("a warning");
        assert!(warning(&["tags"]).starts_with("column `tags` is not kept: nested"));
        assert!(warning(&["tags", "id"]).starts_with("columns `tags`, `id` are not kept: nested"));
    }
}
