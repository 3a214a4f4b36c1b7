//! Overdue, suspended, removed (SPEC 3.9): every boundary, on a course alone and through the nights.

use chrono::NaiveTime;
use nightbill::rules::dunning::{Course, Standing, Terms};
use nightbill::rules::facts::Payment;
use nightbill::units::calendar::Calendar;
use nightbill::units::quantity::{Cents, Instant};

use crate::book::day;
use crate::world::{World, at, cents};

fn terms() -> Terms {
    Terms {
        credit_limit: Cents::ZERO,
        grace_hours: 24,
        removal_days: 60,
        from: Instant::from_micros(i64::MIN),
    }
}

/// `<instant> charge|pay|wait <amount>` a line, in time order; the transitions as `<instant> <state> <balance>`.
fn check(terms: Terms, script: &str, expected: &[&str]) {
    let mut course = Course::new(terms, Standing::Active, Cents::ZERO);
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let word: Vec<&str> = line.split_whitespace().collect();
        let when = at(word[0]);
        match word[1] {
            "charge" => course.charge(when, cents(word[2])).unwrap(),
            "pay" => course
                .pay(&[Payment {
                    paid_at: when,
                    amount: cents(word[2]),
                }])
                .unwrap(),
            _ => course.wait_until(when).unwrap(),
        }
    }
    let told: Vec<String> = course
        .transitions()
        .iter()
        .map(|change| format!("{} {} {}", change.at, change.to.state().as_str(), change.balance))
        .collect();
    assert_eq!(told, expected, "{script}");
}

const OVERDUE: &str = "2024-10-13T02:00:00Z overdue -12.40";
const SUSPENDED: &str = "2024-10-14T02:00:00Z suspended -12.40";
const REMOVED: &str = "2024-12-13T02:00:00Z removed -12.40";

/// `[O]`: "you have 24 hours of recharge time". Deadlines at an instant come after its payments.
#[test]
fn a_payment_one_millisecond_before_at_and_after_suspend_at() {
    for (paid_at, expected) in [
        (
            "2024-10-14T01:59:59.999Z",
            vec![OVERDUE, "2024-10-14T01:59:59.999Z active 0.00"],
        ),
        (
            "2024-10-14T02:00:00Z",
            vec![OVERDUE, "2024-10-14T02:00:00Z active 0.00"],
        ),
        (
            "2024-10-14T02:00:00.001Z",
            vec![OVERDUE, SUSPENDED, "2024-10-14T02:00:00.001Z active 0.00"],
        ),
    ] {
        let script = format!("2024-10-13T02:00:00Z charge 12.40\n{paid_at} pay 12.40\n2025-10-14T02:00:00Z wait");
        check(terms(), &script, &expected);
    }
}

/// `[O]`: "after the suspension has exceeded 60 days"; 60 days after suspension for all products.
#[test]
fn a_payment_one_millisecond_before_at_and_after_remove_at() {
    for (paid_at, expected) in [
        (
            "2024-12-13T01:59:59.999Z",
            vec![OVERDUE, SUSPENDED, "2024-12-13T01:59:59.999Z active 0.00"],
        ),
        (
            "2024-12-13T02:00:00Z",
            vec![OVERDUE, SUSPENDED, "2024-12-13T02:00:00Z active 0.00"],
        ),
        (
            "2024-12-13T02:00:00.001Z",
            vec![OVERDUE, SUSPENDED, REMOVED, "2024-12-13T02:00:00.001Z active 0.00"],
        ),
    ] {
        let script = format!("2024-10-13T02:00:00Z charge 12.40\n{paid_at} pay 12.40\n2025-10-14T02:00:00Z wait");
        check(terms(), &script, &expected);
    }
}

/// At the billing time the bills come last: a credit of theirs ends the suspension of the same instant, not before it.
#[test]
fn deadlines_at_the_billing_time_are_passed_before_its_charges() {
    for (charged_at, expected) in [
        (
            "2024-10-14T01:59:59.999Z",
            vec![OVERDUE, "2024-10-14T01:59:59.999Z active 0.00"],
        ),
        (
            "2024-10-14T02:00:00Z",
            vec![OVERDUE, SUSPENDED, "2024-10-14T02:00:00Z active 0.00"],
        ),
    ] {
        let script = format!("2024-10-13T02:00:00Z charge 12.40\n{charged_at} charge -12.40");
        check(terms(), &script, &expected);
    }
}

