//! All or nothing: rivals, crashes at every write, answers that get lost.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};

use nightbill::ledger::batch::{Committed, Facts, Ledger, LedgerError};
use nightbill::ledger::tables::{Rows, Table};
use nightbill::store::{Location, Store, StoreError};
use object_store::local::LocalFileSystem;

use crate::faulty::{Fault, Faulty, Plan};
use crate::fixture::{self, batch, day, facts, ledger, post, rows, store, tables, tree, try_post};

/// The ledger of a directory behind a store whose `write`-th write goes wrong.
fn faulty_ledger(directory: &Path, fault: Fault, write: i64, only: &'static str) -> (Ledger, Arc<Plan>) {
    let url = url::Url::from_directory_path(directory).unwrap();
    let plan = Arc::new(Plan {
        fault,
        writes_left: AtomicI64::new(write),
        only,
    });
    let objects = Faulty {
        inner: LocalFileSystem::new(),
        plan: Arc::clone(&plan),
    };
    let location = Location::from_url(url).unwrap();
    let store = Store::from_object_store(&location, Arc::new(objects)).unwrap();
    (Ledger::open(store).unwrap(), plan)
}

fn two_days(directory: &Path) {
    post(directory, "2024-10-11.00", rows(day("2024-10-11"), [1, 2]));
    post(directory, "2024-10-12.00", rows(day("2024-10-12"), [1, 2, 3]));
}

/// Every file in a table directory belongs to a committed batch, and has the bytes that its record says.
fn assert_nothing_uncommitted(directory: &Path) {
    let ledger = ledger(directory);
    let mut committed = BTreeMap::new();
    for id in ledger.batches() {
        let files = ledger.record(*id).unwrap().files;
        committed.extend(files.into_iter().map(|file| (file.path, file.sha256)));
    }
    for (path, hash) in tables(directory) {
        assert_eq!(committed.get(&path), Some(&hash), "{path}");
    }
}

/// Runs a day into a fault at its `write`-th write, then again without one. False when it had fewer writes.
fn survives(fault: Fault, write: i64, expected: &BTreeMap<String, String>) -> bool {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let (disturbed, plan) = faulty_ledger(path, fault, write, "");
    let first = try_post(&disturbed, "2024-10-12.00", rows(day("2024-10-12"), [1, 2, 3]));
    assert_nothing_uncommitted(path);

    let (again, _) = faulty_ledger(path, fault, i64::MAX, "");
    again.finish_publishing().unwrap();
    let committed = !again.batches().is_empty();
    assert!(
        committed || first.is_err(),
        "{fault:?} at write {write}: it says that it posted"
    );
    assert_eq!(tables(path).is_empty(), !committed, "{fault:?} at write {write}");
    let second = try_post(&again, "2024-10-12.00", rows(day("2024-10-12"), [1, 2, 3])).unwrap();
    assert_eq!(matches!(second, Committed::AlreadyPosted(_)), committed);
    assert_eq!(&tables(path), expected, "{fault:?} at write {write}");
    assert!(!again.finish_publishing().unwrap());
    plan.writes_left.load(Ordering::SeqCst) < 1
}

#[test]
fn a_fault_at_any_write_leaves_all_or_nothing() {
    let directory = tempfile::tempdir().unwrap();
    post(directory.path(), "2024-10-12.00", rows(day("2024-10-12"), [1, 2, 3]));
    let expected = tables(directory.path());
    for fault in [
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::LostAnswer,
        Fault::RetryMeetsItself,
    ] {
        let writes = (1..).take_while(|write| survives(fault, *write, &expected)).count();
        // 12 staged files, catalog, record, 12 copies, mark, 12 deletes.
        assert_eq!(writes, 39, "{fault:?}");
    }
}

#[test]
fn a_commit_whose_answer_is_lost_is_read_back() {
    for fault in [Fault::LostAnswer, Fault::RetryMeetsItself] {
        let directory = tempfile::tempdir().unwrap();
        let (ledger, _) = faulty_ledger(directory.path(), fault, 1, ".json");
        let committed = try_post(&ledger, "2024-10-12.00", rows(day("2024-10-12"), [1])).unwrap();
        assert!(matches!(committed, Committed::Posted(_)), "{fault:?}");
        assert_eq!(tables(directory.path()).len(), Table::ALL.len());
    }
}

