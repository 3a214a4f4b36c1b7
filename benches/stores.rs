//! Reading usage from a store that is far away: 30 ms until a read is answered, and a line that all reads share.
//!
//!     cargo bench --bench stores                         samples of 40 and 10 million rows, made below target/bench
//!     cargo bench --bench stores -- --megabits 10000     another line; --milliseconds, --rounds, --rows
//!
//! The files are in memory, behind the store that buckets are read through; only the network is made up. Each sample is scanned
//! with every read made when it is needed, by the thread that needs it, and with reads made ahead as for buckets; then from
//! local disk. `bytes / line` is how long the bytes take on the line, `reads x latency` how long the reads take one
//! after the other.

use std::error::Error;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::Parser;
use nightbill::catalog::book::Book;
use nightbill::catalog::parse::parse;
use nightbill::inputs::catalog;
use nightbill::inputs::dimensions::Dimensions;
use nightbill::inputs::dimensions::RegisteredBy;
use nightbill::inputs::parquet::source::{RangeReader, ReadAhead};
use nightbill::inputs::partitions;
use nightbill::inputs::usage::{ScanRequest, Way, scan};
use nightbill::job::Job;
use nightbill::sample::{SampleSpec, generate};
use nightbill::store::{Location, Object, Store, StoreError};
use nightbill::units::quantity::BillingDay;
use object_store::memory::InMemory;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How fast usage is read from stores.
#[derive(Debug, Parser)]
struct Args {
    /// The line that all reads share
    #[arg(long, default_value_t = 1_000)]
    megabits: u64,
    /// How long a read waits for its first byte
    #[arg(long, default_value_t = 30)]
    milliseconds: u64,
    /// Rounds; the median is shown
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Rows of the sample of large files; that of small files has a quarter of them
    #[arg(long, default_value_t = 40_000_000)]
    rows: u64,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

/// A line that takes its time, and counts.
struct Line {
    store: Store,
    is_ahead: bool,
    latency: Duration,
    bytes_a_second: u64,
    free_at: Mutex<Instant>,
    reads: AtomicU64,
    bytes: AtomicU64,
}

impl RangeReader for Line {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        std::thread::sleep(self.latency);
        let bytes = self.store.get_range(object, range)?;
        let length = bytes.len() as u64;
        self.reads.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(length, Ordering::Relaxed);
        let there_at = {
            let mut free_at = self.free_at.lock().expect("nobody panics with it");
            *free_at = Instant::now().max(*free_at) + self.takes(length);
            *free_at
        };
        std::thread::sleep(there_at.saturating_duration_since(Instant::now()));
        Ok(bytes)
    }

    fn read_ahead(&self) -> Option<ReadAhead> {
        self.store.read_ahead().filter(|_| self.is_ahead)
    }
}

impl Line {
    fn takes(&self, bytes: u64) -> Duration {
        Duration::from_micros(bytes * 1_000_000 / self.bytes_a_second)
    }
}

/// A sample, opened for its day.
struct Night {
    job: Job,
    book: Book,
    dimensions: Dimensions,
    local: Store,
    bucket: Store,
    files: Vec<(BillingDay, Object)>,
}

impl Night {
    fn open(directory: &Path) -> Outcome<Self> {
        let job = Job::load(&directory.join("job.toml"), &[])?;
        let source = catalog::read(&job.catalog)?;
        let book = parse(&source.path, &source.text)?;
        let dimensions = Dimensions::load(&job, &book, &job.calendar)?;
        let local = Store::open(&job.inputs.usage.partitions.location)?;
        let location = Location::from_url("s3://bucket/usage".parse()?).ok_or("a bucket")?;
        let bucket = Store::from_object_store(&location, Arc::new(InMemory::new()))?;
        for object in local.list("")? {
            bucket.put(&object.path, local.get(&object.path)?)?;
        }
        let listing = partitions::list(&bucket)?;
        let files = listing.partitions.into_iter();
        let files = files.flat_map(|(date, files)| files.into_iter().map(move |file| (date, file)));
        Ok(Self {
            job,
            book,
            dimensions,
            files: files.collect(),
            local,
            bucket,
        })
    }

