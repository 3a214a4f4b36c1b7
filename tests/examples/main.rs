//! The purchase guide's worked examples end to end: `sample_data/` settled by the real binary, each example under its own name.
//!
//! `tests/examples/expected.csv` says what every one of them comes to; the tests below it look at the lines as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use nightbill::job::{Job, Override};
use nightbill::report::explain::{DurationStory, Explanation, LineStory, Question, StepOutcome, explain};
use nightbill::store::Store;
use nightbill::units::quantity::{AccountId, BillingDay};
use rust_decimal::Decimal;

#[path = "../support/parquet_rows.rs"]
mod parquet_rows;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const EXPECTED: &str = include_str!("expected.csv");
const PARTS: [&str; 4] = ["free_minutes", "package_minutes", "payg_minutes", "unbilled_minutes"];

type Row = BTreeMap<String, String>;

/// The settled sample.
struct Ledger {
    output: PathBuf,
    bills: Vec<Row>,
    lines: Vec<Row>,
}

impl Ledger {
    /// Settles the four days of `sample_data/`.
    fn settled(deduction_period: &str) -> Self {
        // Below target/tmp, emptied here: nobody drops what a static holds.
        let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("examples-{deduction_period}"));
        if output.exists() {
            std::fs::remove_dir_all(&output).unwrap();
        }
        let job = Path::new(ROOT).join("jobs/nightly.toml");
        Command::cargo_bin("nightbill")
            .unwrap()
            .args(["settle", &job.display().to_string(), "--quiet"])
            .args(["--from", "2024-10-11", "--to", "2024-10-14"])
            .args(["--set", &format!("output=\"file://{}\"", output.display())])
            .args(["--set", &format!("deduction_period=\"{deduction_period}\"")])
            .assert()
            .success();
        Self {
            bills: parquet_rows::rows(&output.join("bills")),
            lines: parquet_rows::rows(&output.join("bill_lines")),
            output,
        }
    }

    /// The lines of an account's item on a day of October 2024: app, tier, parts in minutes, amount.
    fn lines(&self, account: u32, day: u32, item: &str) -> Vec<String> {
        let parts = |row: &Row| -> Vec<String> {
            PARTS
                .iter()
                .filter(|part| row[**part] != "0")
                .map(|part| format!("{} {}", part.trim_end_matches("_minutes"), row[*part]))
                .collect()
        };
        self.of(&self.lines, "day", account, day, item)
            .map(|row| {
                let app = row["sdk_app_id"].as_str();
                let tier = &row["tier"];
                format!("{app} {tier} {} = {}", parts(row).join(" "), number(&row["amount"]))
            })
            .collect()
    }

    /// The bill of an account's item on a day of October 2024: exact and rounded.
    fn bill(&self, account: u32, day: u32, item: &str) -> (Decimal, String) {
        let bills: Vec<&Row> = self.of(&self.bills, "period_start", account, day, item).collect();
        let [bill] = bills.as_slice() else {
            panic!("{account} has {} bills of {item} on the {day}th", bills.len());
        };
        (number(&bill["exact"]), bill["amount"].clone())
    }

    fn of<'a>(
        &self,
        rows: &'a [Row],
        day_column: &'a str,
        account: u32,
        day: u32,
        item: &'a str,
    ) -> impl Iterator<Item = &'a Row> + use<'a> {
        rows.iter().filter(move |row| {
            row["account_id"] == account.to_string()
                && row["item"] == item
                && row[day_column] == format!("2024-10-{day}")
        })
    }

    /// The chosen columns of an account's rows in any table, by batch.
    fn table(&self, table: &str, account: u32, columns: &[&str]) -> Vec<String> {
        parquet_rows::rows(&self.output.join(table))
            .iter()
            .filter(|row| row["account_id"] == account.to_string())
            .map(|row| {
                columns
                    .iter()
                    .map(|column| row[*column].as_str())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect()
    }
}

fn number(text: &str) -> Decimal {
    text.parse::<Decimal>().unwrap().normalize()
}

fn exactly(exact: &str, amount: &str) -> (Decimal, String) {
    (number(exact), amount.to_owned())
}

/// Settled with `deduction_period = "day"`, once for all tests.
fn by_day() -> &'static Ledger {
    static LEDGER: OnceLock<Ledger> = OnceLock::new();
    LEDGER.get_or_init(|| Ledger::settled("day"))
}

