//! `explain` on the sample data that ships with nightbill.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::*;

const JOB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/jobs/nightly.toml");

/// The sample's four days, settled once for all tests.
fn ledger(deduction_period: &str) -> PathBuf {
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("explain-{deduction_period}"));
    if output.exists() {
        fs::remove_dir_all(&output).expect("removes");
    }
    run(
        &format!(
            "settle {JOB} --quiet --from 2024-10-11 --to 2024-10-14 --set output=file://{} --set deduction_period={deduction_period}",
            output.display()
        ),
        0,
    );
    output
}

pub(super) fn by_day() -> &'static Path {
    static LEDGER: OnceLock<PathBuf> = OnceLock::new();
    LEDGER.get_or_init(|| ledger("day"))
}

fn by_period() -> &'static Path {
    static LEDGER: OnceLock<PathBuf> = OnceLock::new();
    LEDGER.get_or_init(|| ledger("5min"))
}

fn explain(output: &Path, arguments: &str) -> String {
    stdout(&format!(
        "explain {JOB} --set output=file://{} {arguments}",
        output.display()
    ))
}

/// Digests of catalogs change with the catalogs, and say nothing here.
fn snapshot(name: &str, shown: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter("[Cc]atalog [0-9a-f]{12}", "catalog [digest]");
    settings.add_filter("\"catalog\": \"[0-9a-f]{64}\"", "\"catalog\": \"[digest]\"");
    settings.add_filter(env!("CARGO_TARGET_TMPDIR"), "[tmp]");
    settings.bind(|| insta::assert_snapshot!(name, shown));
}

/// `[T]` Examples of Billing, 1: six users, 4.14 USD.
#[test]
fn the_first_example_of_the_guide() {
    snapshot(
        "explain_first_example",
        &explain(by_day(), "--account 1001 --day 2024-10-11"),
    );
}

#[test]
fn a_queue_of_packages() {
    snapshot("explain_queue", &explain(by_day(), "--account 1015 --day 2024-10-12"));
}

/// The FAQ's table.
#[test]
fn five_minute_periods() {
    snapshot(
        "explain_periods",
        &explain(by_period(), "--account 1010 --day 2024-10-11"),
    );
}

/// Several apps, several items, what free minutes cover and leave.
#[test]
fn a_busy_account() {
    snapshot("explain_busy", &explain(by_day(), "--account 10022 --day 2024-10-14"));
}

/// Accounts with and without usage, bills, packages and five-minute periods.
#[test]
fn documents_are_as_documented() {
    for output in [by_day(), by_period()] {
        for account in [1001, 1004, 1010, 1012, 1013, 1015, 10033] {
            for day in [11, 13] {
                let json = explain(
                    output,
                    &format!("--account {account} --day 2024-10-{day} --output json"),
                );
                json_doc::check("explain", &json);
            }
        }
    }
}

#[test]
fn the_document() {
    snapshot(
        "explain_document",
        &explain(by_day(), "--account 1015 --day 2024-10-12 --output json"),
    );
}

/// The whole page: what a customer would see of it is in docs/explain.md.
#[test]
fn the_page() {
    let directory = tempfile::TempDir::new().expect("a temporary directory");
    let file = directory.path().join("bill.html");
    let said = explain(
        by_day(),
        &format!("--account 1015 --day 2024-10-13 --html {}", file.display()),
    );
    assert!(said.ends_with(&format!("\npage  {}\n", file.display())), "{said}");
    let page = fs::read_to_string(&file).expect("the page");
    // The style is the template's own.
    let (_, body) = page.split_once("<body>").expect("a body");
    snapshot("explain_page", body);
}

#[test]
fn colours_where_they_are_wanted() {
    let shown = explain(by_day(), "--account 1001 --day 2024-10-11 --color always");
    assert!(shown.contains("\u{1b}[1m") && shown.contains("\u{1b}[32m") || shown.contains("\u{1b}[1m\u{1b}[32m"));
    let plain = explain(by_day(), "--account 1001 --day 2024-10-11");
    assert!(!plain.contains('\u{1b}') && plain.is_ascii());
}
