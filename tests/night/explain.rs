//! `explain` on nights of its own: every reason, every mistake, and ledgers that were edited.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Decimal128Array, RecordBatch};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Decimal128Type};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::error;
use crate::json_doc;
use crate::samples::{LOGINS, RELAY, SCREENSHOTS};
use crate::world::{Said, World};

const DAY: &str = "2024-10-12";

fn explain(world: &World, arguments: &[&str]) -> Said {
    world.run(&[&["explain", "job.toml", "--account", "7"], arguments].concat())
}

/// The document of an explanation, held against its documentation.
fn document(world: &World, arguments: &[&str], code: i32) -> Value {
    let said = explain(world, &[arguments, &["--output", "json"]].concat());
    assert_eq!(said.code, code, "{}{}", said.stdout, said.stderr);
    json_doc::check("explain", &said.stdout);
    serde_json::from_str(&said.stdout).unwrap()
}

/// The text of a day that agrees.
fn text(world: &World, day: &str) -> String {
    let said = explain(world, &["--day", day]);
    assert_eq!(said.code, 0, "{}{}", said.stdout, said.stderr);
    said.stdout
}

/// `table, row, column, posted, recomputed` of every difference.
fn differences(document: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    document["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let fields = ["table", "row", "column", "posted", "recomputed"];
            fields.map(|field| text(&one[field])).join(" | ")
        })
        .collect()
}

/// Edits a posted table file, as anyone who may write there could. Its new bytes, and how many rows they hold.
fn edit_rows(file: &Path, edit: impl FnOnce(RecordBatch) -> RecordBatch) -> (Vec<u8>, usize) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
    let edited = edit(concat_batches(&schema, &batches).unwrap());
    let mut writer = ArrowWriter::try_new(File::create(file).unwrap(), edited.schema(), None).unwrap();
    writer.write(&edited).unwrap();
    writer.close().unwrap();
    (fs::read(file).unwrap(), edited.num_rows())
}

