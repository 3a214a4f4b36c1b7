//! Job text -> [`Job`].

use std::path::Path;

use chrono::NaiveTime;
use chrono_tz::{TZ_VARIANTS, Tz};

use super::variables::{self, Lookup};
use super::{Inputs, Job, Override, PartitionedInput, Shape, UsageInput, location, overrides};
use crate::config::ConfigError;
use crate::config::document::{self, Text};
use crate::config::fields::{Field, Fields};
use crate::config::notes::Notes;
use crate::config::words::{nearest, quoted};
use crate::rules::account_day::DeductionPeriod;
use crate::store::Location;
use crate::units::calendar::Calendar;
use crate::units::digest;

const KEYS: [&str; 13] = [
    "name",
    "timezone",
    "billing_time",
    "catalog",
    "output",
    "deduction_period",
    "max_rejected_rows",
    "min_day_ratio",
    "lookback_days",
    "allow_duplicate_files",
    "max_new_suspensions",
    "dunning_from",
    "inputs",
];
const INPUT_KEYS: [&str; 11] = [
    "usage",
    "accounts",
    "packages",
    "payments",
    "apps",
    "refund_requests",
    "opening",
    "opening_grants",
    "relay",
    "screenshots",
    "logins",
];
/// SPEC 1: "default `Asia/Shanghai`", "`10:00` by default".
const DEFAULT_ZONE: Tz = Tz::Asia__Shanghai;
const DEFAULT_BILLING_HOUR: u32 = 10;
/// The values of the example in SPEC 2.8.
const DEFAULT_MIN_DAY_RATIO_MILLIONTHS: u32 = 200_000;
const DEFAULT_LOOKBACK_DAYS: u32 = 35;
const DEFAULT_MAX_NEW_SUSPENSIONS: u64 = 100;
/// Ten years: further back nobody can mean.
const LONGEST_LOOKBACK_DAYS: i64 = 3_660;
/// Rejected rows are kept in memory, some 200 bytes each.
const MOST_REJECTED_ROWS: i64 = 1_000_000;
/// More accounts than any night has.
const LARGEST_COUNT: i64 = 1_000_000_000_000;
const LONGEST_NAME: usize = 100;

/// Reads a job. See [`Job::parse`].
pub(super) fn parse(path: &Path, text: &str, sets: &[Override], variable: Lookup<'_>) -> Result<Job, ConfigError> {
    let mut tree = document::parse(path, text)?;
    let notes = Notes::new(path, text, sets.iter().map(|set| set.key.as_str()).collect());
    overrides::apply(&mut tree, sets, &notes);
    variables::expand(&mut tree, &notes, variable);
    let directory = std::path::absolute(path)
        .ok()
        .and_then(|file| file.parent().map(Path::to_path_buf))
        .ok_or_else(|| ConfigError::whole(path, "cannot tell which directory this file is in".to_owned()))?;
    let reader = Reader {
        notes: &notes,
        directory: &directory,
    };
    let job = reader.job(path, &tree, digest(text, sets));
    notes.finish(job)
}