#[test]
fn a_balance_at_the_credit_limit_is_not_overdue() {
    let limited = Terms {
        credit_limit: cents("10"),
        ..terms()
    };
    check(limited, "2024-10-13T02:00:00Z charge 10.00", &[]);
    check(
        limited,
        "2024-10-13T02:00:00Z charge 10.01",
        &["2024-10-13T02:00:00Z overdue -10.01"],
    );
    check(
        limited,
        "2024-10-13T02:00:00Z charge 10.01\n2024-10-13T03:00:00Z pay 0.01",
        &[
            "2024-10-13T02:00:00Z overdue -10.01",
            "2024-10-13T03:00:00Z active -10.00",
        ],
    );
}

/// A part of it neither resumes nor prolongs; another charge does not move the dates.
#[test]
fn the_dates_of_an_overdue_account_stay() {
    check(
        terms(),
        "2024-10-13T02:00:00Z charge 12.40\n2024-10-13T20:00:00Z pay 12.39\n2024-10-14T02:00:00Z charge 5",
        &[OVERDUE, "2024-10-14T02:00:00Z suspended -0.01"],
    );
}

/// Paying out makes overdue too; several changes within a day each have their own instant.
#[test]
fn several_transitions_between_two_nights() {
    check(
        terms(),
        "2024-10-13T02:00:00Z charge 12.40
         2024-10-13T03:00:00Z pay 12.40
         2024-10-13T04:00:00Z pay -1
         2024-10-13T05:00:00Z pay 1
         2024-10-13T06:00:00Z pay -2
         2024-10-14T02:00:00Z charge 0
         2024-10-15T02:00:00Z charge 0",
        &[
            OVERDUE,
            "2024-10-13T03:00:00Z active 0.00",
            "2024-10-13T04:00:00Z overdue -1.00",
            "2024-10-13T05:00:00Z active 0.00",
            "2024-10-13T06:00:00Z overdue -2.00",
            "2024-10-14T06:00:00Z suspended -2.00",
        ],
    );
}

#[test]
fn nobody_leaves_active_before_dunning_begins() {
    let from = |text| Terms {
        from: at(text),
        ..terms()
    };
    let script = "2024-10-13T02:00:00Z charge 12.40\n2024-10-14T02:00:00Z charge 0";
    check(from("2024-10-13T02:00:00Z"), script, &[OVERDUE, SUSPENDED]);
    check(
        from("2024-10-13T02:00:00.000001Z"),
        script,
        &["2024-10-14T02:00:00Z overdue -12.40"],
    );
}

#[test]
fn a_grace_time_of_no_hours_ends_with_its_beginning() {
    let strict = Terms {
        grace_hours: 0,
        removal_days: 0,
        ..terms()
    };
    check(
        strict,
        "2024-10-13T02:00:00Z charge 12.40",
        &[
            OVERDUE,
            "2024-10-13T02:00:00Z suspended -12.40",
            "2024-10-13T02:00:00Z removed -12.40",
        ],
    );
}

/// A credit limit that was raised counts with the next event, a deadline too.
#[test]
fn the_balance_decides_before_a_deadline_does() {
    let mut course = Course::new(terms(), Standing::Active, Cents::ZERO);
    course.charge(at("2024-10-13T02:00:00Z"), cents("5")).unwrap();
    let raised = Terms {
        credit_limit: cents("5"),
        ..terms()
    };
    let mut course = Course::new(raised, course.standing(), course.balance());
    course.wait_until(at("2024-10-14T02:00:00Z")).unwrap();
    assert_eq!(course.standing(), Standing::Active);
}

// ------------------------------------------------------------------------------------------ through the nights

/// `<state> <overdue_since> <suspended_at> <remove_at>`, `-` for none.
fn standing(world: &World) -> String {
    let day = world.settle();
    let (overdue, suspended) = (day.standing.overdue(), day.standing.suspended());
    let show = |at: Option<Instant>| at.map_or("-".to_owned(), |at| at.to_string());
    format!(
        "{} {} {} {}",
        day.state().as_str(),
        show(overdue.map(|dates| dates.since)),
        show(suspended.map(|dates| dates.suspended_at)),
        show(suspended.map(|dates| dates.remove_at)),
    )
}

