//! Stores whose reads wait for a network: what is read, how much at a time, and what becomes of failures.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use bytes::Bytes;
use nightbill::inputs::parquet::source::{RangeReader, ReadAhead};
use nightbill::inputs::usage::{ScanError, find_duplicates};
use nightbill::store::{Location, Object, Store, StoreError};
use nightbill::units::quantity::BillingDay;

use super::files::{Kind, write};
use super::sample::sample;
use super::world::{Memory, Outcome, Setting, objects, scan_files, scan_objects, scan_watched};

const USUAL: ReadAhead = ReadAhead {
    reads: 8,
    bytes: 1 << 20,
    gap: 0,
    read_bytes: 1 << 20,
};

/// What goes wrong, asked before each read with its number from 0.
type Fault = dyn Fn(usize, &Object, &Range<u64>) -> Result<(), StoreError> + Send + Sync;

/// Files behind a network.
struct Remote {
    files: Memory,
    ahead: ReadAhead,
    fault: Box<Fault>,
    reads: Mutex<Vec<(String, Range<u64>)>>,
    meeting: Meeting,
    held: Arc<Held>,
}

/// Bytes that have been handed out and are still held.
#[derive(Default)]
struct Held {
    now: AtomicI64,
    most: AtomicI64,
}

struct Loan(Bytes, Arc<Held>);

impl AsRef<[u8]> for Loan {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        self.1.now.fetch_sub(self.0.len() as i64, Ordering::SeqCst);
    }
}

impl Held {
    fn lend(self: &Arc<Self>, bytes: Bytes) -> Bytes {
        let now = self.now.fetch_add(bytes.len() as i64, Ordering::SeqCst) + bytes.len() as i64;
        self.most.fetch_max(now, Ordering::SeqCst);
        Bytes::from_owner(Loan(bytes, Arc::clone(self)))
    }
}

/// Answers no read before so many are under way, once.
#[derive(Default)]
struct Meeting {
    /// Reads under way, the most of them so far, and whether they have met.
    state: Mutex<(usize, usize, bool)>,
    arrived: Condvar,
    of: usize,
}

impl Meeting {
    fn enter(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 += 1;
        state.1 = state.1.max(state.0);
        state.2 |= state.0 >= self.of;
        self.arrived.notify_all();
        // Not a limit on speed: a scan that reads one after the other would wait here for ever.
        let patience = Duration::from_secs(20);
        let (mut state, _) = self
            .arrived
            .wait_timeout_while(state, patience, |state| !state.2)
            .unwrap();
        assert!(state.2, "{} reads under way, and {} were to meet", state.1, self.of);
        state.0 -= 1;
    }

    fn most(&self) -> usize {
        self.state.lock().unwrap().1
    }
}

impl RangeReader for Remote {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let number = {
            let mut reads = self.reads.lock().unwrap();
            reads.push((object.path.clone(), range.clone()));
            reads.len() - 1
        };
        (self.fault)(number, object, &range)?;
        self.meeting.enter();
        Ok(self.held.lend(self.files.get_range(object, range)?))
    }

    fn read_ahead(&self) -> Option<ReadAhead> {
        Some(self.ahead)
    }
}

impl Remote {
    fn new(files: &Files, ahead: ReadAhead) -> Self {
        Self {
            files: Memory(
                files
                    .0
                    .iter()
                    .map(|(_, path, bytes)| (path.to_string(), bytes.clone()))
                    .collect(),
            ),
            ahead,
            fault: Box::new(|_, _, _| Ok(())),
            reads: Mutex::default(),
            meeting: Meeting::default(),
            held: Arc::default(),
        }
    }

    fn reads(&self) -> Vec<(String, Range<u64>)> {
        self.reads.lock().unwrap().clone()
    }
}

