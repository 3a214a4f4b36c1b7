//! What the benchmarks share: samples, a job opened as a run opens it, clocks, and tables of medians.
//!
//! Inputs are long (seconds, not microseconds) and neighbours are noisy, so what is compared is timed in turns: every
//! round runs every case once, and the median over the rounds is shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant as Clock};

use nightbill::catalog::book::Book;
use nightbill::catalog::parse::parse;
use nightbill::inputs::catalog;
use nightbill::inputs::dimensions::Dimensions;
use nightbill::inputs::dimensions::RegisteredBy;
use nightbill::inputs::parquet::source::RangeReader;
use nightbill::inputs::partitions::{self, partitions_of};
use nightbill::inputs::usage::{Scan, ScanRequest, Way, scan};
use nightbill::job::{Job, Override};
use nightbill::rules::account_day::DeductionPeriod;
use nightbill::sample::{SampleSpec, generate};
use nightbill::store::{Object, Store};
use nightbill::units::quantity::BillingDay;

/// Any error ends a benchmark.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A job with what the scan of a day needs.
pub(crate) struct Opened {
    pub(crate) job: Job,
    pub(crate) book: Book,
    pub(crate) dimensions: Dimensions,
    pub(crate) day: BillingDay,
    reader: Arc<dyn RangeReader>,
    files: Vec<(BillingDay, Object)>,
}

impl Opened {
    /// Opens a job file, or the one in a sample's directory, for the first day that it has a partition of.
    pub(crate) fn load(path: &Path, overrides: &[Override]) -> Outcome<Self> {
        let job = Job::load(&job_file(path), overrides)?;
        let source = catalog::read(&job.catalog)?;
        let book = parse(&source.path, &source.text)?;
        let dimensions = Dimensions::load(&job, &book, &job.calendar)?;
        let store = Store::open(&job.inputs.usage.partitions.location)?;
        let listing = partitions::list(&store)?;
        let day = *listing.partitions.keys().next().ok_or("there is no usage")?;
        let files = partitions_of(&job.calendar, job.inputs.usage.partitions.zone, day)?
            .into_iter()
            .filter_map(|date| listing.partitions.get(&date).map(|files| (date, files)))
            .flat_map(|(date, files)| files.iter().map(move |object| (date, object.clone())))
            .collect();
        Ok(Self {
            job,
            book,
            dimensions,
            day,
            reader: Arc::new(store),
            files,
        })
    }

    /// Scans the day on the threads of the pool that it is called in.
    pub(crate) fn scan(&self, deduction_period: DeductionPeriod, way: Way) -> Outcome<Scan> {
        let known_at = self.job.calendar.billing_instant(self.day)?;
        Ok(scan(&ScanRequest {
            reader: &self.reader,
            files: &self.files,
            partition_zone: self.job.inputs.usage.partitions.zone,
            calendar: &self.job.calendar,
            day: self.day,
            book: &self.book,
            accounts: &RegisteredBy::new(self.dimensions.index(), known_at),
            deduction_period,
            max_rejected_rows: self.job.max_rejected_rows,
            way,
            progress: &|_| {},
        })?)
    }
}

/// A job file, or the one in a sample's directory.
pub(crate) fn job_file(path: &Path) -> PathBuf {
    match path.is_dir() {
        true => path.join("job.toml"),
        false => path.to_owned(),
    }
}

/// A sample's name is that of its directory.
pub(crate) fn name_of(job: &Path) -> String {
    let directory = if job.is_dir() { Some(job) } else { job.parent() };
    directory
        .and_then(Path::file_name)
        .map_or_else(|| job.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// The sample of a spec, made when it is not there yet: it has its own directory below `target/bench/`, named by what
/// it is.
pub(crate) fn sample(name: &str, change: impl FnOnce(&mut SampleSpec)) -> Outcome<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench").join(name);
    if !directory.exists() {
        // Under another name until it is whole.
        let unfinished = directory.with_extension("unfinished");
        if unfinished.exists() {
            std::fs::remove_dir_all(&unfinished)?;
        }
        std::fs::create_dir_all(&unfinished)?;
        let mut spec = SampleSpec::new(&unfinished);
        change(&mut spec);
        generate(&spec)?;
        std::fs::rename(&unfinished, &directory)?;
    }
    Ok(directory)
}

/// A pool of this many threads.
pub(crate) fn pool(threads: usize) -> Outcome<rayon::ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// As many as there are cores.
pub(crate) fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What a piece of work took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Took {
    /// Of the clock.
    pub(crate) wall: Duration,
    /// User and system time of all threads, in steps of 10 ms; None where the system does not tell (all but Linux).
    pub(crate) cpu: Option<Duration>,
}

/// Runs a piece of work and says what it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (cpu, clock) = (process_cpu(), Clock::now());
    let result = work();
    let wall = clock.elapsed();
    let cpu = process_cpu()
        .zip(cpu)
        .map(|(after, before)| after.saturating_sub(before));
    (result, Took { wall, cpu })
}

/// User and system time of the process, of threads that have ended too.
fn process_cpu() -> Option<Duration> {
    // proc_pid_stat(5): fields 14 and 15, in ticks of 1/100 s; the name before them is in parentheses.
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Duration::from_millis((ticks(14)? + ticks(15)?) * 10))
}

/// Peak resident memory of the process in bytes; None where the system does not tell (all but Linux).
pub(crate) fn peak_memory() -> Option<u64> {
    // proc_pid_status(5): in KiB.
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

/// The median; the higher of the two in the middle.
pub(crate) fn median(mut values: Vec<Duration>) -> Duration {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// Median seconds of the clock, and of the CPU, of several runs.
pub(crate) fn medians(runs: &[Took]) -> (f64, Option<f64>) {
    let wall = median(runs.iter().map(|took| took.wall).collect());
    let cpu: Option<Vec<Duration>> = runs.iter().map(|took| took.cpu).collect();
    (wall.as_secs_f64(), cpu.map(|cpu| median(cpu).as_secs_f64()))
}

/// Prints a Markdown table.
pub(crate) fn print_table(heads: &[&str], rows: &[Vec<String>]) {
    println!("| {} |\n|{}", heads.join(" | "), " ---: |".repeat(heads.len()));
    for row in rows {
        println!("| {} |", row.join(" | "));
    }
}

/// `1234567` -> `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

/// Seconds with two or three decimals.
pub(crate) fn seconds(seconds: f64) -> String {
    format!("{seconds:.3}")
}

/// CPU seconds, or a dash.
pub(crate) fn cpu_seconds(cpu: Option<f64>) -> String {
    cpu.map_or("-".to_owned(), |cpu| format!("{cpu:.2}"))
}

/// MB, or a dash.
pub(crate) fn megabytes(bytes: Option<u64>) -> String {
    bytes.map_or("-".to_owned(), |bytes| format!("{} MB", bytes / 1_000_000))
}