/// Settled with `deduction_period = "5min"`, once for all tests.
fn by_period() -> &'static Ledger {
    static LEDGER: OnceLock<Ledger> = OnceLock::new();
    LEDGER.get_or_init(|| Ledger::settled("5min"))
}

/// Every row of expected.csv that the ledger does not show.
fn wrong(ledger: &Ledger) -> Vec<String> {
    let mut lines = EXPECTED.lines();
    assert_eq!(
        lines.next(),
        Some("example,account_id,day,item,exact,amount,free_minutes,package_minutes,payg_minutes,unbilled_minutes")
    );
    let mut wrong = Vec::new();
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        let [_, account, day, item, exact, amount, minutes @ ..] = fields.as_slice() else {
            panic!("{line}");
        };
        let (account, day) = (account.parse().unwrap(), day["2024-10-".len()..].parse().unwrap());
        let got: Vec<String> = PARTS
            .iter()
            .map(|part| {
                let of_item = ledger.of(&ledger.lines, "day", account, day, item);
                of_item
                    .map(|row| row[*part].parse::<i64>().unwrap())
                    .sum::<i64>()
                    .to_string()
            })
            .collect();
        let bill = ledger.bill(account, day, item);
        if bill != exactly(exact, amount) || got != minutes {
            wrong.push(format!("{line}: {bill:?} {got:?}"));
        }
    }
    wrong
}

/// How an account's day of October 2024 came about; must agree with the ledger.
fn explained(ledger: &Ledger, account: i64, day: u32) -> Explanation {
    let output = Override {
        key: "output".to_owned(),
        value: format!("\"file://{}\"", ledger.output.display()),
    };
    let job = Job::load(&Path::new(ROOT).join("jobs/nightly.toml"), &[output]).unwrap();
    let posted = nightbill::ledger::batch::Ledger::open(Store::open(&job.output).unwrap()).unwrap();
    let question = Question {
        account: AccountId::new(account).unwrap(),
        app: None,
        day: BillingDay::from_date(format!("2024-10-{day}").parse().unwrap()),
    };
    let explanation = explain(&job, &posted, question).unwrap();
    assert_eq!(explanation.differences, [], "{account} on the {day}th");
    explanation
}

/// Every example explained: its bill, the sum of its lines' formulas, and what covered its minutes.
#[test]
fn every_expected_row_is_explained() {
    for ledger in [by_day(), by_period()] {
        for line in EXPECTED.lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let [_, account, day, item, exact, amount, minutes @ ..] = fields.as_slice() else {
                panic!("{line}");
            };
            let day = day["2024-10-".len()..].parse().unwrap();
            let told = explained(ledger, account.parse().unwrap(), day);
            let bill = told.bills.iter().find(|bill| bill.item == *item).unwrap();
            assert_eq!(
                (number(&bill.exact.to_string()), bill.amount.to_string()),
                exactly(exact, amount),
                "{line}"
            );
            let lines: Vec<&LineStory> = told.lines.iter().filter(|line| line.item == *item).collect();
            let result = |line: &&LineStory| number(line.formula.split(" = ").last().unwrap());
            assert_eq!(lines.iter().map(result).sum::<Decimal>(), number(exact), "{line}");
            // Purchases have none.
            let durations: Vec<&DurationStory> = lines.iter().filter_map(|line| line.how.duration()).collect();
            let parts = [
                durations.iter().map(|story| story.free_minutes.get()).sum::<i64>(),
                durations.iter().map(|story| story.package_minutes.get()).sum(),
                durations.iter().map(|story| story.payg_minutes.get()).sum(),
                durations.iter().map(|story| story.unbilled_minutes.get()).sum(),
            ];
            assert_eq!(parts.map(|part| part.to_string()), minutes, "{line}");
            for story in durations {
                adds_up(story, line);
            }
        }
    }
}