/// SHA-256 over the text and the overrides as written. Each part is preceded by its length, so that no two
/// jobs share the bytes; variables are not replaced, so that no secret is in it and a rotated one changes nothing.
fn digest(text: &str, sets: &[Override]) -> String {
    let mut hash = digest::Hasher::default();
    let parts = sets.iter().flat_map(|set| [set.key.as_str(), set.value.as_str()]);
    for part in std::iter::once(text).chain(parts) {
        hash.update(u64::try_from(part.len()).expect("a length fits 64 bits").to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finish_hex()
}

struct Reader<'a> {
    notes: &'a Notes<'a>,
    /// Where the job file is, absolute.
    directory: &'a Path,
}

impl Reader<'_> {
    /// Every key is read before the first missing one ends it, so that all that is wrong is noted.
    fn job(&self, path: &Path, tree: &document::Table, digest: String) -> Option<Job> {
        let fields = Fields::root(self.notes, tree, &KEYS);
        let name = fields.or("name", default_name(path), name);
        let zone = fields.or("timezone", DEFAULT_ZONE, zone);
        let billing_time = fields.or("billing_time", default_billing_time(), Field::time);
        let catalog = fields.require("catalog").and_then(|field| self.location(&field));
        let output = fields.require("output").and_then(|field| self.location(&field));
        let deduction_period = fields.or("deduction_period", DeductionPeriod::Day, deduction_period);
        let max_rejected_rows = fields.or("max_rejected_rows", 0, rejected_rows);
        let ratio = fields.or("min_day_ratio", DEFAULT_MIN_DAY_RATIO_MILLIONTHS, ratio_millionths);
        let lookback = fields.or("lookback_days", DEFAULT_LOOKBACK_DAYS, |field| {
            field.integer_as(0, LONGEST_LOOKBACK_DAYS)
        });
        let duplicates = fields.or("allow_duplicate_files", false, Field::boolean);
        let suspensions = fields.or("max_new_suspensions", DEFAULT_MAX_NEW_SUSPENSIONS, |field| {
            field.integer_as(0, LARGEST_COUNT)
        });
        let dunning_from = fields.optional("dunning_from", Field::day);
        let inputs = fields
            .require("inputs")
            .and_then(|field| field.table(&INPUT_KEYS))
            .and_then(|inputs| self.inputs(&inputs, zone.unwrap_or(DEFAULT_ZONE)));
        let shape = inputs.as_ref().map(|inputs| inputs.usage.shape);
        if let (Some(DeductionPeriod::FiveMinutes), Some(Shape::Daily)) = (deduction_period, shape) {
            // SPEC 3.4: usage that is summed by the day has no periods.
            fields.get("deduction_period").into_iter().for_each(|field| {
                field.fail_with(
                    "\"5min\" needs usage with timestamps, and inputs.usage.shape is \"daily\"",
                    "write deduction_period = \"day\"",
                );
            });
        }
        if let (Some(output), Some(inputs)) = (&output, &inputs) {
            output_apart(&fields, output, inputs);
        }
        Some(Job {
            path: path.to_path_buf(),
            digest,
            name: name?,
            calendar: Calendar::new(zone?, billing_time?),
            catalog: catalog?,
            output: output?,
            deduction_period: deduction_period?,
            max_rejected_rows: max_rejected_rows?,
            min_day_ratio_millionths: ratio?,
            lookback_days: lookback?,
            allow_duplicate_files: duplicates?,
            max_new_suspensions: suspensions?,
            dunning_from: dunning_from?,
            inputs: inputs?,
        })
    }

    fn inputs(&self, fields: &Fields<'_>, job_zone: Tz) -> Option<Inputs> {
        let dimension = |key| fields.optional(key, |field| self.dimension(field));
        let required = |key| fields.require(key).and_then(|field| self.dimension(&field));
        let partitioned = |key| fields.optional(key, |field| self.partitioned(field, job_zone));
        let usage = fields.require("usage").and_then(|field| self.usage(&field, job_zone));
        let (accounts, packages, payments) = (required("accounts"), required("packages"), required("payments"));
        let (apps, refund_requests) = (dimension("apps"), dimension("refund_requests"));
        let (opening, opening_grants) = (dimension("opening"), dimension("opening_grants"));
        let (relay, screenshots, logins) = (partitioned("relay"), partitioned("screenshots"), partitioned("logins"));
        Some(Inputs {
            usage: usage?,
            accounts: accounts?,
            packages: packages?,
            payments: payments?,
            apps: apps?,
            refund_requests: refund_requests?,
            opening: opening?,
            opening_grants: opening_grants?,
            relay: relay?,
            screenshots: screenshots?,
            logins: logins?,
        })
    }

    /// `"file:x"` or `{ url, shape, partition_timezone }`.
    fn usage(&self, field: &Field<'_>, job_zone: Tz) -> Option<UsageInput> {
        if field.is_text() {
            let partitions = self.partitioned(field, job_zone)?;
            return Some(UsageInput {
                partitions,
                shape: Shape::Seconds,
            });
        }
        let fields = url_table(field, &["url", "shape", "partition_timezone"])?;
        let partitions = self.partition_fields(&fields, job_zone);
        let shape = fields.or("shape", Shape::Seconds, |field| {
            field.choice(&[
                ("seconds", Shape::Seconds),
                ("streams", Shape::Streams),
                ("daily", Shape::Daily),
            ])
        });
        if let (Some(Shape::Daily), Some(partitions)) = (shape, &partitions)
            && partitions.zone != job_zone
        {
            // Its days are billing days already: a partition is one of them.
            fields.get("partition_timezone").into_iter().for_each(|field| {
                field.fail_with(
                    "usage of shape \"daily\" is partitioned by billing days, which are those of the job's timezone",
                    "leave partition_timezone out",
                );
            });
        }
        Some(UsageInput {
            partitions: partitions?,
            shape: shape?,
        })
    }

    /// `"file:x"` or `{ url, partition_timezone }`.
    fn partitioned(&self, field: &Field<'_>, job_zone: Tz) -> Option<PartitionedInput> {
        if field.is_text() {
            let location = self.location(field)?;
            return Some(PartitionedInput {
                location,
                zone: job_zone,
            });
        }
        self.partition_fields(&url_table(field, &["url", "partition_timezone"])?, job_zone)
    }

    fn partition_fields(&self, fields: &Fields<'_>, job_zone: Tz) -> Option<PartitionedInput> {
        let location = fields.require("url").and_then(|field| self.location(&field));
        let zone = fields.or("partition_timezone", job_zone, zone);
        Some(PartitionedInput {
            location: location?,
            zone: zone?,
        })
    }

    /// `"file:x"` or `{ url }`.
    fn dimension(&self, field: &Field<'_>) -> Option<Location> {
        if field.is_text() {
            return self.location(field);
        }
        let fields = url_table(field, &["url"])?;
        self.location(&fields.require("url")?)
    }

    fn location(&self, field: &Field<'_>) -> Option<Location> {
        location::read(field, self.directory)
    }
}

