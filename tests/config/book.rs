//! What a valid catalog means, whatever is in it; and what the other tests of books share.

use std::path::Path;

use nightbill::catalog::book::{Book, ItemKind, OnExpiry, PlanId, PriceListId, Round, TierId, Unpriced, Validity};
use nightbill::catalog::parse::parse;
use nightbill::units::quantity::{BillingDay, Quantity, Ratio};

/// One item with three tiers, for a test to go on from.
pub(super) const ITEM: &str = r#"
currency = "USD"

[[product]]
id = "trtc"
grace_hours = 24
removal_days = 60

[[item]]
id = "av"
product = "trtc"
kind = "duration"
cadence = "daily"
per = 1000
tiers = ["audio", "hd", "4k"]
"#;

pub(super) fn book(text: &str) -> Book {
    parse(Path::new("book.toml"), text).unwrap_or_else(|error| panic!("{error}"))
}

pub(super) fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().unwrap())
}

pub(super) fn tier(book: &Book, name: &str) -> TierId {
    let found =
        (0..book.tiers.len()).find(|position| tier_name(book, TierId(u16::try_from(*position).unwrap())) == name);
    TierId(u16::try_from(found.unwrap_or_else(|| panic!("no tier {name}"))).unwrap())
}

pub(super) fn tier_name(book: &Book, tier: TierId) -> String {
    format!("{}.{}", book.item_of(tier).id, book.tiers[tier.index()].name)
}

pub(super) fn list(book: &Book, id: &str) -> PriceListId {
    let position = book.price_lists.iter().position(|list| list.id == id).unwrap();
    PriceListId(u16::try_from(position).unwrap())
}