/// Edits a posted table file and makes its commit record fit, as someone who knows the format could.
fn tamper(world: &World, batch: &str, table: &str, edit: impl FnOnce(RecordBatch) -> RecordBatch) {
    let path = format!("{table}/batch={batch}/part-0.parquet");
    let (bytes, rows) = edit_rows(&world.path("out").join(&path), edit);
    let record = world.path(&format!("out/_batches/{batch}.json"));
    let mut json: Value = serde_json::from_slice(&fs::read(&record).unwrap()).unwrap();
    let entries = json["files"].as_array_mut().unwrap();
    let entry = entries.iter_mut().find(|entry| entry["path"] == *path).unwrap();
    let digest: String = Sha256::digest(&bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    entry["size"] = bytes.len().into();
    entry["sha256"] = digest.into();
    entry["rows"] = rows.into();
    fs::write(record, serde_json::to_vec_pretty(&json).unwrap()).unwrap();
}

/// Replaces a column.
fn with_column(batch: &RecordBatch, name: &str, column: Arc<dyn Array>) -> RecordBatch {
    let place = batch.schema().index_of(name).unwrap();
    let mut columns = batch.columns().to_vec();
    columns[place] = column;
    RecordBatch::try_new(batch.schema(), columns).unwrap()
}

/// Adds units to every value of a decimal column.
fn plus(batch: &RecordBatch, name: &str, units: i128) -> RecordBatch {
    let column = batch.column_by_name(name).unwrap();
    let DataType::Decimal128(precision, scale) = *column.data_type() else {
        panic!("{name} is no decimal");
    };
    let values = column
        .as_primitive::<Decimal128Type>()
        .values()
        .iter()
        .map(|value| value + units);
    let column = Decimal128Array::from_iter_values(values)
        .with_precision_and_scale(precision, scale)
        .unwrap();
    with_column(batch, name, Arc::new(column))
}

/// A world of many packages, of which each is passed over for another reason.
fn reasons() -> World {
    let world = World::new();
    world.write(
        "accounts.csv",
        "account_id,registered_at,payg\n7,2024-01-01T00:00:00+08:00,\n",
    );
    // The sample's promotion opens rtc_engine packages to the account from 2024-10-12 on, so the day is the one before.
    world.write(
        "packages.csv",
        "package_id,account_id,apps,plan,purchased_at,gift,refunded_at\n\
         other,7,71,rtc_engine.lite,2024-10-01T12:00:00+08:00,false,\n\
         later,7,70,live.lite,2024-10-12T09:00:00+08:00,false,\n\
         first,7,70,conference.lite,2024-10-01T12:00:00+08:00,false,\n\
         second,7,70,conference.lite,2024-10-02T12:00:00+08:00,false,\n\
         ended,7,70,rtc_engine.lite,2024-09-01T12:00:00+08:00,false,\n\
         returned,7,70,call.group,2024-10-01T12:00:00+08:00,false,2024-10-11T13:00:00+08:00\n\
         board,7,70,dashboard.standard,2024-10-01T12:00:00+08:00,false,\n",
    );
    world.write(
        "opening_grants.csv",
        "grant_id,used\nfree:7:2024-10-01,9997\nfirst,99980\n",
    );
    world.usage(
        "2024-10-11",
        "part-0.parquet",
        &[("2024-10-11T12:00:00+08:00", 7, 70, "av", 600, Some(921_600))],
    );
    world.settled("2024-10-11");
    world
}

#[test]
fn every_reason_is_explained() {
    let document = document(&reasons(), &["--day", "2024-10-11"], 0);
    let steps = document["lines"][0]["how"]["duration"]["steps"].as_array().unwrap();
    let told: Vec<String> = steps
        .iter()
        .map(|step| {
            let text = |name: &str| step[name].as_str().unwrap().to_owned();
            match step["outcome"].as_str() {
                Some("served") => format!("{} served {}", text("grant"), step["minutes"]),
                _ => format!("{} {}: {}", text("grant"), text("reason"), text("because")),
            }
        })
        .collect();
    insta::assert_snapshot!("reasons", told.join("\n"));
    assert_eq!(
        document["lines"][0]["how"]["duration"]["rest"]["reason"],
        "paid_package"
    );
}

/// A removal makes void what the account has, and only the ledger remembers it. Overdue on the 12th at 1:00, suspended a day
/// later, removed another one later: the batch of the 13th knows it.
#[test]
fn a_void_grant_is_explained() {
    let world = World::new();
    world.replace("catalog.toml", "removal_days = 60", "removal_days = 1");
    world.write(
        "packages.csv",
        "package_id,account_id,apps,plan,purchased_at,gift,refunded_at\n\
         mine,7,70,conference.lite,2024-10-01T12:00:00+08:00,false,\n",
    );
    world.write(
        "payments.csv",
        "payment_id,account_id,paid_at,amount\nback,7,2024-10-12T01:00:00+08:00,-1.00\n",
    );
    for day in [DAY, "2024-10-13", "2024-10-14"] {
        world.an_hour_of_hd(day);
        world.settled(day);
    }
    let removed = document(&world, &["--day", "2024-10-13"], 0);
    assert_eq!(removed["standing"]["state"], "removed");
    assert_eq!(removed["standing"]["changes"][0]["at"]["local"], "2024-10-14 01:00");
    let document = document(&world, &["--day", "2024-10-14"], 0);
    let steps = document["lines"][0]["how"]["duration"]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["grant"] == "mine").unwrap();
    assert_eq!(step["reason"], "void");
    let grants = document["grants"].as_array().unwrap();
    let grant = grants.iter().find(|grant| grant["grant"] == "mine").unwrap();
    assert_eq!(grant["idle_because"], "void since the account's removal");
}

/// What is posted and what the rules make of it, side by side; the exit code is 1.
#[test]
fn an_edited_ledger_is_told_row_by_row() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    tamper(&world, "2024-10-12.00", "bills", |bills| plus(&bills, "amount", 1));
    tamper(&world, "2024-10-12.00", "bill_lines", |lines| {
        plus(&lines, "unit_price", -10_000)
    });
    tamper(&world, "2024-10-12.00", "grants", |grants| grants.slice(0, 0));
    let document = document(&world, &["--day", DAY], 1);
    assert_eq!(document["agrees"], false);
    assert_eq!(document["error"]["exit_code"], 1);
    assert_eq!(
        differences(&document),
        [
            "bill_lines | sdk_app_id 70, day 2024-10-12, item av, tier hd | unit_price | 3.980000 | 3.990000",
            "bills | period_start 2024-10-12, item av | amount | 0.25 | 0.24",
            "grants | grant_id free:7:2024-10-01 | - | - | kind free, plan free, valid_from 2024-10-01, valid_to \
             2024-10-31, quota 10000.00, opening 10000.00, used 10000.00, balance 0.00, status exhausted",
        ]
    );
    let said = explain(&world, &["--day", DAY, "--html", "bill.html"]);
    assert_eq!(said.code, 1, "{}", said.stderr);
    assert!(
        said.stdout.contains("the ledger says something else: 3 differences"),
        "{}",
        said.stdout
    );
    assert!(
        error(&said).contains("what is posted is not what the rules make of it"),
        "{}",
        said.stderr
    );
    let page = fs::read_to_string(world.path("bill.html")).unwrap();
    assert!(page.contains("The ledger says something else") && page.contains("3.980000"));
    // One app is told, all rows are compared.
    let said = explain(&world, &["--day", DAY, "--app", "99"]);
    assert_eq!(said.code, 1);
    assert!(said.stdout.contains("App 99 has no usage on this day.") && said.stdout.contains("0.25"));
}