/// What a run writes must not be what it reads.
fn output_apart(fields: &Fields<'_>, output: &Location, inputs: &Inputs) {
    for (key, input) in inputs.locations() {
        if output.overlaps(input) {
            fields.get("output").into_iter().for_each(|field| {
                field.fail_with(
                    format!("output and inputs.{key} lie in one another"),
                    "name an output directory of its own",
                );
            });
        }
    }
}

/// The table of an input that is not a bare string.
fn url_table<'a>(field: &Field<'a>, known: &[&str]) -> Option<Fields<'a>> {
    if field.is_table() {
        return field.table(known);
    }
    field.expected("a URL or { url = … }");
    None
}

fn default_name(path: &Path) -> String {
    path.file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn default_billing_time() -> NaiveTime {
    NaiveTime::from_hms_opt(DEFAULT_BILLING_HOUR, 0, 0).expect("10:00 is a time")
}

/// A name is only ever shown, so its variables stay as they are written.
fn name(field: &Field<'_>) -> Option<String> {
    let name = field.text()?.written();
    let fits = !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME;
    if !fits || name.chars().any(char::is_control) {
        field.fail(format!("must be one line of 1 to {LONGEST_NAME} characters"));
        return None;
    }
    Some(name.to_owned())
}

fn zone(field: &Field<'_>) -> Option<Tz> {
    let text = field.text()?;
    let zone = text.meaning()?.parse().ok();
    if zone.is_none() {
        field.fail_with(
            format!("unknown time zone {}", quoted(text.written())),
            nearest_zone(text),
        );
    }
    zone
}

/// A replaced variable must not be guessed at: the hint would tell about the secret.
fn nearest_zone(text: &Text) -> String {
    let zones = TZ_VARIANTS.iter().map(|zone| zone.name());
    let near = if text.is_expanded() {
        None
    } else {
        nearest(text.written(), zones)
    };
    match near {
        Some(zone) => format!("did you mean \"{zone}\"?"),
        None => "write an IANA name such as \"Asia/Shanghai\"".to_owned(),
    }
}

fn deduction_period(field: &Field<'_>) -> Option<DeductionPeriod> {
    field.choice(&[("day", DeductionPeriod::Day), ("5min", DeductionPeriod::FiveMinutes)])
}

fn rejected_rows(field: &Field<'_>) -> Option<u64> {
    let help = "rejected rows are kept in memory; where more are expected, repair the feed or the accounts first";
    let number = field.integer_because(0, MOST_REJECTED_ROWS, help)?;
    u64::try_from(number).ok()
}

/// 0 to 1 in millionths, from the digits as written.
fn ratio_millionths(field: &Field<'_>) -> Option<u32> {
    const DECIMALS: usize = 6;
    const ONE: u32 = 1_000_000;
    let number = field.number()?;
    let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
    let plain = [whole, fraction]
        .iter()
        .all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
    let fraction = fraction.trim_end_matches('0');
    let millionths = format!("{whole}{fraction:0<DECIMALS$}").parse().ok();
    match millionths.filter(|millionths| plain && fraction.len() <= DECIMALS && *millionths <= ONE) {
        Some(millionths) => Some(millionths),
        None => {
            field.fail(format!(
                "must be from 0 to 1 with at most {DECIMALS} decimals, not {number}"
            ));
            None
        }
    }
}