/// What served the line and what is left are its minutes; every period's minutes are too.
fn adds_up(story: &DurationStory, line: &str) {
    let served = story.steps.iter().map(|step| match &step.outcome {
        StepOutcome::Served(service) => service.minutes.get(),
        StepOutcome::PassedOver(_) => 0,
    });
    let rest = story.rest.as_ref().map_or(0, |rest| rest.minutes.get());
    assert_eq!(served.sum::<i64>() + rest, story.minutes.get(), "{line}");
    let periods: i64 = story.periods.iter().map(|period| period.minutes.get()).sum();
    assert!(story.periods.is_empty() || periods == story.minutes.get(), "{line}");
    let parts: i64 = story.parts.iter().map(|part| part.seconds.get()).sum();
    assert_eq!(parts, story.seconds.get(), "{line}");
}

/// Every account of the sample on every day, in both deduction periods: the ledger and the rules agree, and what was drawn on a
/// grant is the difference of its balances.
#[test]
fn every_account_of_the_sample_is_explained() {
    for ledger in [by_day(), by_period()] {
        for row in parquet_rows::rows(&ledger.output.join("accounts")) {
            let day = row["day"]["2024-10-".len()..].parse().unwrap();
            let told = explained(ledger, row["account_id"].parse().unwrap(), day);
            assert_eq!(told.charged.to_string(), row["charged"]);
            for grant in &told.grants {
                let drawn = grant.draws.iter().map(|draw| draw.quota.units()).sum::<i64>();
                assert_eq!(drawn, grant.used.units(), "{}", grant.grant);
                if let (Some(before), Some(after)) = (grant.before, grant.after) {
                    assert_eq!(before.units() - drawn, after.units(), "{}", grant.grant);
                }
                let mut balance = grant.before;
                for draw in &grant.draws {
                    assert_eq!(Some(draw.before), balance, "{}", grant.grant);
                    balance = Some(draw.after);
                }
                assert_eq!(balance, grant.after, "{}", grant.grant);
            }
        }
    }
}

#[test]
fn every_expected_row_by_day() {
    assert_eq!(wrong(by_day()), Vec::<String>::new());
}

/// Where nothing runs out in the middle of a day, periods change nothing; where something does, no example depends on it.
#[test]
fn every_expected_row_in_five_minute_periods() {
    assert_eq!(wrong(by_period()), Vec::<String>::new());
}

/// `[T]` Billing of Audio and Video Duration, Example 1: six users for an hour.
#[test]
fn example_1_is_4_14() {
    let ledger = by_day();
    assert_eq!(
        ledger.lines(1001, 11, "av"),
        [
            "1300000011 2k payg 240 = 3.8376",
            "1300000011 audio payg 60 = 0.0594",
            "1300000011 hd payg 60 = 0.2394"
        ]
    );
    assert_eq!(ledger.bill(1001, 11, "av"), exactly("4.1364", "4.14"));
}

/// `[T]` Billing of Audio and Video Duration, Example 2.
#[test]
fn example_2_is_1_26() {
    let ledger = by_day();
    assert_eq!(
        ledger.lines(1002, 11, "av"),
        ["1300000021 audio payg 60 = 0.0594", "1300000021 hd payg 300 = 1.197"]
    );
    assert_eq!(ledger.bill(1002, 11, "av"), exactly("1.2564", "1.26"));
}