/// An account that owes 1.00 USD since before the first settled day.
fn in_arrears() -> World {
    World::new().opening_balance("-1")
}

/// The billing time of June 15 in Shanghai is 02:00 UTC on the 16th.
#[test]
fn states_of_the_nights() {
    let world = in_arrears();
    let since = "2024-06-16T02:00:00Z";
    assert_eq!(standing(&world), format!("overdue {since} - -"));
    let suspended = "2024-06-17T02:00:00Z 2024-08-16T02:00:00Z";
    assert_eq!(
        standing(&world.until("2024-06-16")),
        format!("suspended {since} {suspended}")
    );
    assert_eq!(
        standing(&world.until("2024-08-14")),
        format!("suspended {since} {suspended}")
    );
    assert_eq!(
        standing(&world.until("2024-08-15")),
        format!("removed {since} {suspended}")
    );
    assert_eq!(
        standing(&world.paid("2024-08-17T02:00:00Z", "1").until("2024-08-16")),
        "active - - -"
    );
}

/// What was paid in an earlier window and arrives late counts at the billing time before, as one amount.
#[test]
fn late_payments_count_first_at_the_billing_time_before() {
    let overdue = in_arrears().next_day();
    let late = overdue
        .clone()
        .paid("2024-06-15T20:00:00Z", "0.40")
        .paid("2024-06-15T21:00:00Z", "0.60");
    let day = late.settle();
    let transitions: Vec<String> = day
        .transitions
        .iter()
        .map(|change| format!("{} {}", change.at, change.to.state().as_str()))
        .collect();
    assert_eq!(transitions, ["2024-06-16T02:00:00Z active"]);
    assert_eq!((day.balance.paid, day.balance.closing), (cents("1"), cents("0")));
    // In time it would never have been overdue.
    assert_eq!(
        standing(&in_arrears().paid("2024-06-15T20:00:00Z", "1")),
        "active - - -"
    );
    // Late by a whole suspension: it ended with the billing time before.
    let late = in_arrears().until("2024-06-18").paid("2024-06-15T20:00:00Z", "1");
    let day = late.settle();
    assert_eq!(day.transitions[0].at, at("2024-06-18T02:00:00Z"));
}

/// Payments that cancel out are an event too, and so are bills of nothing: one of them finds the arrears of the opening.
#[test]
fn every_event_weighs_the_balance() {
    let world = in_arrears()
        .paid("2024-06-15T05:00:00Z", "3")
        .paid("2024-06-15T05:00:00Z", "-3");
    // The night before was the first to see it; without a batch before nothing is late.
    assert_eq!(standing(&world), "overdue 2024-06-15T05:00:00Z - -");
}

#[test]
fn the_longest_times_of_the_accounts_products_count() {
    let mut world = in_arrears();
    world.book.products[1].grace_hours = 25;
    world.book.products[1].removal_days = 3;
    world.book.products[0].removal_days = 2;
    assert_eq!(
        standing(&world.until("2024-06-17")),
        "suspended 2024-06-16T02:00:00Z 2024-06-17T03:00:00Z 2024-06-20T03:00:00Z"
    );
}

#[test]
fn dunning_from_is_the_start_of_its_day() {
    let mut world = in_arrears();
    world.dunning_from = day("2024-06-17");
    assert_eq!(standing(&world), "active - - -");
    assert_eq!(standing(&world.next_day()), "overdue 2024-06-17T02:00:00Z - -");
}

/// It outranks the others for good; balance, dates and removal go on beneath.
#[test]
fn a_violation_outranks_the_rest() {
    let at_billing = in_arrears().violated("2024-06-16T02:00:00Z");
    assert_eq!(standing(&at_billing), "violation 2024-06-16T02:00:00Z - -");
    let after = in_arrears().violated("2024-06-16T02:00:00.000001Z");
    assert_eq!(standing(&after), "overdue 2024-06-16T02:00:00Z - -");
    let later = at_billing
        .package("p rtc_engine.lite 1 2024-08-15T00:00:00Z")
        .until("2024-08-15");
    assert_eq!(
        standing(&later),
        "violation 2024-06-16T02:00:00Z 2024-06-17T02:00:00Z 2024-08-16T02:00:00Z"
    );
    assert_eq!(later.grants(), ["p 2024-08-15 2024-09-14 used 0.00 of 50000.00 void"]);
    let paid = later.paid("2024-08-17T00:00:00Z", "500").next_day();
    assert_eq!(standing(&paid), "violation - - -");
}

