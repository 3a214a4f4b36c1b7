//! A spec -> a directory.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::accounts::Period;
use super::day::{DayPlan, DaySpan};
use super::dimensions::write_dimensions;
use super::population::Population;
use super::spec::{
    MAX_ACCOUNTS, MAX_DAYS, MAX_FILES_PER_DAY, MAX_GROUPS_PER_ACCOUNT, MAX_ROWS, SampleError, SampleReport, SampleSpec,
    Shape, first_example_day,
};
use super::tables::Facts;
use super::usage_file::{DayFiles, UsageTotals};
use super::{examples, groups, job_file, layout, monthly, rooms, stories};

const EXAMPLES_ZONE: Tz = chrono_tz::Asia::Shanghai;
const ROWS_PER_FILE: u64 = 2_000_000;
const MOST_FILES_BY_DEFAULT: u64 = 16;

/// Fills the spec's directory: `usage/date=YYYY-MM-DD/part-<n>.parquet`; `accounts`, `packages`, `payments`,
/// `opening` and `opening_grants` as CSV (as Parquet from 100,000 accounts on); where they are asked for, `relay`,
/// `screenshots` and `logins` in partitions like usage; the job file.
///
/// Every row is valid by the contract. Memory is proportional to participants in rooms (about one byte for every
/// five rows), or to accounts, 8 bytes each, not to rows.
///
/// # Errors
/// [`SampleError`] when the spec is out of range, the directory is not empty, or it cannot be written.
pub fn generate(spec: &SampleSpec) -> Result<SampleReport, SampleError> {
    let period = check(spec)?;
    prepare(&spec.out)?;
    let population = Population::new(spec.seed, spec.accounts);
    let mut used_seconds = match spec.shape {
        Shape::Rooms => vec![0; spec.accounts as usize],
        Shape::Groups => Vec::new(),
    };
    let mut usage = UsageTotals::default();
    let mut monthly_bytes = 0;
    for (number, span) in (0..).zip(&period.days) {
        usage = usage.plus(write_usage(spec, &population, span, number, &mut used_seconds)?);
        if spec.monthly_inputs {
            monthly_bytes += monthly::write_day(&spec.out, &population, spec.seed, span, number)?;
        }
    }
    let mut first = if spec.worked_examples {
        examples::facts()
    } else {
        Facts::default()
    };
    if spec.stories {
        let from = period.days.first().expect("at least one day");
        stories::add_facts(&mut first, from.start_ms.div_euclid(1000), from.day);
    }
    let dimensions = write_dimensions(spec, &population, &period, &first, &used_seconds)?;
    let (job, job_bytes) = job_file::write_job(spec)?;
    Ok(SampleReport {
        out: spec.out.clone(),
        job,
        usage_rows: usage.rows,
        usage_seconds: usage.seconds,
        usage_files: usage.files,
        bytes: usage.bytes + monthly_bytes + dimensions.bytes + job_bytes,
        accounts: dimensions.accounts,
        packages: dimensions.packages,
        payments: dimensions.payments,
    })
}

/// Checks every field, and gives the days.
fn check(spec: &SampleSpec) -> Result<Period, SampleError> {
    in_range("days", u64::from(spec.days), 1, u64::from(MAX_DAYS))?;
    in_range("accounts", u64::from(spec.accounts), 1, u64::from(MAX_ACCOUNTS))?;
    let most_rows = match spec.shape {
        Shape::Rooms => MAX_ROWS,
        Shape::Groups => MAX_GROUPS_PER_ACCOUNT * u64::from(spec.accounts) * u64::from(spec.days),
    };
    in_range("rows", spec.rows, u64::from(spec.days), most_rows)?;
    if let Some(files) = spec.files_per_day {
        in_range("files_per_day", u64::from(files), 1, u64::from(MAX_FILES_PER_DAY))?;
    }
    if spec.worked_examples {
        check_examples(spec)?;
    }
    if spec.stories && spec.shape != Shape::Rooms {
        return Err(SampleError::OutOfRange {
            field: "stories",
            value: "with shape groups".to_owned(),
            range: "them with shape rooms".to_owned(),
        });
    }
    let days = (0..spec.days)
        .map(|number| {
            let day = spec.from.checked_add_days(i64::from(number))?;
            // Accounts register up to three years earlier: those days have to be in the calendar too.
            DaySpan::of(day.checked_add_days(-4 * 365)?, spec.zone).ok()?;
            DaySpan::of(day, spec.zone).ok()
        })
        .collect::<Option<Vec<DaySpan>>>()
        .filter(|days| days.iter().all(|day| day.seconds > 0))
        .ok_or_else(|| SampleError::OutOfRange {
            field: "from",
            value: spec.from.to_string(),
            range: "a day from 1974 to 2998 that the zone did not skip".to_owned(),
        })?;
    Ok(Period { days, zone: spec.zone })
}

fn check_examples(spec: &SampleSpec) -> Result<(), SampleError> {
    let fits = spec.from == first_example_day()
        && spec.days == examples::DAYS
        && spec.zone == EXAMPLES_ZONE
        && spec.shape == Shape::Rooms;
    if fits {
        return Ok(());
    }
    Err(SampleError::OtherThanExamples {
        days: examples::DAYS,
        from: first_example_day(),
        zone: EXAMPLES_ZONE.name(),
    })
}

fn in_range(field: &'static str, value: u64, least: u64, most: u64) -> Result<(), SampleError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(SampleError::OutOfRange {
        field,
        value: value.to_string(),
        range: format!("{least} to {most}"),
    })
}

/// Makes the directory, or makes sure that it is empty.
fn prepare(out: &Path) -> Result<(), SampleError> {
    std::fs::create_dir_all(out).map_err(|error| SampleError::io(out, error))?;
    let mut entries = std::fs::read_dir(out).map_err(|error| SampleError::io(out, error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(SampleError::NotEmpty(out.to_owned())),
    }
}

fn write_usage(
    spec: &SampleSpec,
    population: &Population,
    span: &DaySpan,
    number: u32,
    used_seconds: &mut [u64],
) -> Result<UsageTotals, SampleError> {
    let directory: PathBuf = spec.out.join("usage").join(format!("date={}", span.day));
    std::fs::create_dir_all(&directory).map_err(|error| SampleError::io(&directory, error))?;
    // The first days have one more where the rows do not divide.
    let days = u64::from(spec.days);
    let rows = spec.rows / days + u64::from(u64::from(number) < spec.rows % days);
    let count = spec.files_per_day.unwrap_or_else(|| {
        u32::try_from(rows.div_ceil(ROWS_PER_FILE).clamp(1, MOST_FILES_BY_DEFAULT)).expect("at most 16")
    });
    let files = DayFiles {
        directory: &directory,
        count,
        encoding: spec.encoding,
    };
    match spec.shape {
        Shape::Groups => groups::write_day(files, population, spec.seed, span, rows),
        Shape::Rooms => {
            let mut plan = DayPlan::default();
            rooms::plan_day(&mut plan, population, spec.seed, span, rows);
            for run in &plan.runs {
                let position = Population::position_of(run.account_id);
                used_seconds[position as usize] += u64::from(run.rows) * u64::from(run.seconds.unsigned_abs());
            }
            if spec.worked_examples {
                examples::add_usage(&mut plan, number);
            }
            if spec.stories {
                stories::add_usage(&mut plan, number);
            }
            layout::write_day(files, plan, span, spec.layout, spec.seed)
        }
    }
}