    /// Scans, and says how long it took.
    fn scan(&self, reader: &Arc<dyn RangeReader>, files: &[(BillingDay, Object)]) -> Outcome<Duration> {
        let (day, _) = *files.first().ok_or("there is no usage")?;
        let known_at = self.job.calendar.billing_instant(day)?;
        let begun = Instant::now();
        let found = scan(&ScanRequest {
            reader,
            files,
            partition_zone: self.job.inputs.usage.partitions.zone,
            calendar: &self.job.calendar,
            day,
            book: &self.book,
            accounts: &RegisteredBy::new(self.dimensions.index(), known_at),
            deduction_period: self.job.deduction_period,
            max_rejected_rows: self.job.max_rejected_rows,
            way: Way::default(),
            progress: &|_| {},
        })?;
        let took = begun.elapsed();
        drop(found);
        Ok(took)
    }

    fn compare(&self, name: &str, args: &Args) -> Outcome<()> {
        for is_ahead in [false, true] {
            let mut times = Vec::new();
            let mut line = None;
            for _ in 0..args.rounds {
                let reader = Arc::new(Line {
                    store: self.bucket.clone(),
                    is_ahead,
                    latency: Duration::from_millis(args.milliseconds),
                    bytes_a_second: args.megabits * 1_000_000 / 8,
                    free_at: Mutex::new(Instant::now()),
                    reads: AtomicU64::new(0),
                    bytes: AtomicU64::new(0),
                });
                let dynamic: Arc<dyn RangeReader> = reader.clone();
                times.push(self.scan(&dynamic, &self.files)?);
                line = Some(reader);
            }
            let line = line.ok_or("no rounds")?;
            let (reads, bytes) = (line.reads.load(Ordering::Relaxed), line.bytes.load(Ordering::Relaxed));
            println!(
                "| {name} | {} | {:.2} | {:.2} | {:.2} | {reads} | {:.0} |",
                if is_ahead { "ahead" } else { "when needed" },
                median(times).as_secs_f64(),
                line.takes(bytes).as_secs_f64(),
                (line.latency * u32::try_from(reads)?).as_secs_f64(),
                bytes as f64 / 1e6,
            );
        }
        let local: Arc<dyn RangeReader> = Arc::new(self.local.clone());
        let listing = partitions::list(&self.local)?.partitions.into_iter();
        let files = listing.flat_map(|(date, files)| files.into_iter().map(move |file| (date, file)));
        let files: Vec<(BillingDay, Object)> = files.collect();
        let times = (0..args.rounds)
            .map(|_| self.scan(&local, &files))
            .collect::<Outcome<Vec<_>>>()?;
        println!("| {name} | local disk | {:.2} | | | | |", median(times).as_secs_f64());
        Ok(())
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// A sample of so many rows and files, made when it is not there yet.
fn sample(rows: u64, files: u32) -> Outcome<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("target/bench/stores-{rows}-{files}"));
    if !directory.exists() {
        let unfinished = directory.with_extension("unfinished");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished)?;
        }
        fs::create_dir_all(&unfinished)?;
        let mut spec = SampleSpec::new(&unfinished);
        (spec.rows, spec.files_per_day, spec.accounts) = (rows, Some(files), 20_000);
        generate(&spec)?;
        fs::rename(&unfinished, &directory)?;
    }
    Ok(directory)
}

fn main() -> Outcome<()> {
    let args = Args::parse();
    println!(
        "{} ms a read, {} Mbit/s, {} threads decode\n\n| sample | reads | s | bytes / line, s | reads x latency, s | reads | MB |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: |",
        args.milliseconds,
        args.megabits,
        rayon::current_num_threads()
    );
    Night::open(&sample(args.rows, 16)?)?.compare("16 files", &args)?;
    Night::open(&sample(args.rows / 4, 1_000)?)?.compare("1,000 files", &args)
}