/// `[T]` On-Cloud Recording, Billing Examples 2. The guide adds up seconds of four days to 250 minutes of audio; by day
/// they are 84 + 167, and the four bills come to 1.62 either way.
#[test]
fn the_four_recordings_are_1_62() {
    let ledger = by_day();
    let lines: Vec<String> = (11..=14).flat_map(|day| ledger.lines(1003, day, "recording")).collect();
    assert_eq!(
        lines,
        [
            "1300000031 audio payg 84 = 0.12516",
            "1300000031 audio payg 167 = 0.24883",
            "1300000031 hd payg 59 = 0.35341",
            "1300000031 2k_plus payg 9 = 0.48591",
            "1300000031 fhd payg 30 = 0.4047"
        ]
    );
    let bills: Vec<Decimal> = (11..=14)
        .map(|day| number(&ledger.bill(1003, day, "recording").1))
        .collect();
    assert_eq!(bills.iter().sum::<Decimal>(), number("1.62"));
}

/// `[T]` Recording Delivery, Billing Example 1; per account, so on a line of app 0.
#[test]
fn delivery_of_audio_to_a_third_party_is_0_0013() {
    let ledger = by_day();
    assert_eq!(
        ledger.lines(1004, 11, "delivery"),
        ["0 third_party_audio payg 10 = 0.0013"]
    );
    assert_eq!(ledger.bill(1004, 11, "delivery"), exactly("0.0013", "0.00"));
}

/// `[T]` Recording Delivery, Billing Example 2.
#[test]
fn delivery_of_fhd_to_tencent_cloud_is_0_0029() {
    let ledger = by_day();
    assert_eq!(ledger.lines(1005, 11, "delivery"), ["0 tencent_fhd payg 10 = 0.0029"]);
    assert_eq!(ledger.bill(1005, 11, "delivery"), exactly("0.0029", "0.00"));
}

/// `[T]` MixTranscoding, audio live streaming.
#[test]
fn mixing_of_audio_is_0_0597() {
    let ledger = by_day();
    assert_eq!(ledger.lines(1006, 11, "mix"), ["1300000061 audio payg 30 = 0.0597"]);
    assert_eq!(ledger.bill(1006, 11, "mix"), exactly("0.0597", "0.06"));
}

/// `[T]` MixTranscoding, video live streaming.
#[test]
fn mixing_of_video_is_0_5198() {
    let ledger = by_day();
    assert_eq!(ledger.lines(1007, 11, "mix"), ["1300000071 h264_2k payg 20 = 0.5198"]);
    assert_eq!(ledger.bill(1007, 11, "mix"), exactly("0.5198", "0.52"));
}

/// `[T]` Free Minutes: registered on November 15, so each cycle is from a 15th to the 14th after it.
#[test]
fn the_free_cycle_of_nov_15_ends_on_the_14th() {
    let ledger = by_day();
    assert_eq!(
        ledger.table(
            "grants",
            1008,
            &["grant_id", "valid_from", "valid_to", "opening", "used", "status"]
        ),
        [
            "free:1008:2024-09-15 2024-09-15 2024-10-14 9900.00 9990.00 active",
            "free:1008:2024-09-15 2024-09-15 2024-10-14 9900.00 9990.00 active",
            "free:1008:2024-09-15 2024-09-15 2024-10-14 9900.00 9990.00 active",
            "free:1008:2024-09-15 2024-09-15 2024-10-14 9900.00 10000.00 expired",
        ]
    );
    assert_eq!(
        ledger.lines(1008, 14, "av"),
        ["1300000081 audio free 10 payg 20 = 0.0198"]
    );
}

/// A cycle that begins on the 13th: nothing is left on the 12th, everything is there on the 13th.
#[test]
fn a_new_free_cycle_is_whole() {
    let ledger = by_day();
    assert_eq!(ledger.lines(1009, 12, "av"), ["1300000091 audio payg 20 = 0.0198"]);
    assert_eq!(ledger.lines(1009, 13, "av"), ["1300000091 audio free 20 = 0"]);
}