#[test]
fn a_commit_that_nobody_knows_of_keeps_what_it_would_need() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, _) = faulty_ledger(directory.path(), Fault::CrashAfter, 1, ".json");
    let error = try_post(&ledger, "2024-10-12.00", rows(day("2024-10-12"), [1])).unwrap_err();
    assert!(
        matches!(error, LedgerError::Store(StoreError::Failed { .. })),
        "{error}"
    );
    assert!(fixture::ledger(directory.path()).finish_publishing().unwrap());
    assert_eq!(tables(directory.path()).len(), Table::ALL.len());
}

/// So many runs commit one batch at the same time; the outcomes.
fn race(
    rivals: usize,
    rows_of: impl Fn(usize) -> Rows + Sync,
    directory: &Path,
) -> Vec<Result<Committed, LedgerError>> {
    let start = Barrier::new(rivals);
    std::thread::scope(|scope| {
        let run = |rival| {
            let (start, rows_of) = (&start, &rows_of);
            scope.spawn(move || {
                let ledger = ledger(directory);
                let mut writer = ledger.begin(batch("2024-10-12.00")).unwrap();
                writer.append(rows_of(rival)).unwrap();
                start.wait();
                writer.commit(facts())
            })
        };
        let threads: Vec<_> = (0..rivals).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn one_of_many_rivals_wins() {
    for rivals in 2..=10 {
        let directory = tempfile::tempdir().unwrap();
        let own = |rival: usize| rows(day("2024-10-12"), [1 + i64::try_from(rival).unwrap()]);
        let mut winners = Vec::new();
        for outcome in race(rivals, own, directory.path()) {
            match outcome {
                Ok(Committed::Posted(record)) => winners.push(record),
                Err(LedgerError::LostRace { batch: lost }) => assert_eq!(lost, batch("2024-10-12.00")),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "of {rivals}");
        let files: BTreeMap<_, _> = winners
            .remove(0)
            .files
            .into_iter()
            .map(|file| (file.path, file.sha256))
            .collect();
        assert_eq!(tables(directory.path()), files);
        assert_eq!(store(directory.path()).list("_staging").unwrap(), []);
    }
}

#[test]
fn rivals_with_the_same_work_all_succeed() {
    let directory = tempfile::tempdir().unwrap();
    let outcomes = race(6, |_| rows(day("2024-10-12"), [1, 2]), directory.path());
    let posted = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Ok(Committed::Posted(_))));
    assert_eq!(posted.count(), 1);
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(tables(directory.path()).len(), Table::ALL.len());
    assert_eq!(store(directory.path()).list("_staging").unwrap(), []);
}

#[test]
fn other_inputs_are_other_work() {
    let directory = tempfile::tempdir().unwrap();
    post(directory.path(), "2024-10-12.00", rows(day("2024-10-12"), [1]));
    let changes: [fn(&mut Facts); 3] = [
        |facts| facts.inputs[0].size += 1,
        |facts| facts.dimensions[0].sha256 = "22".repeat(32),
        |facts| facts.totals.seconds += 1,
    ];
    for change in changes {
        let ledger = ledger(directory.path());
        let mut writer = ledger.begin(batch("2024-10-12.00")).unwrap();
        writer.append(rows(day("2024-10-12"), [1])).unwrap();
        let mut facts = facts();
        change(&mut facts);
        assert!(matches!(writer.commit(facts), Err(LedgerError::LostRace { .. })));
    }
}

#[test]
fn a_batch_posted_after_the_ledger_was_opened_stops_the_commit() {
    let directory = tempfile::tempdir().unwrap();
    let before = ledger(directory.path());
    let mut writer = before.begin(batch("2024-10-13.00")).unwrap();
    writer.append(rows(day("2024-10-13"), [1])).unwrap();
    post(directory.path(), "2024-10-12.00", rows(day("2024-10-12"), [1]));
    let beginning = before.begin(batch("2024-10-13.00")).map(|_| ());
    for outcome in [writer.commit(facts()).map(|_| ()), beginning] {
        let lost = batch("2024-10-12.00");
        assert!(
            matches!(outcome, Err(LedgerError::LostRace { batch }) if batch == lost),
            "{outcome:?}"
        );
    }
    assert_eq!(tables(directory.path()).len(), Table::ALL.len());
    assert_eq!(store(directory.path()).list("_staging").unwrap(), []);
}

#[test]
fn a_batch_that_is_given_up_leaves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = ledger(directory.path());
    ledger.check_store().unwrap();
    let mut writer = ledger.begin(batch("2024-10-12.00")).unwrap();
    writer.append(rows(day("2024-10-12"), [1])).unwrap();
    drop(writer);
    assert_eq!(tree(directory.path()), BTreeMap::new());
    assert_eq!(
        std::fs::read_dir(directory.path()).unwrap().count(),
        0,
        "no directories either"
    );
}

#[test]
fn a_store_without_create_only_put_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (ledger, _) = faulty_ledger(directory.path(), Fault::NoCreateOnly, i64::MAX, "");
    let error = ledger.check_store().unwrap_err().to_string();
    assert!(error.contains("ignores create-only put"), "{error}");
    assert_eq!(tree(directory.path()), BTreeMap::new(), "the probe is gone");
}

