//! Where accounts stood at the end of a day.

use arrow::array::RecordBatch;
use nightbill::ledger::batch::LedgerError;
use nightbill::ledger::state::{AccountState, StateReader, state_at};
use nightbill::ledger::tables::{Rows, RowsBuilder, Table};
use nightbill::rules::account_day::{Deduction, DeductionPeriod, GrantId, GrantStatus};
use nightbill::units::quantity::{BillingDay, Cents, Minutes, Quota, Ratio};

use crate::fixture::{self, AV_HD, account, app, batch, book, context, day, grant, ledger, post, rows, store};

/// An account with one package, of which so many hundredths are used, and a balance.
struct Stands {
    id: i64,
    used: i64,
    closing: i64,
    status: GrantStatus,
}

fn stands(id: i64, used: i64, closing: i64) -> Stands {
    Stands {
        id,
        used,
        closing,
        status: GrantStatus::Active,
    }
}

fn snapshot(day: BillingDay, accounts: &[Stands]) -> Rows {
    let book = book();
    let mut builder = RowsBuilder::new(context(&book, day, DeductionPeriod::Day));
    for stands in accounts {
        let package = format!("p-{}", stands.id);
        let mut grant = grant(GrantId::Package(&package), &[], stands.used);
        grant.status = stands.status;
        let mut day = fixture::account_day(stands.id, day);
        day.grants = vec![grant];
        day.balance.closing = Cents::from_units(stands.closing);
        day.balance.paid_total = Cents::from_units(stands.closing * 2);
        builder
            .push_account(account(stands.id), &day, &[], stands.id * 100)
            .unwrap();
    }
    builder.finish()
}

/// `deductions` rows of a day: (account, package, hundredths of quota).
fn deductions(day: BillingDay, rows: &[(i64, &str, i64)]) -> RecordBatch {
    let book = book();
    let mut builder = RowsBuilder::new(context(&book, day, DeductionPeriod::Day));
    for (id, package, quota) in rows {
        let deduction = Deduction {
            app: app(1400),
            tier: AV_HD,
            grant: GrantId::Package(package),
            minutes: Minutes::new(1),
            ratio: Ratio::from_units(100),
            quota: Quota::from_units(*quota),
        };
        let mut account_day = fixture::account_day(*id, day);
        account_day.deductions = vec![deduction];
        builder.push_account(account(*id), &account_day, &[], 0).unwrap();
    }
    builder.finish().batches.swap_remove(Table::Deductions.position())
}

/// `account balance paid_total facts | grant used void, …`
fn show(states: StateReader) -> Vec<String> {
    let show = |state: AccountState| {
        let grants: Vec<String> = state
            .opening
            .grants
            .iter()
            .map(|grant| format!("{} {}", grant.id, grant.used))
            .collect();
        let (balance, paid) = (state.opening.balance, state.opening.paid_total);
        format!(
            "{} {balance} {paid} {} | {}",
            state.account,
            state.facts,
            grants.join(", ")
        )
    };
    states.map(|state| show(state.unwrap())).collect()
}

fn state_of(directory: &std::path::Path, text: &str) -> Vec<String> {
    show(state_at(&ledger(directory), &book(), Some(day(text))).unwrap())
}

#[test]
fn nothing_stands_before_the_first_day() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(
        show(state_at(&ledger(directory.path()), &book(), None).unwrap()),
        [""; 0]
    );
    let missing = state_at(&ledger(directory.path()), &book(), Some(day("2024-10-12")));
    assert!(matches!(missing, Err(LedgerError::NotSettled { .. })));
}

#[test]
fn snapshots_of_the_day() {
    let directory = tempfile::tempdir().unwrap();
    let void = Stands {
        status: GrantStatus::Void,
        ..stands(3, 50_000, -5)
    };
    post(
        directory.path(),
        "2024-10-12.00",
        snapshot(day("2024-10-12"), &[stands(1, 100, 10), void]),
    );
    post(
        directory.path(),
        "2024-10-13.00",
        snapshot(day("2024-10-13"), &[stands(1, 300, 20)]),
    );
    assert_eq!(
        state_of(directory.path(), "2024-10-12"),
        ["1 0.10 0.20 100 | p-1 1.00", "3 -0.05 -0.10 300 | p-3 500.00"]
    );
    assert_eq!(state_of(directory.path(), "2024-10-13"), ["1 0.20 0.40 100 | p-1 3.00"]);
}

