//! The shipped price book, field by field, against figures typed from the purchase guide.

use std::path::Path;

use nightbill::catalog::book::{
    Book, Cadence, ItemKind, OnExpiry, PlanId, Policy, RefundKind, Round, TierId, Unpriced, Validity,
};
use nightbill::units::quantity::{Minutes, Quantity};

use super::book::{book, day, list, short, tier, tier_name};

fn shipped() -> Book {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs/catalog/trtc.toml");
    book(&std::fs::read_to_string(path).unwrap())
}

/// Every tier in order: price, and ratios of packages, of free minutes since 2023-02-21 and before. `-`: the guide
/// names none. Typed from the tables of the purchase guide.
const TIERS: &str = "
    av.audio                     0.99    1   1      1
    av.hd                        3.99    4   4      4
    av.fhd                       8.99    9   9      9
    av.2k                        15.99   16  16     16
    av.4k                        35.99   36  36     36
    recording.audio              1.49    -   1.5    1
    recording.hd                 5.99    -   6.1    4
    recording.fhd                13.49   -   13.6   9
    recording.2k                 23.99   -   24.2   16
    recording.2k_plus            53.99   -   54.5   36
    mix.audio                    1.99    -   2      -
    mix.h264_hd                  5.99    -   6.1    -
    mix.h264_fhd                 13.99   -   14.1   -
    mix.h264_2k                  25.99   -   26.3   -
    mix.h264_4k                  69.99   -   70.7   -
    mix.h265_hd                  17.99   -   18.2   -
    mix.h265_fhd                 37.99   -   38.4   -
    mix.h265_2k                  69.99   -   70.7   -
    mix.h265_4k                  189.99  -   191.9  -
    screen_recording.hd          -       -   14.1   -
    screen_recording.fhd         -       -   28.3   -
    delivery.tencent_audio       0.02    -   0.02   -
    delivery.tencent_hd          0.13    -   0.13   -
    delivery.tencent_fhd         0.29    -   0.29   -
    delivery.tencent_2k          0.58    -   0.58   -
    delivery.tencent_4k          1.16    -   1.16   -
    delivery.third_party_audio   0.13    -   0.13   -
    delivery.third_party_hd      0.82    -   0.82   -
    delivery.third_party_fhd     1.72    -   1.72   -
    delivery.third_party_2k      3.6     -   3.6    -
    delivery.third_party_4k      7.19    -   7.19   -
    relay.css                    18.99   -   -      -
    relay.third_party            18.99   -   -      -
    screenshots.image            0.03    -   -      -
    mau.user                     -       -   -      -";

#[test]
fn shipped_prices_and_ratios_are_the_guides() {
    let book = shipped();
    let day = day("2024-10-12");
    assert_eq!(book.currency, "USD");
    let ids: Vec<&str> = book.ratio_tables.iter().map(|table| table.id.as_str()).collect();
    assert_eq!(ids, ["package", "free_2023", "free_legacy"]);
    let rows: Vec<String> = (0..book.tiers.len())
        .map(|position| {
            let tier = TierId(u16::try_from(position).unwrap());
            let price = book
                .price(list(&book, "list"), day, tier)
                .map(|(price, _)| short(price));
            let ratios = book
                .ratio_tables
                .iter()
                .map(|table| table.ratios[tier.index()].map(short));
            let cells = std::iter::once(price).chain(ratios);
            let cells: Vec<String> = cells.map(|cell| cell.unwrap_or("-".to_owned())).collect();
            format!("{} {}", tier_name(&book, tier), cells.join(" "))
        })
        .collect();
    let expected: Vec<String> = TIERS.trim().lines().map(words).collect();
    assert_eq!(rows, expected);
}

