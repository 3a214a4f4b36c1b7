//! One case for every rule that a file or an account can break: the table, and exactly what is said.

use super::{Dimensions, check, load, load_csv, message};

#[test]
fn files() {
    check(&[
        (
            "accounts",
            "",
            "accounts.csv: is empty; an empty table still has a header",
        ),
        (
            "accounts",
            "account_id,registered_at\n1\n",
            "accounts.csv, row 2: has 1 fields, the header has 2; put fields with commas in quotes",
        ),
        (
            "accounts",
            "account_id,registerd_at\n",
            "accounts.csv, column registered_at: is missing; the columns are account_id, registerd_at; did you mean `registerd_at`?",
        ),
        (
            "accounts",
            "Account,registered_at\n",
            "accounts.csv, column account_id: is missing; the columns are Account, registered_at",
        ),
        (
            "accounts",
            "account_id,registered_at,account_id\n",
            "accounts.csv, column account_id: is there twice; remove one",
        ),
    ]);
    let bytes = |bytes: &'static [u8]| load(&[("accounts", "a.csv", bytes::Bytes::from_static(bytes))]);
    assert_eq!(
        message(bytes(
            b"account_id,registered_at,name\n1,2024-01-01 00:00:00,ok\n2,2024-01-01 00:00:00,\xff\n"
        )),
        "a.csv, row 3: is not UTF-8; write the file in UTF-8"
    );
    let named = |name: &'static str| load(&[("accounts", name, bytes::Bytes::from_static(b"x"))]);
    assert_eq!(
        message(named("accounts.csv.gz")),
        "accounts.csv.gz: is neither .csv nor .parquet; convert it, or let its name begin with `_` or `.` to have it ignored"
    );
    assert_eq!(
        message(named("accounts.parquet")),
        "accounts.parquet: cannot be read as Parquet (parquet: File out of specification: A Parquet file must contain \
         a header and footer with at least 12 bytes); write it again"
    );
}