/// Void for good from the next batch on: what it had then, also the running free cycle; nothing is restored.
#[test]
fn removal_makes_grants_void() {
    let world = in_arrears()
        .with_free_minutes("2024-06-01")
        .package("old conference.lite 1 2024-07-15T00:00:00Z")
        .package("had rtc_engine.lite 1 2024-08-01T00:00:00Z")
        .package("new rtc_engine.lite 1 2024-08-16T02:00:00.000001Z")
        .until("2024-08-15");
    // Removed at the billing time, 02:00 UTC on the 16th: the day's own usage is still deducted.
    let used = world.clone().used(1, "av.audio", 60);
    let day = used.settle();
    assert_eq!(day.lines[0].free_minutes.get(), 1);
    assert_eq!(
        world.grants(),
        [
            "free:7:2024-08-01 2024-08-01 2024-08-31 used 0.00 of 10000.00 void",
            "had 2024-08-01 2024-08-31 used 0.00 of 50000.00 void",
        ]
    );
    let next = world
        .paid("2024-08-16T03:00:00Z", "500")
        .next_day()
        .used(1, "av.audio", 60);
    assert_eq!(
        next.lines(),
        ["1 av.audio 1 package 1"],
        "the new one does not wait for the void one"
    );
    let grants = next.grants();
    assert!(grants[0].ends_with("void") && grants[1].ends_with("void"), "{grants:?}");
    assert_eq!(grants[2], "new 2024-08-16 2024-09-15 used 1.00 of 50000.00 active");
    let september = next.until("2024-09-05").used(1, "av.audio", 60);
    assert_eq!(
        september.lines(),
        ["1 av.audio 1 free 1"],
        "the next cycle is a new grant"
    );
    assert_eq!(
        september.grants()[1],
        "new 2024-08-16 2024-09-15 used 1.00 of 50000.00 active",
        "the void one is over and forgotten by nobody"
    );
}

/// Removed at 02:00 UTC on August 16: what was bought or refunded a microsecond before, then, and a microsecond after.
#[test]
fn what_the_account_had_at_the_instant_of_removal_is_void() {
    for (package, expected) in [
        ("2024-08-16T01:59:59.999999Z", "void"),
        ("2024-08-16T02:00:00Z", "void"),
        ("2024-08-16T02:00:00.000001Z", "active"),
        ("2024-08-10T00:00:00Z refunded=2024-08-16T01:59:59.999999Z", "refunded"),
        ("2024-08-10T00:00:00Z refunded=2024-08-16T02:00:00Z", "refunded"),
        ("2024-08-10T00:00:00Z refunded=2024-08-16T02:00:00.000001Z", "void"),
    ] {
        let world = in_arrears()
            .package(&format!("p rtc_engine.lite 1 {package}"))
            .until("2024-08-16");
        let grants = world.grants();
        assert!(grants[0].ends_with(expected), "{package}: {grants:?}");
    }
}

/// Hours and days of grace pass by the clock of nobody: New York has 23 hours on March 10 and 25 on November 3.
#[test]
fn grace_and_removal_are_elapsed_time() {
    for (first_day, suspended, removed) in [
        ("2024-03-08", "2024-03-10T15:00:00Z", "2024-03-11T15:00:00Z"),
        ("2024-11-01", "2024-11-03T14:00:00Z", "2024-11-04T14:00:00Z"),
    ] {
        let mut world = in_arrears().on(first_day);
        world.first_settled_day = day(first_day);
        world.calendar = Calendar::new(
            chrono_tz::America::New_York,
            NaiveTime::from_hms_opt(10, 0, 0).expect("a time of day"),
        );
        world
            .book
            .products
            .iter_mut()
            .for_each(|product| product.removal_days = 1);
        let world = world.next_day().next_day();
        assert!(
            standing(&world).contains(&format!(" {suspended} {removed}")),
            "{}",
            standing(&world)
        );
    }
}