fn words(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Plan, price, minutes, MAU, paid, validity, most purchases, only for who never bought, refund, on expiry.
const PLANS: &str = "
    call.trial           -      0        100    free  7d   -  -                   none      stop
    call.one_to_one      199    100000   5000   paid  1m   -  -                   full      stop
    call.group           597    300000   10000  paid  1m   -  -                   full      stop
    conference.trial     -      0        100    free  14d  -  -                   none      stop
    conference.starter   39.9   50000    1000   paid  1m   3  lite,standard,pro   full      stop
    conference.lite      299    100000   10000  paid  1m   -  -                   full      stop
    conference.standard  599    300000   10000  paid  1m   -  -                   full      stop
    conference.pro       899    450000   10000  paid  1m   -  -                   full      stop
    live.trial           -      0        100    free  14d  -  -                   none      stop
    live.lite            299    100000   10000  paid  1m   -  -                   full      stop
    live.standard        599    300000   10000  paid  1m   -  -                   full      stop
    live.pro             899    450000   10000  paid  1m   -  -                   full      stop
    rtc_engine.starter   9.9    50000    0      paid  1m   3  lite,standard,pro   prorated  free
    rtc_engine.lite      49.5   50000    0      paid  1m   -  -                   prorated  free
    rtc_engine.standard  499    500000   0      paid  1m   -  -                   prorated  free
    rtc_engine.pro       1499   1500000  0      paid  1m   -  -                   prorated  free
    dashboard.standard   4999   0        0      free  1m   -  -                   none      free
    dashboard.premium    8999   0        0      free  1m   -  -                   none      free";

#[test]
fn shipped_plans_are_the_guides() {
    let book = shipped();
    let rows: Vec<String> = book
        .plans
        .iter()
        .map(|plan| {
            let family = plan.id.split('.').next().unwrap();
            assert_eq!(plan.family, family);
            assert_eq!(book.products[plan.product.index()].id, "trtc");
            let table = plan.ratios.map(|table| book.ratio_tables[table.index()].id.as_str());
            assert_eq!(table, (plan.minutes.get() > 0).then_some("package"));
            let dash = || "-".to_owned();
            let never_bought: Vec<&str> = plan
                .new_customers_of
                .iter()
                .map(|other| book.plan(*other).id.strip_prefix(&format!("{family}.")).unwrap())
                .collect();
            let validity = match plan.validity {
                Validity::Months(months) => format!("{months}m"),
                Validity::Days(days) => format!("{days}d"),
            };
            let refund = match plan.refund {
                RefundKind::None => "none",
                RefundKind::Full => "full",
                RefundKind::Prorated => "prorated",
            };
            [
                plan.id.clone(),
                plan.price.map_or_else(dash, short),
                plan.minutes.to_string(),
                plan.mau.to_string(),
                if plan.paid { "paid" } else { "free" }.to_owned(),
                validity,
                plan.max_purchases.map_or_else(dash, |most| most.to_string()),
                if never_bought.is_empty() {
                    dash()
                } else {
                    never_bought.join(",")
                },
                refund.to_owned(),
                if plan.on_expiry == OnExpiry::Free {
                    "free"
                } else {
                    "stop"
                }
                .to_owned(),
            ]
            .join(" ")
        })
        .collect();
    let expected: Vec<String> = PLANS.trim().lines().map(words).collect();
    assert_eq!(rows, expected);
}

#[test]
fn shipped_items_are_billed_as_the_guide_says() {
    let book = shipped();
    let rows: Vec<String> = book
        .items
        .iter()
        .map(|item| {
            assert_eq!(book.products[item.product.index()].id, "trtc");
            let kind = match &item.kind {
                ItemKind::Duration => "duration".to_owned(),
                ItemKind::Peak {
                    interval_seconds,
                    free_if_at_most,
                } => {
                    assert_eq!(
                        *free_if_at_most,
                        [(tier(&book, "relay.css"), Quantity::from_whole(100).unwrap())]
                    );
                    format!("peak({interval_seconds})")
                }
                ItemKind::Count {
                    free_quantity,
                    round_up_to,
                } => format!("count({free_quantity},{round_up_to})"),
                ItemKind::Unique => "unique".to_owned(),
            };
            let cadence = if item.cadence == Cadence::Daily {
                "daily"
            } else {
                "monthly"
            };
            let round = if item.round == Round::App { "app" } else { "account" };
            let unpriced = if item.unpriced == Unpriced::Stop {
                "stop"
            } else {
                "unbilled"
            };
            format!(
                "{} {} {kind} {cadence} {round} {} {unpriced}",
                item.id, item.name, item.per
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            "av AudioVideoDuration duration daily app 1000 stop",
            "recording OnCloudRecording duration daily app 1000 stop",
            "mix MixTranscoding duration daily app 1000 stop",
            "screen_recording ScreenRecording duration daily app 1000 stop",
            "delivery RecordingDelivery duration daily account 1000 stop",
            "relay RelayPeakBandwidth peak(60) monthly app 1 stop",
            "screenshots VideoScreenshotUpload count(10000,1000) monthly app 1000 stop",
            "mau MonthlyActiveUsers unique monthly app 1 unbilled",
        ]
    );
}

/// Meter, then for each resolution of the guide the tier; the last column lies above every bound.
const METERS: &str = "
    meter                 0                  1             1280x720         1920x1080         2560x1440        4096x2160        4096x2176        9000x9000
    av                    audio              hd            hd               fhd               2k               4k               4k               4k
    recording             audio              hd            hd               fhd               2k               2k_plus          2k_plus          2k_plus
    mix_h264              audio              h264_hd       h264_hd          h264_fhd          h264_2k          h264_4k          h264_4k          h264_4k
    mix_h265              audio              h265_hd       h265_hd          h265_fhd          h265_2k          h265_4k          h265_4k          h265_4k
    delivery_tencent      tencent_audio      tencent_hd    tencent_hd       tencent_fhd       tencent_2k       tencent_4k       tencent_4k       tencent_4k
    delivery_third_party  third_party_audio  third_party_hd third_party_hd  third_party_fhd   third_party_2k   third_party_4k   third_party_4k   third_party_4k
    screen_recording      hd                 hd            hd               fhd               fhd              fhd              fhd              fhd";

#[test]
fn shipped_meters_split_at_the_guides_resolutions() {
    let book = shipped();
    let mut lines = METERS.trim().lines();
    let pixels: Vec<i64> = lines
        .next()
        .unwrap()
        .split_whitespace()
        .skip(1)
        .map(|size| size.split('x').map(|side| side.parse::<i64>().unwrap()).product())
        .collect();
    let rows: Vec<String> = book
        .meters
        .iter()
        .map(|meter| {
            let tiers = pixels.iter().map(|pixels| {
                let tier = meter.tier_of(*pixels);
                assert_eq!(book.tiers[tier.index()].item, meter.item);
                book.tiers[tier.index()].name.as_str()
            });
            let cells: Vec<&str> = std::iter::once(meter.id.as_str()).chain(tiers).collect();
            cells.join(" ")
        })
        .collect();
    assert_eq!(rows, lines.map(words).collect::<Vec<_>>());
}

#[test]
fn shipped_meters_have_exact_bounds() {
    let book = shipped();
    for meter in &book.meters {
        let bounds: Vec<i64> = meter.tiers.iter().map(|step| step.max_pixels).collect();
        let widest = match meter.id.as_str() {
            "screen_recording" => vec![921_600, 2_073_600],
            "av" | "recording" => vec![0, 921_600, 2_073_600, 3_686_400, 8_847_360],
            _ => vec![0, 921_600, 2_073_600, 3_686_400, 8_912_896],
        };
        assert_eq!(bounds, widest, "{}", meter.id);
    }
}

#[test]
fn shipped_free_minutes_change_on_the_registration_day_2023_02_21() {
    let book = shipped();
    for (registered, table) in [
        ("1999-01-01", "free_legacy"),
        ("2023-02-20", "free_legacy"),
        ("2023-02-21", "free_2023"),
        ("2030-01-01", "free_2023"),
    ] {
        let rule = book.free_rule(day(registered)).unwrap();
        assert_eq!(book.ratio_tables[rule.ratios.index()].id, table, "{registered}");
        assert_eq!((rule.minutes, rule.cycles), (Minutes::new(10_000), None));
    }
}

#[test]
fn shipped_promotion_holds_from_2024_10_12_to_2024_12_31() {
    let book = shipped();
    for (position, plan) in book.plans.iter().enumerate() {
        let id = PlanId(u16::try_from(position).unwrap());
        let days = ["2024-10-11", "2024-10-12", "2024-12-31", "2025-01-01"].map(|text| book.is_promoted(id, day(text)));
        let inside = plan.family == "rtc_engine";
        assert_eq!(days, [false, inside, inside, false], "{}", plan.id);
    }
}

#[test]
fn shipped_policies_are_those_of_the_three_products() {
    let book = shipped();
    let policy = |from: &str, overdue: &[&str], suspended: &[&str], stopped: &[&str], hours| {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Policy {
            from: day(from),
            on_overdue: words(overdue),
            on_suspended: words(suspended),
            on_removed: words(&["delete_resources"]),
            on_stopped: words(stopped),
            stop_rooms_within_hours: hours,
        }
    };
    let trtc = |from, hours| {
        let suspended = ["stop_rooms", "block_console", "block_api", "block_recordings"];
        policy(from, &["keep_running"], &suspended, &["deny_service"], hours)
    };
    let classroom = ["deny_service", "block_recordings"];
    let streaming = ["deny_service", "block_recordings", "screenshots_follow_cos"];
    let expected = [
        ("trtc", vec![trtc("2021-01-01", 48), trtc("2023-09-04", 0)]),
        (
            "lcic",
            vec![policy(
                "2021-01-01",
                &["keep_running", "deny_new_classrooms"],
                &classroom,
                &classroom,
                0,
            )],
        ),
        (
            "css",
            vec![policy(
                "2021-01-01",
                &["keep_running"],
                &streaming,
                &["deny_service"],
                0,
            )],
        ),
    ];
    assert_eq!(book.products.len(), expected.len());
    for (product, (id, policies)) in book.products.iter().zip(expected) {
        assert_eq!(product.id, id);
        assert_eq!((product.grace_hours, product.removal_days), (24, 60), "{id}");
        assert_eq!(product.policies, policies, "{id}");
    }
}