#[test]
fn accounts() {
    let account = |rest: &str, header: &str| format!("account_id,registered_at{header}\n1,2024-01-01 00:00:00{rest}\n");
    let column = |name: &str, value: &str| account(&format!(",{value}"), &format!(",{name}"));
    check(&[
        (
            "accounts",
            "account_id,registered_at\n,2024-01-01 00:00:00\n",
            "accounts.csv, row 2, column account_id: is empty; it has to name a positive integer",
        ),
        (
            "accounts",
            "account_id,registered_at\n0,2024-01-01 00:00:00\n",
            "accounts.csv, row 2, column account_id: \"0\" is no positive integer of 64 bits",
        ),
        (
            "accounts",
            "account_id,registered_at\n-5,2024-01-01 00:00:00\n",
            "accounts.csv, row 2, column account_id: \"-5\" is no positive integer of 64 bits",
        ),
        (
            "accounts",
            "account_id,registered_at\n9223372036854775808,2024-01-01 00:00:00\n",
            "accounts.csv, row 2, column account_id: \"9223372036854775808\" is no positive integer of 64 bits",
        ),
        (
            "accounts",
            "account_id,registered_at\n+5,2024-01-01 00:00:00\n",
            "accounts.csv, row 2, column account_id: \"+5\" is no positive integer of 64 bits",
        ),
        (
            "accounts",
            "account_id,registered_at\n1,\n",
            "accounts.csv, row 2, column registered_at: is empty; it has no default",
        ),
        (
            "accounts",
            "account_id,registered_at\n1,2024-13-01 00:00:00\n",
            "accounts.csv, row 2, column registered_at: \"2024-13-01 00:00:00\" is no timestamp; write it like 2024-10-12T08:00:00+08:00, or 2024-10-12 00:00:00 in UTC",
        ),
        (
            "accounts",
            "account_id,registered_at\n1,2024-01-01\n",
            "accounts.csv, row 2, column registered_at: \"2024-01-01\" is no timestamp; write it like 2024-10-12T08:00:00+08:00, or 2024-10-12 00:00:00 in UTC",
        ),
        (
            "accounts",
            "account_id,registered_at\n1,2024-01-01T00:00:00.1234567Z\n",
            "accounts.csv, row 2, column registered_at: \"2024-01-01T00:00:00.1234567Z\" has more than 6 digits after the second; round it to microseconds",
        ),
        (
            "accounts",
            "account_id,registered_at\n1,1969-12-31T23:59:59+08:00\n",
            "accounts.csv, row 2, column registered_at: 1969-12-31T15:59:59Z is outside the years 1970 to 2999",
        ),
        (
            "accounts",
            "account_id,registered_at\n1,3000-01-01 00:00:00\n",
            "accounts.csv, row 2, column registered_at: 3000-01-01T00:00:00Z is outside the years 1970 to 2999",
        ),
        (
            "accounts",
            "account_id,registered_at\n7,2024-01-01 00:00:00\n8,2024-01-01 00:00:00\n7,2024-01-01 00:00:00\n",
            "accounts.csv, row 4, column account_id: 7 is in accounts.csv, row 2 already; remove one of the two rows",
        ),
        (
            "accounts",
            &column("free_anchor", "12.10.2024"),
            "accounts.csv, row 2, column free_anchor: \"12.10.2024\" is no date; write it like 2024-10-12",
        ),
        (
            "accounts",
            &column("free_anchor", "3000-01-01"),
            "accounts.csv, row 2, column free_anchor: 3000-01-01 is outside the years 1970 to 2999",
        ),
        (
            "accounts",
            &column("price_list", "acmee"),
            "accounts.csv, row 2, column price_list: the catalog has no price list \"acmee\"; did you mean `acme`?",
        ),
        (
            "accounts",
            &column("price_list", "gold"),
            "accounts.csv, row 2, column price_list: the catalog has no price list \"gold\"",
        ),
        (
            "accounts",
            &column("payg", "yes"),
            "accounts.csv, row 2, column payg: \"yes\" is none of auto, on, off",
        ),
        (
            "accounts",
            &column("credit_limit", "-1"),
            "accounts.csv, row 2, column credit_limit: \"-1\" is negative; write 0 or more",
        ),
        (
            "accounts",
            &column("credit_limit", "1.005"),
            "accounts.csv, row 2, column credit_limit: \"1.005\": more than 2 decimals; write it like 12.34",
        ),
        (
            "accounts",
            &column("credit_limit", "\"1,000\""),
            "accounts.csv, row 2, column credit_limit: \"1,000\": not a decimal number; write it like 12.34",
        ),
        (
            "accounts",
            &column("credit_limit", "10000000000000.01"),
            "accounts.csv, row 2, column credit_limit: \"10000000000000.01\" is too large; at most 10000000000000.00 is accepted",
        ),
        (
            "accounts",
            &column("products", "trtc;lcik"),
            "accounts.csv, row 2, column products: the catalog has no product \"lcik\"; did you mean `lcic`?",
        ),
        (
            "accounts",
            &column("violation_at", "never"),
            "accounts.csv, row 2, column violation_at: \"never\" is no timestamp; write it like 2024-10-12T08:00:00+08:00, or 2024-10-12 00:00:00 in UTC",
        ),
    ]);
}

#[test]
fn an_absent_default_is_an_error_too() {
    let mut book = super::book();
    book.products.remove(0);
    let files = vec![(
        "accounts",
        "accounts.csv".to_owned(),
        bytes::Bytes::from_static(super::ACCOUNTS.as_bytes()),
    )];
    assert_eq!(
        message(Dimensions::from_files(files, &book, &super::calendar())),
        "accounts.csv, row 2, column products: the catalog has no product \"trtc\"\n\
         accounts.csv, row 3, column products: the catalog has no product \"trtc\""
    );
}

#[test]
fn many_broken_rows_are_cut_short() {
    let rows = "x,2024-01-01 00:00:00\n".repeat(1000);
    let error = message(load_csv(&[("accounts", &format!("account_id,registered_at\n{rows}"))]));
    assert_eq!(error.lines().count(), 20);
    assert!(
        error.ends_with("row 21, column account_id: \"x\" is no positive integer of 64 bits"),
        "{error}"
    );
}

#[test]
fn duplicates_are_found_over_all_files() {
    let first = "payment_id,account_id,paid_at,amount\na,1,2024-10-12 00:00:00,1\nb,1,2024-10-12 00:00:00,1\n";
    let second = "payment_id,account_id,paid_at,amount\nc,1,2024-10-12 00:00:00,1\nb,1,2024-10-12 00:00:00,1\n";
    let files = [
        ("accounts", "accounts.csv", super::ACCOUNTS),
        ("payments", "x/1.csv", first),
        ("payments", "x/2.csv", second),
    ];
    let files: Vec<_> = files
        .map(|(dimension, name, csv)| (dimension, name, bytes::Bytes::from(csv)))
        .into();
    assert_eq!(
        message(load(&files)),
        "x/2.csv, row 3, column payment_id: \"b\" is in x/1.csv, row 3 already; remove one of the two rows"
    );
}