/// Files of a day.
struct Files(Vec<(BillingDay, &'static str, Bytes)>);

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

impl Files {
    /// 6 files of 5 row groups, each in two runs of needed columns.
    fn new() -> Self {
        let kind = Kind {
            extra: true,
            group_rows: 400,
            ..Kind::default()
        };
        let files = NAMES.iter().zip(1..).map(|(name, seed)| {
            let bytes = write(&kind, &kind.fit(&sample(2_000, seed)));
            (Setting::utc().day, *name, bytes)
        });
        Self(files.collect())
    }

    fn objects(&self) -> Vec<(BillingDay, Object)> {
        objects(&self.0)
    }

    fn expected(&self) -> Outcome {
        scan_files(Setting::utc(), &self.0).unwrap()
    }

    fn scan(&self, threads: usize, reader: Remote) -> (Result<Outcome, ScanError>, Arc<Remote>) {
        let reader = Arc::new(reader);
        let setting = Setting {
            threads,
            ..Setting::utc()
        };
        (scan_objects(setting, reader.clone(), &self.objects()), reader)
    }
}

#[test]
fn neither_limits_nor_threads_change_a_result() {
    let files = Files::new();
    let expected = files.expected();
    for (reads, bytes, gap, read_bytes) in [
        (1, 1, 0, 1),
        (1, 40_000, 0, 1 << 20),
        (3, 1, 1 << 16, 1 << 20),
        (4, 50_000, 0, 10_000),
        (32, 64 << 20, 1 << 16, 8 << 20),
        (0, 0, 0, 0),
    ] {
        let ahead = ReadAhead {
            reads,
            bytes,
            gap,
            read_bytes,
        };
        for threads in [1, 2, 7] {
            let (found, reader) = files.scan(threads, Remote::new(&files, ahead));
            assert_eq!(found.unwrap(), expected, "{ahead:?}, {threads} threads");
            let now = reader.held.now.load(Ordering::SeqCst);
            assert_eq!(now, 0, "nothing stays behind");
        }
    }
}

#[test]
fn every_byte_is_read_once() {
    let files = Files::new();
    for threads in [1, 2, 7] {
        let (found, reader) = files.scan(threads, Remote::new(&files, USUAL));
        found.unwrap();
        let mut reads = reader.reads();
        assert_eq!(reads.len(), 6 + 6 * 5 * 2, "a footer a file, two runs a row group");
        reads.retain(|(path, range)| {
            let (_, _, bytes) = files.0.iter().find(|(_, name, _)| name == path).unwrap();
            range.end < bytes.len() as u64
        });
        reads.sort_by(|a, b| (&a.0, a.1.start).cmp(&(&b.0, b.1.start)));
        assert_eq!(reads.len(), 6 * 5 * 2);
        assert!(
            reads
                .windows(2)
                .all(|two| two[0].0 != two[1].0 || two[0].1.end <= two[1].1.start)
        );
        // What lies between is small: with a gap the runs of a row group, and of its neighbours, are one read.
        let gap = ReadAhead { gap: 1 << 16, ..USUAL };
        let (found, reader) = files.scan(threads, Remote::new(&files, gap));
        found.unwrap();
        assert_eq!(reader.reads().len(), 6 + 6 * 5);
    }
}

#[test]
fn reads_are_under_way_together() {
    let files = Files::new();
    // One thread decodes. Six footers, and then row groups, wait for each other: one by one they would never be answered.
    let footers = Meeting {
        of: 6,
        ..Meeting::default()
    };
    let (found, reader) = files.scan(
        1,
        Remote {
            meeting: footers,
            ..Remote::new(&files, USUAL)
        },
    );
    found.unwrap();
    assert!(reader.meeting.most() <= 8 + 1, "{}", reader.meeting.most());

    let one = Files(files.0[..1].to_vec());
    let reader = Arc::new(Mostly {
        remote: Remote {
            meeting: Meeting {
                of: 8,
                ..Meeting::default()
            },
            ..Remote::new(&one, USUAL)
        },
        free: AtomicUsize::new(1),
    });
    let setting = Setting {
        threads: 1,
        ..Setting::utc()
    };
    scan_objects(setting, reader.clone(), &one.objects()).unwrap();
    let most = reader.remote.meeting.most();
    assert!(
        (8..=9).contains(&most),
        "8 ahead, one by the thread that decodes: {most}"
    );
}

/// A store whose first reads wait for nobody.
struct Mostly {
    remote: Remote,
    free: AtomicUsize,
}

impl RangeReader for Mostly {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let free = self
            .free
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match free {
            Ok(_) => self.remote.files.get_range(object, range),
            Err(_) => self.remote.get_range(object, range),
        }
    }

    fn read_ahead(&self) -> Option<ReadAhead> {
        self.remote.read_ahead()
    }
}

#[test]
fn what_is_held_is_bounded() {
    let files = Files::new();
    let largest = files.0.iter().map(|(_, _, bytes)| bytes.len() / 5).max().unwrap();
    let footers = files.0.iter().map(|(_, _, bytes)| bytes.len()).sum::<usize>();
    for threads in [1, 3] {
        // A slow reader of the rows: everything that may be read ahead is.
        let bytes = 2 * largest as u64;
        let reader = Arc::new(Remote::new(&files, ReadAhead { bytes, ..USUAL }));
        let setting = Setting {
            threads,
            ..Setting::utc()
        };
        let most = Arc::new(AtomicI64::new(0));
        let held = Arc::clone(&reader.held);
        let progress = |_| {
            std::thread::sleep(Duration::from_millis(3));
            most.fetch_max(held.now.load(Ordering::SeqCst), Ordering::SeqCst);
        };
        scan_watched(setting, reader.clone(), &files.objects(), &progress).unwrap();
        let (most, all) = (most.load(Ordering::SeqCst) as usize, footers);
        assert!(
            most <= (2 + threads) * largest,
            "{most} of {all} bytes, row groups of {largest}"
        );
        assert!(most > largest, "something was read ahead: {most}");
    }
}

#[test]
fn an_error_at_any_read_ends_the_scan() {
    let files = Files::new();
    for threads in [1, 4] {
        for at in 0..6 + 6 * 5 * 2 {
            let fault = move |number: usize, object: &Object, _: &Range<u64>| match number == at {
                true => Err(StoreError::Failed {
                    path: object.path.clone(),
                    message: format!("read {number}"),
                }),
                false => Ok(()),
            };
            let reader = Remote {
                fault: Box::new(fault),
                ..Remote::new(&files, USUAL)
            };
            let error = files.scan(threads, reader).0.unwrap_err();
            let said = error.to_string();
            assert!(said.ends_with(&format!(": read {at}")), "{said}");
        }
    }
}

#[test]
fn the_earliest_error_is_the_one_that_is_told() {
    let files = Files::new();
    // The second half of three files cannot be read; that of the first of them is decoded late.
    let middle = files
        .0
        .iter()
        .map(|(_, _, bytes)| bytes.len() as u64 / 2)
        .max()
        .unwrap();
    let tails: BTreeMap<&str, u64> = files
        .0
        .iter()
        .map(|(_, path, bytes)| (*path, bytes.len() as u64))
        .collect();
    for threads in [1, 2, 7].into_iter().cycle().take(30) {
        let tails = tails.clone().into_iter().map(|(path, size)| (path.to_owned(), size));
        let tails: BTreeMap<String, u64> = tails.collect();
        let fault = move |_: usize, object: &Object, range: &Range<u64>| {
            let is_data = range.end < tails[&object.path];
            match object.path.as_str() {
                "c" | "d" | "f" if is_data && range.start > middle => Err(StoreError::Changed {
                    path: object.path.clone(),
                }),
                _ => Ok(()),
            }
        };
        let reader = Remote {
            fault: Box::new(fault),
            ..Remote::new(&files, USUAL)
        };
        let error = files.scan(threads, reader).0.unwrap_err().to_string();
        assert_eq!(error, "c: changed while it was being read", "{threads} threads");
    }
}

#[test]
fn panics_hold_nobody_up() {
    let files = Files::new();
    let expected = files.expected();
    for at in [6, 7, 20, 40] {
        // One that reads ahead: the bytes are read again by who needs them. One that decodes reads by itself, and panics.
        let fault = move |number: usize, _: &Object, _: &Range<u64>| match number == at {
            true => panic!("read {number}"),
            false => Ok(()),
        };
        let reader = Remote {
            fault: Box::new(fault),
            ..Remote::new(&files, USUAL)
        };
        match files.scan(2, reader).0 {
            Ok(found) => assert_eq!(found, expected),
            Err(error) => assert!(error.to_string().ends_with(&format!("read {at}")), "{error}"),
        }
        let batches = AtomicUsize::new(0);
        let progress = |_| assert!(batches.fetch_add(1, Ordering::SeqCst) < at, "no more");
        let reader = Arc::new(Remote::new(&files, ReadAhead { bytes: 30_000, ..USUAL }));
        let found = scan_watched(Setting::utc(), reader.clone(), &files.objects(), &progress);
        match batches.into_inner() > at {
            true => assert!(found.unwrap_err().to_string().ends_with("no more")),
            false => assert_eq!(found.unwrap(), expected),
        }
    }
}

#[test]
fn duplicates_are_looked_for_many_at_a_time() {
    let files = Files::new();
    let (_, _, bytes) = &files.0[0];
    let same_size = |byte: u8| {
        let mut bytes = bytes.to_vec();
        bytes[100] ^= byte;
        Bytes::from(bytes)
    };
    let day = Setting::utc().day;
    let same: Vec<_> = NAMES
        .into_iter()
        .zip(0..)
        .map(|(name, byte)| (day, name, same_size(byte)))
        .collect();
    let files = Files(same);
    let reader = Arc::new(Remote {
        meeting: Meeting {
            of: 6,
            ..Meeting::default()
        },
        ..Remote::new(&files, USUAL)
    });
    let reader: Arc<dyn RangeReader> = reader;
    find_duplicates(&reader, &files.objects()).unwrap();
}

/// A bucket in memory, read ahead by little.
struct Bucket(Store);

impl RangeReader for Bucket {
    fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        self.0.get_range(object, range)
    }

    fn read_ahead(&self) -> Option<ReadAhead> {
        Some(ReadAhead {
            reads: 1,
            bytes: 1,
            ..USUAL
        })
    }
}