/// An edit that leaves the commit record alone: the rows are compared all the same, and the file is named. Of another day, whose
/// rows nothing is compared with, it is damage.
#[test]
fn an_edited_file_is_told_row_by_row_and_named() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.an_hour_of_hd("2024-10-13");
    world.settled(DAY);
    world.settled("2024-10-13");
    let bills = "bills/batch=2024-10-13.00/part-0.parquet";
    let earlier = "bills/batch=2024-10-12.00/part-0.parquet";
    edit_rows(&world.path("out").join(bills), |rows| plus(&rows, "amount", 1));
    let told = document(&world, &["--day", "2024-10-13", "--html", "bill.html"], 1);
    let found = differences(&told);
    assert_eq!(
        found[1..],
        ["bills | period_start 2024-10-13, item av | amount | 0.25 | 0.24"]
    );
    assert!(
        found[0].starts_with(&format!("bills | {bills} | file size | ")),
        "{found:?}"
    );
    assert!(found[0].ends_with(" bytes in the commit record"), "{found:?}");
    // The rows of this account are those that were posted; the file is not.
    edit_rows(&world.path("out").join(bills), |rows| plus(&rows, "amount", -1));
    assert_eq!(differences(&document(&world, &["--day", "2024-10-13"], 1)).len(), 1);
    edit_rows(&world.path("out").join(earlier), |rows| plus(&rows, "amount", 1));
    let month = explain(&world, &["--day", "2024-10-13", "--html", "bill.html"]);
    assert_eq!(month.code, 3, "{}", month.stderr);
    assert!(month.stderr.contains(earlier), "{}", month.stderr);
}

/// Usage is what the recomputation begins with: edited, everything after it differs.
#[test]
fn edited_usage_changes_everything_after_it() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    tamper(&world, "2024-10-12.00", "usage_daily", |usage| {
        with_column(&usage, "seconds", Arc::new(arrow::array::Int64Array::from(vec![3_601])))
    });
    let found = differences(&document(&world, &["--day", DAY], 1));
    let expected = [
        "minutes | 60 | 61",
        "seconds | 3600 | 3601",
        "payg_minutes | 60 | 61",
        "exact | 0.239400000 | 0.243390000",
    ];
    for expected in expected {
        assert!(found.iter().any(|one| one.contains(expected)), "{expected}: {found:?}");
    }
}

/// A change that reaches back (undated columns do) is a difference, and the note says where it may come from.
#[test]
fn changed_facts_are_a_difference_with_a_note() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    world.replace("accounts.csv", ",on", ",off");
    let document = document(&world, &["--day", DAY], 1);
    let found = differences(&document);
    assert!(
        found.contains(&"bills | period_start 2024-10-12, item av | amount | 0.24 | 0.00".to_owned()),
        "{found:?}"
    );
    let note = document["notes"][0].as_str().unwrap();
    assert!(
        note.starts_with("accounts has changed since the day was settled"),
        "{note}"
    );
}

/// What happened after the billing time changes nothing: purchases, payments, plans and prices of a later catalog.
#[test]
fn later_facts_and_catalogs_do_not_count() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    let before = text(&world, DAY);
    world.write(
        "packages.csv",
        "package_id,account_id,apps,plan,purchased_at,gift,refunded_at\n\
         new,7,70,brand_new,2024-10-13T10:00:00.001+08:00,false,\n",
    );
    world.write(
        "payments.csv",
        "payment_id,account_id,paid_at,amount\np,7,2024-10-13T10:00:00.001+08:00,50\n",
    );
    let catalog = fs::read_to_string(world.path("catalog.toml")).unwrap();
    let plan = "[[plan]]\nid = \"brand_new\"\nproduct = \"trtc\"\nfamily = \"new\"\nprice = \"1\"\nminutes = 5\nmau = 0\n\
                paid = true\nratios = \"package\"\nvalidity = { months = 1 }\nrefund = \"none\"\n\n";
    let place = catalog.find("[[plan]]").unwrap();
    let grown = format!("{}{plan}{}", &catalog[..place], &catalog[place..]);
    world.write("catalog.toml", &grown.replace("\"3.99\"", "\"7.77\""));
    let notes = |text: &str| -> String { text.lines().filter(|line| !line.starts_with("note: ")).collect() };
    let after = text(&world, DAY);
    assert_eq!(notes(&after).replace(' ', ""), notes(&before).replace(' ', ""));
    assert!(
        after.contains("note: packages has changed since the day was settled"),
        "{after}"
    );
}