/// The batch of the 14th posts corrections for the 11th and 12th beside its own day; one of the 15th takes some back.
#[test]
fn later_batches_add_what_they_posted_for_days_up_to_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    let all = |used| [stands(1, used, 10), stands(2, used, 10)];
    for (id, used) in [("2024-10-11.00", 100), ("2024-10-12.00", 200), ("2024-10-13.00", 300)] {
        post(path, id, snapshot(batch(id).day, &all(used)));
    }
    let correcting = |own: &str, used, corrections: &[RecordBatch]| {
        let mut rows = snapshot(day(own), &all(used));
        let schema = Table::Deductions.schema();
        rows.batches[Table::Deductions.position()] = arrow::compute::concat_batches(&schema, corrections).unwrap();
        rows
    };
    let fourteenth = [
        deductions(day("2024-10-11"), &[(1, "p-1", 7)]),
        deductions(day("2024-10-12"), &[(1, "p-1", 50)]),
        deductions(day("2024-10-14"), &[(1, "p-1", 1000)]),
        deductions(day("2024-10-12"), &[(2, "new", 3), (5, "p-5", 9)]),
    ];
    post(path, "2024-10-14.00", correcting("2024-10-14", 400, &fourteenth));
    let fifteenth = [deductions(day("2024-10-12"), &[(1, "p-1", -20)])];
    post(path, "2024-10-15.00", correcting("2024-10-15", 500, &fifteenth));

    assert_eq!(
        state_of(path, "2024-10-11"),
        ["1 0.10 0.20 100 | p-1 1.07", "2 0.10 0.20 200 | p-2 1.00"]
    );
    assert_eq!(
        state_of(path, "2024-10-12"),
        [
            "1 0.10 0.20 100 | p-1 2.37",
            "2 0.10 0.20 200 | p-2 2.00, new 0.03",
            "5 0.00 0.00 0 | p-5 0.09",
        ]
    );
    // The snapshots of the 14th hold its corrections already.
    assert_eq!(state_of(path, "2024-10-14")[0], "1 0.10 0.20 100 | p-1 3.80");
    assert_eq!(state_of(path, "2024-10-15")[0], "1 0.10 0.20 100 | p-1 5.00");
}

#[test]
fn the_last_posting_of_a_day_is_where_it_stands() {
    let directory = tempfile::tempdir().unwrap();
    post(
        directory.path(),
        "2024-10-12.00",
        snapshot(day("2024-10-12"), &[stands(1, 100, 10)]),
    );
    post(
        directory.path(),
        "2024-10-12.01",
        snapshot(day("2024-10-12"), &[stands(1, 150, -70)]),
    );
    assert_eq!(
        state_of(directory.path(), "2024-10-12"),
        ["1 -0.70 -1.40 100 | p-1 1.50"]
    );
}

#[test]
fn many_accounts_stream_in_order() {
    let directory = tempfile::tempdir().unwrap();
    let day = day("2024-10-12");
    // More than one row group of `grants`, which has three rows an account.
    let accounts = 50_000_i64;
    post(directory.path(), "2024-10-12.00", rows(day, 1..=accounts));
    let mut expected = 1..=accounts;
    for state in state_at(&ledger(directory.path()), &book(), Some(day)).unwrap() {
        let state = state.unwrap();
        let id = expected.next().unwrap();
        assert_eq!((state.account.get(), state.facts), (id, id * 7));
        let grants: Vec<&str> = state.opening.grants.iter().map(|grant| grant.id.as_str()).collect();
        assert_eq!(grants, ["e-1", &format!("free:{id}:2024-10-12"), "p-1"]);
    }
    assert_eq!(expected.next(), None);
}

#[test]
fn unpublished_files_are_read_where_they_were_staged() {
    let directory = tempfile::tempdir().unwrap();
    let record = post(
        directory.path(),
        "2024-10-12.00",
        snapshot(day("2024-10-12"), &[stands(1, 100, 10)]),
    );
    let store = store(directory.path());
    for file in record.files {
        store.copy(&file.path, &file.staged).unwrap();
        store.delete(&file.path).unwrap();
    }
    assert_eq!(state_of(directory.path(), "2024-10-12"), ["1 0.10 0.20 100 | p-1 1.00"]);
}

#[test]
fn damage_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    post(
        path,
        "2024-10-12.00",
        snapshot(day("2024-10-12"), &[stands(1, 100, 10)]),
    );
    let store = store(path);
    let file = "grants/batch=2024-10-12.00/part-0.parquet";
    let whole = store.get(file).unwrap();
    let error = || {
        let states = state_at(&ledger(path), &book(), Some(day("2024-10-12"))).unwrap();
        states.collect::<Result<Vec<_>, _>>().unwrap_err().to_string()
    };
    store.put(file, whole.slice(1..)).unwrap();
    insta::assert_snapshot!(error(), @"grants/batch=2024-10-12.00/part-0.parquet: has 2617 bytes, its commit record says 2618");
    let mut other = whole.to_vec();
    let end = other.len();
    other[end - 1] = b'X';
    store.put(file, other.into()).unwrap();
    insta::assert_snapshot!(error(), @"grants/batch=2024-10-12.00/part-0.parquet: Parquet error: Invalid Parquet file. Corrupt footer");
    store.delete(file).unwrap();
    insta::assert_snapshot!(error(), @"grants/batch=2024-10-12.00/part-0.parquet: is gone, and its commit record names it");
}

#[test]
fn a_reader_can_move_to_another_thread() {
    fn check<T: Send>() {}
    check::<StateReader>();
}