/// A number without its needless zeros: `3.990000` is `3.99`.
pub(super) fn short(number: impl ToString) -> String {
    let text = number.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn tiers_stand_item_by_item_whatever_the_order_of_tables() {
    let text = format!(
        "{ITEM}\n[[item]]\nid = \"mau\"\nproduct = \"trtc\"\nkind = \"unique\"\ncadence = \"monthly\"\nper = 1\n\
         tiers = [\"user\"]\n"
    );
    let book = book(&text);
    let names: Vec<String> = (0..4).map(|position| tier_name(&book, TierId(position))).collect();
    assert_eq!(names, ["av.audio", "av.hd", "av.4k", "mau.user"]);
    let ranges: Vec<(u16, u16)> = book
        .items
        .iter()
        .map(|item| (item.first_tier.0, item.tier_count))
        .collect();
    assert_eq!(ranges, [(0, 3), (3, 1)]);
    assert_eq!(book.items[1].name, "mau", "an item without a name is called by its id");
}

/// SPEC 2.7, every key of it: what the shipped book has no use for is `base` and `cycles`.
const EVERY_KEY: &str = r#"
currency = "USD"
meter = [{ id = "m", item = "mix", tiers = [{ max_pixels = 0, tier = "audio" }] }]
item = [
    { id = "mix", product = "trtc", name = "MixTranscoding", kind = "duration", cadence = "daily", round = "account", per = 10, tiers = ["audio"], unpriced = "unbilled" },
    { id = "relay", product = "trtc", kind = "peak", cadence = "monthly", per = 1, tiers = ["css"], interval_seconds = 60, free_if_at_most = { css = "99.5" } },
    { id = "screenshots", product = "trtc", kind = "count", cadence = "monthly", per = 100, tiers = ["image"], free_quantity = 10000, round_up_to = 1000 },
    { id = "mau", product = "trtc", kind = "unique", cadence = "monthly", per = 1, tiers = ["user"], unpriced = "stop" },
]
price_list = [
    { id = "list", from = 2021-01-01, prices = { "mix.audio" = "0.000001" } },
    { id = "acme", base = "list", from = 2024-09-01, prices = { "mix.audio" = "2.50" } },
]
ratios = [{ id = "package", minutes = { "mix.audio" = "0.01" } }]
free = [{ registered_from = 2023-02-21, registered_before = 2024-01-01, minutes = 10000, ratios = "package", cycles = 12 }]
scope_promotion = [{ plans = ["x"], from = 2024-10-12, until = 2024-10-12 }]

[[plan]]
id = "x"
product = "trtc"
family = "rtc_engine"
price = "499"
minutes = 500000
mau = 5
paid = true
ratios = "package"
validity = { days = 7 }
max_purchases = 3
new_customers_of = ["x"]
refund = "prorated"
on_expiry = "stop"

[[product]]
id = "trtc"
grace_hours = 0
removal_days = 0
[[product.policy]]
from = 2023-09-04
on_overdue = []
on_suspended = ["stop_rooms"]
on_removed = ["delete_resources"]
on_stopped = ["deny_service"]
stop_rooms_within_hours = 48
"#;

#[test]
fn every_key_of_the_contract_is_accepted() {
    let book = book(EVERY_KEY);
    let pers: Vec<i64> = book.items.iter().map(|item| item.per).collect();
    assert_eq!(pers, [10, 1, 100, 1]);
    assert_eq!(
        (book.items[0].round, book.items[0].unpriced),
        (Round::Account, Unpriced::Unbilled)
    );
    let free_if_at_most = vec![(TierId(1), Quantity::parse("99.5").unwrap())];
    assert_eq!(
        book.items[1].kind,
        ItemKind::Peak {
            interval_seconds: 60,
            free_if_at_most
        }
    );
    assert_eq!(
        book.items[2].kind,
        ItemKind::Count {
            free_quantity: 10_000,
            round_up_to: 1_000
        }
    );
    assert_eq!(book.price_lists[0].entries[0].prices[0].unwrap().units(), 1);
    assert_eq!(book.price_lists[1].entries[0].base, Some(PriceListId(0)));
    assert_eq!(
        book.ratio_tables[0].ratios,
        [Some(Ratio::from_units(1)), None, None, None]
    );
    let free = &book.free[0];
    assert_eq!(
        (free.registered_from, free.registered_before),
        (Some(day("2023-02-21")), Some(day("2024-01-01")))
    );
    assert_eq!(free.cycles, Some(12));
    let plan = &book.plans[0];
    assert_eq!(
        (plan.validity, plan.on_expiry, plan.mau),
        (Validity::Days(7), OnExpiry::Stop, 5)
    );
    assert_eq!(plan.new_customers_of, [PlanId(0)]);
    assert_eq!((book.products[0].grace_hours, book.products[0].removal_days), (0, 0));
    assert_eq!(book.products[0].policies[0].stop_rooms_within_hours, 48);
    assert_eq!(
        book.scope_promotions[0].until,
        day("2024-10-12"),
        "a promotion of one day"
    );
}

#[test]
fn a_catalog_of_nothing_but_a_currency_is_a_book() {
    assert_eq!(book("currency = \"EUR\"").currency, "EUR");
}

#[test]
fn dotted_keys_need_no_quotes() {
    let text = format!(
        "{ITEM}\n[[price_list]]\nid = \"list\"\nfrom = \"2021-01-01\"\n[price_list.prices]\nav.hd = \"3.99\"\n"
    );
    let book = book(&text);
    let price = book.price(list(&book, "list"), day("2021-01-01"), tier(&book, "av.hd"));
    assert_eq!(price.map(|(price, _)| short(price)), Some("3.99".to_owned()));
}

#[test]
fn policies_are_sorted_by_day() {
    let text = ITEM.replace(
        "removal_days = 60",
        "removal_days = 60\n[[product.policy]]\nfrom = 2023-09-04\n[[product.policy]]\nfrom = 2021-01-01",
    );
    let days: Vec<String> = book(&text).products[0]
        .policies
        .iter()
        .map(|policy| policy.from.to_string())
        .collect();
    assert_eq!(days, ["2021-01-01", "2023-09-04"]);
}

#[test]
fn more_than_16_bits_of_tiers_are_refused() {
    let tiers = |count: usize| (0..count).map(|n| format!("\"t{n}\"")).collect::<Vec<_>>().join(",");
    let text = |count| ITEM.replace("\"audio\", \"hd\", \"4k\"", &tiers(count));
    assert_eq!(book(&text(65_535)).tiers.len(), 65_535);
    let error = parse(Path::new("x.toml"), &text(65_536)).unwrap_err();
    assert_eq!(error.problems.len(), 1);
    assert_eq!(error.problems[0].message, "item.tiers: more than 65535 tiers");
    let two_items = format!(
        "{}{}",
        text(40_000),
        ITEM.split("[[item]]").nth(1).map_or(String::new(), |item| {
            format!(
                "[[item]]{}",
                item.replace("\"av\"", "\"mix\"")
                    .replace("\"audio\", \"hd\", \"4k\"", &tiers(40_000))
            )
        })
    );
    let error = parse(Path::new("x.toml"), &two_items).unwrap_err();
    assert_eq!(error.problems[0].message, "item.tiers: more than 65535 tiers in all");
}
