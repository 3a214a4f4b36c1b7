//! One case for every rule that a row can break: the table, and exactly what is said.

use super::{DimensionError, Dimensions, load, load_csv};

fn message(result: Result<Dimensions, DimensionError>) -> String {
    match result {
        Ok(_) => "no error".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Each case: a dimension, its CSV, and the message.
fn check(cases: &[(&'static str, &str, &str)]) {
    for (dimension, csv, expected) in cases {
        assert_eq!(&message(load_csv(&[(dimension, csv)])), expected, "{dimension}:\n{csv}");
    }
}

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
            "accounts.csv, row 2, column registered_at: \"2024-01-01T00:00:00.1234567Z\" has more than 6 digits after the second",
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

/// A package of account 1 with one more column.
fn package(column: &str, value: &str) -> String {
    format!("package_id,account_id,plan,purchased_at,{column}\np1,1,rtc_engine.lite,2024-10-12 00:00:00,{value}\n")
}

fn package_id(id: &str) -> String {
    format!("package_id,account_id,plan,purchased_at\n{id},1,rtc_engine.lite,2024-10-12 00:00:00\n")
}

#[test]
fn packages() {
    let header = "package_id,account_id,plan,purchased_at";
    let rest = "rtc_engine.lite,2024-10-12 00:00:00";
    let long = "x".repeat(201);
    check(&[
        (
            "packages",
            &package_id(""),
            "packages.csv, row 2, column package_id: is empty; it has no default",
        ),
        (
            "packages",
            &package_id("free:1"),
            "packages.csv, row 2, column package_id: \"free:1\" begins with `free:`, as free cycles do; use another id",
        ),
        (
            "packages",
            &package_id("a;b"),
            "packages.csv, row 2, column package_id: \"a;b\" contains `;`; use another id",
        ),
        (
            "packages",
            &package_id("\"a\nb\""),
            "packages.csv, row 2, column package_id: \"a\\nb\" contains a control character; use another id",
        ),
        (
            "packages",
            &package_id(&long),
            &format!(
                "packages.csv, row 2, column package_id: \"{}\"… is longer than 200 bytes; use another id",
                "x".repeat(60)
            ),
        ),
        (
            "packages",
            &format!("{header}\np1,3,{rest}\n"),
            "packages.csv, row 2, column account_id: account 3 is not in accounts; add it there, or remove the row",
        ),
        (
            "packages",
            &format!("{header}\np1,1,,2024-10-12 00:00:00\n"),
            "packages.csv, row 2, column plan: is empty; it has no default",
        ),
        (
            "packages",
            &format!("{header}\np1,1,rtc_engine.light,2024-10-12 00:00:00\n"),
            "packages.csv, row 2, column plan: the catalog has no plan \"rtc_engine.light\"; did you mean `rtc_engine.lite`?",
        ),
        (
            "packages",
            &format!("{header}\np1,1,rtc_engine.lite,\n"),
            "packages.csv, row 2, column purchased_at: is empty; it has no default",
        ),
        (
            "packages",
            &format!("{header}\np1,1,{rest}\np2,1,{rest}\np1,2,{rest}\n"),
            "packages.csv, row 4, column package_id: \"p1\" is in packages.csv, row 2 already; remove one of the two rows",
        ),
        (
            "packages",
            &format!("{header}\np1+2,2,{rest}\np1,1,{rest}\np+0,1,{rest}\n"),
            "packages.csv, row 2, column package_id: \"p1+2\" is the id of a renewal of package \"p1\"; rename one of the two",
        ),
        (
            "packages",
            &package("apps", "1400;x"),
            "packages.csv, row 2, column apps: \"1400;x\": \"x\" is no positive integer",
        ),
        (
            "packages",
            &package("apps", "1400;"),
            "packages.csv, row 2, column apps: \"1400;\": \"\" is no positive integer",
        ),
        (
            "packages",
            &package("gift", "maybe"),
            "packages.csv, row 2, column gift: \"maybe\" is neither true nor false",
        ),
        (
            "packages",
            &package("auto_renew", "2"),
            "packages.csv, row 2, column auto_renew: \"2\" is neither true nor false",
        ),
        (
            "packages",
            &package("refunded_at", "2024-10-11T23:59:59Z"),
            "packages.csv, row 2, column refunded_at: 2024-10-11T23:59:59Z is before the purchase at 2024-10-12T00:00:00Z",
        ),
        (
            "packages",
            &package("refunded_amount", "5"),
            "packages.csv, row 2, column refunded_amount: \"5\" without refunded_at; say when it was given back",
        ),
        (
            "packages",
            &package("refunded_at,refunded_amount", "2024-10-13 00:00:00,-5"),
            "packages.csv, row 2, column refunded_amount: \"-5\" is negative; write what was given back",
        ),
    ]);
}

#[test]
fn payments() {
    let header = "payment_id,account_id,paid_at,amount";
    check(&[
        (
            "payments",
            &format!("{header}\n,1,2024-10-12 00:00:00,1\n"),
            "payments.csv, row 2, column payment_id: is empty; it has no default",
        ),
        (
            "payments",
            &format!("{header}\na,9,2024-10-12 00:00:00,1\n"),
            "payments.csv, row 2, column account_id: account 9 is not in accounts; add it there, or remove the row",
        ),
        (
            "payments",
            &format!("{header}\na,1,,1\n"),
            "payments.csv, row 2, column paid_at: is empty; it has no default",
        ),
        (
            "payments",
            &format!("{header}\na,1,2024-10-12 00:00:00,\n"),
            "payments.csv, row 2, column amount: is empty; it has no default",
        ),
        (
            "payments",
            &format!("{header}\na,1,2024-10-12 00:00:00,1e3\n"),
            "payments.csv, row 2, column amount: \"1e3\": not a decimal number; write it like 12.34",
        ),
        (
            "payments",
            &format!("{header}\na,1,2024-10-12 00:00:00,-10000000000000.01\n"),
            "payments.csv, row 2, column amount: \"-10000000000000.01\" is too large; at most 10000000000000.00 is accepted",
        ),
        (
            "payments",
            &format!("{header}\na,1,2024-10-12 00:00:00,1\nb,1,2024-10-12 00:00:00,1\na,2,2024-10-13 00:00:00,2\n"),
            "payments.csv, row 4, column payment_id: \"a\" is in payments.csv, row 2 already; remove one of the two rows",
        ),
    ]);
}

#[test]
fn optional_dimensions() {
    check(&[
        (
            "apps",
            "account_id,sdk_app_id\n3,1400\n",
            "apps.csv, row 2, column account_id: account 3 is not in accounts; add it there, or remove the row",
        ),
        (
            "apps",
            "account_id,sdk_app_id\n1,0\n",
            "apps.csv, row 2, column sdk_app_id: \"0\" is no positive integer of 64 bits",
        ),
        (
            "apps",
            "account_id,sdk_app_id\n1,1400\n2,1400\n1,1400\n",
            "apps.csv, row 4, column sdk_app_id: app 1400 of account 1 is in apps.csv, row 2 already; remove one of the two rows",
        ),
        (
            "refund_requests",
            "package_id,requested_at\np2,2024-10-13 00:00:00\n",
            "refund_requests.csv, row 2, column package_id: package \"p2\" is not in packages, nor a renewal of one; add it there, or remove the row",
        ),
        (
            "refund_requests",
            "package_id,requested_at\np1+0,2024-10-13 00:00:00\n",
            "refund_requests.csv, row 2, column package_id: package \"p1+0\" is not in packages, nor a renewal of one; add it there, or remove the row",
        ),
        (
            "refund_requests",
            "package_id,requested_at\np1+1,\n",
            "refund_requests.csv, row 2, column requested_at: is empty; it has no default",
        ),
        (
            "refund_requests",
            "package_id,requested_at\np1,2024-10-14 00:00:00\np1,2024-10-13 00:00:00\n",
            "refund_requests.csv, row 3, column package_id: \"p1\" is in refund_requests.csv, row 2 already; remove one of the two rows",
        ),
        (
            "opening",
            "account_id,balance\n3,1\n",
            "opening.csv, row 2, column account_id: account 3 is not in accounts; add it there, or remove the row",
        ),
        (
            "opening",
            "account_id,balance\n1,\n",
            "opening.csv, row 2, column balance: is empty; it has no default",
        ),
        (
            "opening",
            "account_id,balance\n1,1\n2,1\n1,1\n",
            "opening.csv, row 4, column account_id: 1 is in opening.csv, row 2 already; remove one of the two rows",
        ),
        (
            "opening_grants",
            "grant_id,used\np2,1\n",
            "opening_grants.csv, row 2, column grant_id: \"p2\" is neither a package in packages nor free:<account_id>:<YYYY-MM-DD>; correct it, or remove the row",
        ),
        (
            "opening_grants",
            "grant_id,used\nfree:1,1\n",
            "opening_grants.csv, row 2, column grant_id: \"free:1\" is not like free:<account_id>:<YYYY-MM-DD>",
        ),
        (
            "opening_grants",
            "grant_id,used\nfree:1:2024-2-29,1\n",
            "opening_grants.csv, row 2, column grant_id: \"free:1:2024-2-29\" is not like free:<account_id>:<YYYY-MM-DD>",
        ),
        (
            "opening_grants",
            "grant_id,used\nfree:3:2024-02-29,1\n",
            "opening_grants.csv, row 2, column grant_id: account 3 is not in accounts; add it there, or remove the row",
        ),
        (
            "opening_grants",
            "grant_id,used\nfree:01:2024-02-29,1\n",
            "opening_grants.csv, row 2, column grant_id: \"free:01:2024-02-29\": write the account as 1",
        ),
        (
            "opening_grants",
            "grant_id,used\nfree:1:2024-02-28,1\n",
            "opening_grants.csv, row 2, column grant_id: \"free:1:2024-02-28\": no free cycle of account 1 begins on that day; they begin monthly from 2024-01-31",
        ),
        (
            "opening_grants",
            "grant_id,used\nfree:1:2023-12-31,1\n",
            "opening_grants.csv, row 2, column grant_id: \"free:1:2023-12-31\": no free cycle of account 1 begins on that day; they begin monthly from 2024-01-31",
        ),
        (
            "opening_grants",
            "grant_id,used\nfree:1:2024-02-29,10000.01\n",
            "opening_grants.csv, row 2, column used: \"10000.01\" is more than the grant's 10000 minutes",
        ),
        (
            "opening_grants",
            "grant_id,used\np1,20000.01\n",
            "opening_grants.csv, row 2, column used: \"20000.01\" is more than the grant's 20000 minutes",
        ),
        (
            "opening_grants",
            "grant_id,used\np1,-1\n",
            "opening_grants.csv, row 2, column used: \"-1\" is negative; write what was used",
        ),
        (
            "opening_grants",
            "grant_id,used\np1,\n",
            "opening_grants.csv, row 2, column used: is empty; it has no default",
        ),
        (
            "opening_grants",
            "grant_id,used\np1,1\np1,2\n",
            "opening_grants.csv, row 3, column grant_id: \"p1\" is in opening_grants.csv, row 2 already; remove one of the two rows",
        ),
    ]);
}

#[test]
fn free_cycles_follow_the_catalog() {
    let accounts = "account_id,registered_at\n1,1998-05-05 00:00:00\n2,1999-05-05 00:00:00\n";
    let grants = |id: &str| {
        let grants = format!("grant_id,used\n{id},500\n");
        message(load_csv(&[("accounts", accounts), ("opening_grants", &grants)]))
    };
    assert_eq!(grants("free:1:1998-07-05"), "no error");
    assert_eq!(
        grants("free:1:1998-08-05"),
        "opening_grants.csv, row 2, column grant_id: \"free:1:1998-08-05\": no free cycle of account 1 begins on that day; they begin monthly from 1998-05-05"
    );
    assert_eq!(
        grants("free:2:1999-05-05"),
        "opening_grants.csv, row 2, column grant_id: account 2 registered on 1999-05-05 and has no free minutes"
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