#[test]
fn an_object_that_changes_under_the_scan_ends_it() {
    let location = Location::from_url("s3://bucket/usage".parse().unwrap()).unwrap();
    let objects = Arc::new(object_store::memory::InMemory::new());
    let store = Store::from_object_store(&location, objects).unwrap();
    assert!(store.read_ahead().is_some(), "it is remote");
    let files = Files::new();
    for (_, path, bytes) in &files.0 {
        store.put(path, bytes.clone()).unwrap();
    }
    let listed: Vec<(BillingDay, Object)> = store
        .list("")
        .unwrap()
        .into_iter()
        .map(|object| (files.0[0].0, object))
        .collect();
    let scan = |progress: &(dyn Fn(u64) + Sync)| {
        scan_watched(Setting::utc(), Arc::new(Bucket(store.clone())), &listed, progress)
    };
    assert_eq!(scan(&|_| {}).unwrap(), files.expected());
    let changed = AtomicBool::new(false);
    let error = scan(&|_| {
        if !changed.swap(true, Ordering::SeqCst) {
            // The same bytes: only the version tells.
            store.put("f", files.0[5].2.clone()).unwrap();
        }
    });
    let error = error.unwrap_err();
    assert!(
        matches!(&error, ScanError::Store(StoreError::Changed { path }) if path.ends_with("/f")),
        "{error}"
    );
}