/// Only the day's batch and the one before it are read.
#[test]
fn other_batches_are_not_read() {
    let world = World::new();
    let days = ["2024-10-11", DAY, "2024-10-13", "2024-10-14"];
    for day in days {
        world.an_hour_of_hd(day);
        world.settled(day);
    }
    let before = document(&world, &["--day", "2024-10-13"], 0);
    for batch in ["2024-10-11.00", "2024-10-14.00"] {
        world.write(&format!("out/_batches/{batch}.json"), "no record any more");
        for table in ["usage_daily", "bill_lines", "bills", "deductions", "grants", "accounts"] {
            fs::remove_dir_all(world.path(&format!("out/{table}/batch={batch}"))).unwrap();
        }
    }
    for table in ["usage_daily", "bill_lines", "bills", "deductions"] {
        fs::remove_dir_all(world.path(&format!("out/{table}/batch=2024-10-12.00"))).unwrap();
    }
    assert_eq!(document(&world, &["--day", "2024-10-13"], 0), before);
}

/// `[T]` FAQ: 30, 20 and 40 seconds; the package ran out in between.
#[test]
fn five_minute_periods_are_told() {
    let world = World::new();
    world.write("opening_grants.csv", "grant_id,used\nfree:7:2024-10-01,9999\n");
    world.usage(
        DAY,
        "part-0.parquet",
        &[
            ("2024-10-12T00:00:10+08:00", 7, 70, "av", 30, None),
            ("2024-10-12T00:05:10+08:00", 7, 70, "av", 20, None),
            ("2024-10-12T00:10:10+08:00", 7, 70, "av", 40, None),
        ],
    );
    let said = world.settle(&["--day", DAY, "--set", "deduction_period=5min"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    // The job's own period has changed since; the record's counts.
    let document = document(&world, &["--day", DAY], 0);
    assert_eq!(document["deduction_period"], "5min");
    let duration = &document["lines"][0]["how"]["duration"];
    let periods: Vec<String> = duration["periods"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let fields = ["seconds", "cumulative_seconds", "cumulative_minutes", "minutes"];
            format!(
                "{} {}",
                one["from"].as_str().unwrap(),
                fields.map(|field| one[field].to_string()).join(" ")
            )
        })
        .collect();
    assert_eq!(periods, ["00:00 30 30 1 1", "00:05 20 50 1 0", "00:10 40 90 2 1"]);
    let steps: Vec<String> = duration["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| format!("{} {} {}", step["outcome"], step["from"], step["minutes"]))
        .collect();
    assert_eq!(steps, ["\"served\" \"00:00\" 1", "\"passed_over\" \"00:10\" null"]);
    assert_eq!(duration["rest"]["minutes"], 1);
}

/// Two lines take turns on one grant: what a line took is not all that the balance lost from its first minute to its last.
#[test]
fn what_other_lines_drew_in_between_is_told() {
    let world = World::new();
    world.write("opening_grants.csv", "grant_id,used\nfree:7:2024-10-01,0\n");
    world.usage(
        DAY,
        "part-0.parquet",
        &[
            ("2024-10-12T00:00:10+08:00", 7, 70, "av", 60, None),
            ("2024-10-12T00:00:10+08:00", 7, 70, "av", 60, Some(921_600)),
            ("2024-10-12T00:05:10+08:00", 7, 70, "av", 120, None),
            ("2024-10-12T00:05:10+08:00", 7, 70, "av", 60, Some(921_600)),
        ],
    );
    let said = world.settle(&["--day", DAY, "--set", "deduction_period=5min"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let told = explain(&world, &["--day", DAY, "--html", "bill.html"]);
    for line in [
        "3 x 1 = 3, balance 10,000 -> 9,993 (other lines took 4 in between)",
        "2 x 4 = 8, balance 9,999 -> 9,989 (other lines took 2 in between)",
    ] {
        assert!(told.stdout.replace('→', "->").contains(line), "{}", told.stdout);
    }
    let page = fs::read_to_string(world.path("bill.html")).unwrap();
    assert!(page.contains("10,000 → 9,993, other lines took 4 in between"), "{page}");
}

/// Lines of one app; those of the whole account where it is part of them; what its bill has besides.
#[test]
fn one_app_of_several() {
    let world = World::new();
    let noon = "2024-10-12T12:00:00+08:00";
    world.usage(
        DAY,
        "part-0.parquet",
        &[
            (noon, 7, 70, "av", 60, None),
            (noon, 7, 71, "av", 120, None),
            (noon, 7, 71, "delivery_tencent", 90, None),
        ],
    );
    world.settled(DAY);
    let lines = |app: &str| -> Vec<String> {
        let document = document(&world, &["--day", DAY, "--app", app], 0);
        assert_eq!(document["charged"], "0.00");
        let lines = document["lines"].as_array().unwrap().iter();
        let lines = lines.map(|line| format!("{} {}", line["app"], line["item"].as_str().unwrap()));
        let bills = document["bills"].as_array().unwrap().iter();
        let bills = bills.map(|bill| format!("{}+{} lines", bill["lines"], bill["other_lines"]));
        lines.chain(bills).collect()
    };
    assert_eq!(lines("70"), ["70 av", "1+1 lines"]);
    assert_eq!(lines("71"), ["71 av", "0 delivery", "1+1 lines", "1+0 lines"]);
    assert!(lines("72").is_empty());
}

#[test]
fn what_cannot_be_explained_says_why() {
    let world = World::new();
    let empty = explain(&world, &["--day", DAY]);
    assert_eq!(empty.code, 2);
    world.write(
        "accounts.csv",
        "account_id,registered_at,payg\n7,2024-01-01T00:00:00+08:00,on\n8,2024-10-13T10:00:00.001+08:00,on\n",
    );
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    let not_settled = explain(&world, &["--day", "2024-10-14"]);
    let unknown = world.run(&["explain", "job.toml", "--account", "9", "--day", DAY]);
    let registered_later = world.run(&["explain", "job.toml", "--account", "8", "--day", DAY]);
    let no_account = world.run(&["explain", "job.toml", "--account", "0", "--day", DAY]);
    let no_app = explain(&world, &["--day", DAY, "--app", "all"]);
    let nowhere = explain(&world, &["--day", DAY, "--html", "no/such/directory/bill.html"]);
    assert_eq!(nowhere.code, 5);
    let job = fs::read(world.path("job.toml")).unwrap();
    let no_page = explain(&world, &["--day", DAY, "--html", "job.toml"]);
    assert_eq!((no_page.code, no_page.stdout.as_str()), (2, ""), "{}", no_page.stderr);
    assert!(no_page.stderr.contains("job.toml is there already, and is no page"));
    assert_eq!(fs::read(world.path("job.toml")).unwrap(), job);
    for _ in ["a page", "the page again"] {
        assert_eq!(explain(&world, &["--day", DAY, "--html", "bill.html"]).code, 0);
    }
    let shown = [&empty, &not_settled, &unknown, &registered_later].map(|said| {
        assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{}", said.stderr);
        said.stderr.as_str()
    });
    insta::assert_snapshot!("cannot_be_explained", shown.join("\n"));
    for said in [&no_account, &no_app] {
        assert_eq!(said.code, 2);
        assert!(said.stderr.contains("expected the number of"), "{}", said.stderr);
    }
}

#[test]
fn what_is_missing_is_named() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    let broken = |path: &str, text: Option<&str>| -> String {
        let file = world.path(&format!("out/{path}"));
        let bytes = fs::read(&file).unwrap();
        match text {
            Some(text) => fs::write(&file, text).unwrap(),
            None => fs::remove_file(&file).unwrap(),
        }
        let said = explain(&world, &["--day", DAY]);
        fs::write(&file, bytes).unwrap();
        assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{path}: {}", said.stderr);
        error(&said)
    };
    let catalogs: Vec<_> = fs::read_dir(world.path("out/_catalog")).unwrap().collect();
    let catalog = catalogs[0].as_ref().unwrap().file_name().into_string().unwrap();
    let catalog = format!("_catalog/{catalog}");
    let shown = [
        broken("bills/batch=2024-10-12.00/part-0.parquet", None),
        broken("usage_daily/batch=2024-10-12.00/part-0.parquet", Some("short")),
        broken(&catalog, None).replace(&catalog, "[catalog]"),
        broken(&catalog, Some("currency = \"EUR\"")).replace(&catalog, "[catalog]"),
        broken("_batches/2024-10-12.00.json", Some("{}")),
    ];
    insta::assert_snapshot!("missing", shown.join("\n"));
    world.write(
        "accounts.csv",
        "account_id,registered_at,payg\n8,2024-01-01T00:00:00+08:00,on\n",
    );
    world.write("opening_grants.csv", "grant_id,used\n");
    let gone = explain(&world, &["--day", DAY]);
    assert_eq!(gone.code, 3);
    assert!(
        error(&gone).contains("account 7 is in the ledger but not in the accounts dimension"),
        "{}",
        gone.stderr
    );
}

/// `explain` never reads a deduction period that it does not know as a day.
#[test]
fn an_unknown_deduction_period_of_a_record_stops_with_its_name() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    let path = "out/_batches/2024-10-12.00.json";
    let record = fs::read_to_string(world.path(path)).unwrap();
    let hourly = record.replacen("\"deduction_period\": \"day\"", "\"deduction_period\": \"hourly\"", 1);
    assert_ne!(record, hourly);
    world.write(path, &hourly);
    let said = explain(&world, &["--day", DAY]);
    assert_eq!((said.code, said.stdout.as_str()), (3, ""), "{}", said.stderr);
    let message = error(&said);
    assert!(
        message.contains(
            "_batches/2024-10-12.00.json: its deduction_period is \"hourly\", which is neither \"day\" nor \"5min\""
        ),
        "{message}"
    );
}

/// Ids come from files of others: nothing of them is markup.
#[test]
fn the_page_escapes_what_comes_from_data() {
    let world = World::new();
    world.write(
        "packages.csv",
        "package_id,account_id,apps,plan,purchased_at,gift,refunded_at\n\
         <script>alert('x')</script>&,7,70,conference.lite,2024-10-01T12:00:00+08:00,false,\n",
    );
    world.replace("job.toml", "name = \"test\"", "name = \"<b>test</b> & \\\"more\\\"\"");
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    let said = explain(&world, &["--day", DAY, "--html", "bill.html"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let page = fs::read_to_string(world.path("bill.html")).unwrap();
    assert!(
        page.contains("&lt;script&gt;alert(") && page.contains("&lt;b&gt;test&lt;&#x2f;b&gt; &amp; "),
        "{page}"
    );
    assert!(!page.contains("<script") && !page.contains("<b>test"), "{page}");
}

/// Nothing to load, nothing to run.
#[test]
fn the_page_is_self_contained() {
    let world = World::new();
    world.an_hour_of_hd(DAY);
    world.settled(DAY);
    explain(&world, &["--day", DAY, "--html", "bill.html"]);
    let page = fs::read_to_string(world.path("bill.html")).unwrap();
    for outside in [
        "http:", "https:", "src=", "href=", "url(", "@import", "<script", "<link", "file:", "DIR",
    ] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<svg").count(), page.matches("</svg>").count());
}

/// Lines of an item in a document.
fn lines_of<'a>(document: &'a Value, item: &str) -> Vec<&'a Value> {
    let lines = document["lines"].as_array().unwrap().iter();
    lines.filter(|line| line["item"] == item).collect()
}

/// A month of relay and screenshots, and its last day: the ledger keeps quantities, and the explanation says what they tell.
#[test]
fn a_months_last_day_is_explained() {
    let world = World::new();
    for input in ["relay", "screenshots", "logins"] {
        world.input(input);
    }
    world.an_hour_of_hd("2024-10-31");
    let tasks = |count: usize, destination: &str| -> String {
        let task = |task: usize| format!("7 70 {destination}-{task} 2024-10-12T12:00:00+08:00 500 {destination}\n");
        (0..count).map(task).collect()
    };
    let relay = [tasks(10, "css"), tasks(11, "third_party")].concat();
    world.rows("relay/date=2024-10-12/a.parquet", &RELAY, &relay);
    world.rows(
        "screenshots/date=2024-10-12/a.parquet",
        &SCREENSHOTS,
        "7 70 2024-10-12T12:00:00+08:00 21500",
    );
    world.settled("2024-10-31");
    let document = document(&world, &["--day", "2024-10-31"], 0);
    let told = |item: &str| -> Vec<String> {
        let lines = lines_of(&document, item).into_iter();
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        lines
            .map(|line| {
                let (how, story) = (&line["how"], &line["how"]["measured"]);
                let fields = ["from", "to", "at_least", "at_most", "free", "figure"].map(|field| text(&story[field]));
                [&[text(&line["tier"]), text(&how["kind"])], &fields[..]]
                    .concat()
                    .join(" | ")
            })
            .collect()
    };
    assert_eq!(
        told("relay"),
        [
            "css | peak | 2024-10-01 | 2024-10-31 | 0 | 100 | 100 | a peak of at most 100 Mbps; the ledger does not keep \
             how high it was",
            "third_party | peak | 2024-10-01 | 2024-10-31 | 5.5 | 5.5 | - | a peak of 5.5 Mbps; the ledger does not keep \
             when it was",
        ]
    );
    assert_eq!(
        told("screenshots"),
        [
            "image | count | 2024-10-01 | 2024-10-31 | 21001 | 22000 | 10000 | from 21,001 to 22,000 were counted; the \
             ledger keeps what is charged of them"
        ]
    );
    let shown = text(&world, "2024-10-31");
    for expected in [
        "Step 3: quantities of packages, refunds and monthly items",
        "relay.css of the account: 0 Mbps",
        "screenshots.image of the account: 12,000 images",
        "less 10,000 that are free, rounded up to 1,000",
        "12000 / 1000 x 0.03 = 0.36",
        "the ledger says the same",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    // Of peaks and counts nobody knows which apps they are from.
    let narrow = self::document(&world, &["--day", "2024-10-31", "--app", "99"], 0);
    assert_eq!(
        (lines_of(&narrow, "relay").len(), lines_of(&narrow, "av").len()),
        (2, 0)
    );
}

/// Users of an app without a package; the shipped catalog has no price for them.
#[test]
fn users_above_their_quota_are_explained() {
    let world = World::new();
    world.input("logins");
    world.an_hour_of_hd("2024-10-31");
    world.rows(
        "logins/date=2024-10-12/a.parquet",
        &LOGINS,
        "7 70 ann 2024-10-12T12:00:00+08:00\n7 70 ann 2024-10-12T13:00:00+08:00\n7 70 bob 2024-10-12T12:00:00+08:00",
    );
    world.settled("2024-10-31");
    let document = document(&world, &["--day", "2024-10-31"], 0);
    let line = lines_of(&document, "mau")[0];
    assert_eq!(
        (&line["how"]["kind"], &line["quantity"]),
        (&"unique".into(), &"2.000000".into())
    );
    assert_eq!(line["how"]["measured"]["at_least"], "2");
    assert!(line["how"]["measured"]["at_most"].is_null() && line["price_list"].is_null());
}

const PACKAGES: &str = "package_id,account_id,apps,plan,purchased_at,auto_renew,refunded_at,refunded_amount\n";

/// Account 7 buys, renews and gives back packages.
fn subscriber() -> World {
    let world = World::new();
    world.write(
        "accounts.csv",
        "account_id,registered_at,payg\n7,2024-01-01T00:00:00+08:00,\n",
    );
    world.write(
        "packages.csv",
        &format!(
            "{PACKAGES}R,7,70,rtc_engine.lite,2024-09-14T09:00:00+08:00,true,,\n\
             A,7,71,rtc_engine.standard,2024-10-12T08:00:00+08:00,,,\n\
             B,7,72,live.lite,2024-10-12T09:00:00+08:00,,2024-10-14T09:00:00+08:00,20.00\n\
             C,7,,call.one_to_one,2024-10-12T10:00:00+08:00,,,\n\
             D,7,,call.one_to_one,2024-10-12T11:00:00+08:00,,,\n"
        ),
    );
    world.write(
        "payments.csv",
        "payment_id,account_id,paid_at,amount\na,7,2024-10-12T00:00:00+08:00,5000.00\n",
    );
    world.write("opening_grants.csv", "grant_id,used\n");
    world.write(
        "refund_requests.csv",
        "package_id,requested_at\nA,2024-10-17T07:59:59+08:00\nD,2024-10-17T11:00:00+08:00\n",
    );
    world.replace(
        "job.toml",
        "opening_grants = ",
        "refund_requests = \"file:refund_requests.csv\"\nopening_grants = ",
    );
    for day in 12..=17 {
        let noon = format!("2024-10-{day}T12:00:00+08:00");
        world.usage(
            &format!("2024-10-{day}"),
            "part-0.parquet",
            &[(&noon, 7, 70, "av", 60, Some(0))],
        );
    }
    let said = world.settle(&["--from", "2024-10-12", "--to", "2024-10-17"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    world
}

/// Purchases, a renewal and its bill, money given back by the rules and outside.
#[test]
fn packages_and_refunds_are_explained() {
    let world = subscriber();
    let of = |day: &str| document(&world, &["--day", day], 0);
    let bought = of("2024-10-12");
    let packages: Vec<String> = lines_of(&bought, "package")
        .iter()
        .flat_map(|line| {
            line["how"]["purchase"]["packages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| (*line, one))
        })
        .map(|(line, one)| {
            format!(
                "{} {} {} {}",
                line["app"], line["quantity"], one["package"], one["renewed"]
            )
        })
        .collect();
    assert_eq!(
        packages,
        [
            r#"71 "1.000000" "A" false"#,
            r#"72 "1.000000" "B" false"#,
            r#"0 "2.000000" "C" false"#,
            r#"0 "2.000000" "D" false"#,
        ]
    );
    let renewing = of("2024-10-13");
    assert_eq!(renewing["renewals"][0]["package"], "R+1");
    assert_eq!(renewing["renewals"][0]["purchased_at"]["local"], "2024-10-14 00:00");
    let renewed = of("2024-10-14");
    let line = lines_of(&renewed, "package")[0];
    let purchase = &line["how"]["purchase"]["packages"][0];
    assert_eq!(
        (&purchase["package"], &purchase["renewed"]),
        (&"R+1".into(), &true.into())
    );
    let grants = renewed["grants"].as_array().unwrap();
    let grant = grants.iter().find(|grant| grant["grant"] == "R+1").unwrap();
    assert_eq!(
        (&grant["plan"], &grant["apps"][0]),
        (&"rtc_engine.lite".into(), &70.into())
    );
    let outside = &lines_of(&renewed, "refund")[0]["how"]["refund"];
    assert_eq!((&outside["way"], &outside["package"]), (&"outside".into(), &"B".into()));
    assert_eq!(outside["formula"], "20.00, the refunded_amount of the package");
    // `[R]` Refund Example: 499 x (31-5) / 31 = 418.51, and another one is refused on the same day.
    let returned = of("2024-10-16");
    let line = lines_of(&returned, "refund")[0];
    let refund = &line["how"]["refund"];
    assert_eq!(refund["formula"], "499.00 x (31 - 5) / 31 = 418.51, rounded down");
    assert_eq!((&refund["way"], &refund["days_held"]), (&"prorated".into(), &5.into()));
    assert_eq!(line["formula"], "-1 x 418.51 = -418.51");
    let full = of("2024-10-17");
    // Bought five days before, to the second.
    let line = lines_of(&full, "refund")[0];
    assert_eq!(
        (&line["how"]["refund"]["way"], &line["tier"]),
        (&"full".into(), &"D".into())
    );
    assert_eq!(full["refunds"][0]["approved"], true);
    insta::assert_snapshot!("bought", text(&world, "2024-10-12"));
    insta::assert_snapshot!("returned", text(&world, "2024-10-16"));
    let said = explain(&world, &["--day", "2024-10-16", "--html", "bill.html"]);
    assert_eq!(said.code, 0, "{}", said.stderr);
    let page = fs::read_to_string(world.path("bill.html")).unwrap();
    assert!(
        page.contains("499.00 × (31 - 5) &#x2f; 31 = 418.51, rounded down"),
        "{page}"
    );
    assert!(!page.contains("no price"), "{page}");
}

/// Overdue on the first night, suspended by the second: dates, changes and flags.
#[test]
fn the_state_of_the_account_is_explained() {
    let world = World::new();
    for day in [DAY, "2024-10-13"] {
        world.an_hour_of_hd(day);
        world.settled(day);
    }
    let overdue = document(&world, &["--day", DAY], 0);
    assert_eq!(overdue["standing"]["state"], "overdue");
    assert_eq!(overdue["standing"]["suspend_at"]["local"], "2024-10-14 10:00");
    assert_eq!(overdue["flags"][0]["actions"][0], "keep_running");
    let suspended = text(&world, "2024-10-13");
    let (_, state) = suspended.split_once("\nState\n").unwrap();
    insta::assert_snapshot!("suspended", state);
    world.replace("accounts.csv", "registered_at,payg", "registered_at,violation_at,payg");
    world.replace("accounts.csv", "+08:00,on", "+08:00,2024-10-14T12:00:00+08:00,on");
    world.an_hour_of_hd("2024-10-14");
    world.settled("2024-10-14");
    let violation = document(&world, &["--day", "2024-10-14"], 0);
    assert_eq!(violation["standing"]["state"], "violation");
    assert_eq!(violation["standing"]["violation_since"]["local"], "2024-10-14 12:00");
    explain(&world, &["--day", "2024-10-14", "--html", "bill.html"]);
    let page = fs::read_to_string(world.path("bill.html")).unwrap();
    assert!(
        page.contains("State of the account: violation") && page.contains("2024-10-14 12:00"),
        "{page}"
    );
}