#[test]
fn records_follow_one_another() {
    let directory = tempfile::tempdir().unwrap();
    two_days(directory.path());
    let ledger = ledger(directory.path());
    assert_eq!(ledger.batches(), [batch("2024-10-11.00"), batch("2024-10-12.00")]);
    let previous = ledger.record(batch("2024-10-12.00")).unwrap().previous.unwrap();
    let bytes = store(directory.path()).get("_batches/2024-10-11.00.json").unwrap();
    assert_eq!(previous.batch, "2024-10-11.00");
    assert_eq!(previous.digest, nightbill::units::digest::sha256_hex(&bytes));
    let catalog = format!("_catalog/{}.toml", facts().job.catalog);
    assert_eq!(store(directory.path()).get(&catalog).unwrap(), fixture::CATALOG);
    assert_eq!(ledger.recent_accepted_rows(day("2024-10-13"), 7).unwrap(), [10, 10]);
    assert_eq!(ledger.recent_accepted_rows(day("2024-10-13"), 1).unwrap(), [10]);
    assert_eq!(ledger.recent_accepted_rows(day("2024-10-11"), 7).unwrap(), [0_u64; 0]);
}

#[test]
fn what_is_not_as_it_was_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    two_days(directory.path());
    let store = store(directory.path());
    let publish_again = || {
        store.delete("_batches/2024-10-12.00.published").unwrap();
        ledger(directory.path()).finish_publishing().unwrap_err().to_string()
    };
    store
        .put("bills/batch=2024-10-12.00/part-0.parquet", "x".into())
        .unwrap();
    insta::assert_snapshot!(publish_again(), @"bills/batch=2024-10-12.00/part-0.parquet: has 1 bytes, its commit record says 2520");
    store.delete("bills/batch=2024-10-12.00/part-0.parquet").unwrap();
    let message = publish_again();
    insta::with_settings!({filters => vec![("[0-9a-f]{16}", "<attempt>")]}, { insta::assert_snapshot!(message, @"_staging/2024-10-12.00/<attempt>/bills/part-0.parquet: is gone, and batch 2024-10-12.00 still needs it; restore it or bills/batch=2024-10-12.00/part-0.parquet"); });

    let record = store.get("_batches/2024-10-12.00.json").unwrap();
    let reopened = |text: String| {
        store.put("_batches/2024-10-12.00.json", text.into()).unwrap();
        ledger(directory.path())
            .record(batch("2024-10-12.00"))
            .unwrap_err()
            .to_string()
    };
    let text = String::from_utf8(record.to_vec()).unwrap();
    insta::assert_snapshot!(reopened(text.replacen("\"format\": 1", "\"format\": 2", 1)), @"_batches/2024-10-12.00.json: commit record of format 2, this nightbill reads format 1; use the version that wrote it");
    insta::assert_snapshot!(reopened(text.replacen("2024-10-12.00", "2024-10-13.00", 1)), @"_batches/2024-10-12.00.json: is the record of batch 2024-10-13.00");
    insta::assert_snapshot!(reopened(text[..100].to_owned()), @"_batches/2024-10-12.00.json: not a commit record: EOF while parsing a string at line 6 column 13");
    store.put("_batches/readme.txt", "x".into()).unwrap();
    insta::assert_snapshot!(Ledger::open(store).unwrap_err(), @"_batches/readme.txt: is neither a commit record (YYYY-MM-DD.NN.json) nor its .published mark; move it away");
}
