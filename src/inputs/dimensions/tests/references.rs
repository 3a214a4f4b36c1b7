//! One case for every rule that rows which refer to accounts and packages can break.

use super::{check, load_csv, message};

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