/// `[T]` FAQ: 30, 20 and 40 seconds in the first three periods are 90 seconds of the day, hence 2 minutes and not 3.
#[test]
fn faq_30_50_90_seconds_are_2_minutes() {
    let ledger = by_period();
    assert_eq!(
        ledger.table("usage_periods", 1010, &["period", "seconds"]),
        ["0 30", "1 20", "2 40"]
    );
    assert_eq!(ledger.table("bill_lines", 1010, &["seconds", "minutes"]), ["90 2"]);
    assert_eq!(
        ledger.table("deductions", 1010, &["grant_id", "minutes", "ratio", "quota"]),
        ["free:1010:2024-09-15 2 1.00 2.00"]
    );
}

/// `[T]` deduction guide: a package bought at 15:00 deducts the morning's usage too, and what it does not cover is paid.
#[test]
fn a_package_serves_its_whole_purchase_day() {
    let ledger = by_day();
    assert_eq!(ledger.lines(1011, 11, "av"), ["1300000111 hd package 60 = 0"]);
    assert_eq!(ledger.lines(1011, 12, "recording"), ["1300000111 hd payg 10 = 0.0599"]);
    assert_eq!(
        ledger.table("grants", 1011, &["grant_id", "valid_from", "valid_to", "balance"])[1],
        "pkg-1011-1 2024-10-11 2024-11-10 499760.00"
    );
}

/// `[T]` RTC-Engine promotion, from 2024-10-12: the package of app 1 serves app 2, to which it is still not bound.
#[test]
fn the_promotion_begins_on_october_12() {
    let ledger = by_day();
    assert_eq!(ledger.lines(1012, 11, "av"), ["1300000122 audio unbilled 30 = 0"]);
    assert_eq!(ledger.lines(1012, 12, "av"), ["1300000122 audio package 30 = 0"]);
}

/// `[T]` service suspension upon exhaustion: what free minutes leave is not billed with `payg = off`.
#[test]
fn without_pay_as_you_go_the_rest_is_unbilled() {
    let ledger = by_day();
    assert_eq!(
        ledger.lines(1013, 11, "av"),
        ["1300000131 audio free 30 unbilled 30 = 0"]
    );
}

/// 10 quota minutes cover 2 of 3 HD minutes (ratio 4); the rest of 2 is too little for HD and covers 2 of audio.
#[test]
fn whole_minutes_leave_a_rest_for_cheaper_tiers() {
    let ledger = by_day();
    assert_eq!(
        ledger.lines(1014, 11, "av"),
        [
            "1300000141 hd free 2 unbilled 1 = 0",
            "1300000142 audio free 2 unbilled 3 = 0"
        ]
    );
}

/// `[T]` packages of one plan family queue up: the second starts on the day after the first ends.
#[test]
fn the_queue_moves_on_the_day_after() {
    let ledger = by_day();
    let package: Vec<String> = ledger
        .table("grants", 1015, &["grant_id", "valid_from", "valid_to", "status"])
        .into_iter()
        .filter(|grant| grant.starts_with("pkg"))
        .collect();
    assert_eq!(
        package,
        [
            "pkg-1015-1 2024-09-13 2024-10-12 active",
            "pkg-1015-2 2024-10-13 2024-11-12 queued",
            "pkg-1015-1 2024-09-13 2024-10-12 expired",
            "pkg-1015-2 2024-10-13 2024-11-12 queued",
            "pkg-1015-2 2024-10-13 2024-11-12 active",
            "pkg-1015-2 2024-10-13 2024-11-12 active",
        ]
    );
    assert_eq!(
        ledger.lines(1015, 12, "av"),
        ["1300000151 audio package 10 payg 20 = 0.0198"]
    );
    assert_eq!(ledger.lines(1015, 13, "av"), ["1300000151 audio package 30 = 0"]);
}
