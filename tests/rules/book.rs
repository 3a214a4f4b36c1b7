//! The price book of the guide, as far as the rules read it.

use nightbill::catalog::book::{
    Book, Cadence, FreeRule, Item, ItemId, ItemKind, Meter, MeterTier, OnExpiry, Plan, PlanId, PriceList,
    PriceListEntry, PriceListId, Product, ProductId, RatioTable, RatioTableId, RefundKind, Round, ScopePromotion, Tier,
    TierId, Unpriced, Validity,
};
use nightbill::units::quantity::{BillingDay, Cents, Minutes, Ratio, UnitPrice};

/// item, tier, price per 1000 minutes, and ratios: free since 2023-02-21, free before, packages.
const TIERS: &str = "
    av               audio             0.99    1     1   1
    av               hd                3.99    4     4   4
    av               fhd               8.99    9     9   9
    av               2k                15.99   16    16  16
    av               4k                35.99   36    36  36
    recording        audio             1.49    1.5   1   -
    recording        hd                5.99    6.1   4   -
    recording        fhd               13.49   13.6  9   -
    recording        2k                23.99   24.2  16  -
    recording        2k_plus           53.99   54.5  36  -
    mix              audio             1.99    2     -   -
    mix              h264_hd           5.99    6.1   -   -
    mix              h264_fhd          13.99   14.1  -   -
    mix              h264_2k           25.99   26.3  -   -
    mix              h264_4k           69.99   70.7  -   -
    screen_recording hd                -       14.1  -   -
    screen_recording fhd               -       28.3  -   -
    delivery         tencent_audio     0.02    0.02  -   -
    delivery         tencent_hd        0.13    0.13  -   -
    delivery         tencent_fhd       0.29    0.29  -   -
    delivery         third_party_audio 0.13    0.13  -   -
    delivery         third_party_hd    0.82    0.82  -   -
    class            user              2.00    1     -   -
";

/// meter, then the tiers by their bounds.
const METERS: &str = "
    av                   0=av.audio 921600=av.hd 2073600=av.fhd 3686400=av.2k 8847360=av.4k
    recording            0=recording.audio 921600=recording.hd 2073600=recording.fhd 3686400=recording.2k 8847360=recording.2k_plus
    mix_h264             0=mix.audio 921600=mix.h264_hd 2073600=mix.h264_fhd 3686400=mix.h264_2k 8912896=mix.h264_4k
    delivery_tencent     0=delivery.tencent_audio 921600=delivery.tencent_hd 2073600=delivery.tencent_fhd
    delivery_third_party 0=delivery.third_party_audio 921600=delivery.third_party_hd
";

/// id, product, minutes, paid or not, validity in months or days, ratio table or none.
const PLANS: &str = "
    rtc_engine.lite     trtc 50000   paid m1  package
    rtc_engine.standard trtc 500000  paid m1  package
    call.group          trtc 50000   paid m1  package
    call.trial          trtc 10000   free d7  package
    conference.lite     trtc 10      paid m1  package
    dashboard.standard  trtc 0       free m1  -
    class.basic         lcic 100     paid m1  package
";

/// The products, in order.
const PRODUCTS: [&str; 2] = ["trtc", "lcic"];

pub(crate) fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().unwrap())
}

fn rows(table: &'static str) -> Vec<Vec<&'static str>> {
    let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| !row.is_empty()).collect()
}

fn index(position: usize) -> u16 {
    u16::try_from(position).unwrap()
}

/// The guide's book; `acme` is a contract with prices of its own from 2024-09-01, based on `list`.
pub(crate) fn book() -> Book {
    let tiers = rows(TIERS);
    let mut items: Vec<Item> = Vec::new();
    for (position, row) in tiers.iter().enumerate() {
        if items.last().is_none_or(|item| item.id != row[0]) {
            items.push(item(row[0], TierId(index(position))));
        }
        items.last_mut().unwrap().tier_count += 1;
    }
    let ratios = |id: &str, column: usize| RatioTable {
        id: id.to_owned(),
        ratios: tiers.iter().map(|row| Ratio::parse(row[column]).ok()).collect(),
    };
    Book {
        currency: "USD".to_owned(),
        meters: Vec::new(),
        tiers: tiers
            .iter()
            .map(|row| Tier {
                item: ItemId(index(items.iter().position(|item| item.id == row[0]).unwrap())),
                name: row[1].to_owned(),
            })
            .collect(),
        items,
        price_lists: price_lists(&tiers),
        ratio_tables: vec![ratios("free_2023", 3), ratios("free_legacy", 4), ratios("package", 5)],
        free: vec![
            free_rule(Some("2023-02-21"), None, 0),
            free_rule(None, Some("2023-02-21"), 1),
        ],
        plans: rows(PLANS).iter().map(|row| plan(row)).collect(),
        scope_promotions: vec![ScopePromotion {
            plans: vec![PlanId(0), PlanId(1)],
            from: day("2024-10-12"),
            until: day("2024-12-31"),
        }],
        products: PRODUCTS.map(product).to_vec(),
    }
    .with_meters()
}

trait WithMeters {
    fn with_meters(self) -> Self;
}

impl WithMeters for Book {
    fn with_meters(mut self) -> Self {
        let meter = |row: &Vec<&str>| {
            let step = |text: &&str| {
                let (bound, tier) = text.split_once('=').unwrap();
                MeterTier {
                    max_pixels: bound.parse().unwrap(),
                    tier: tier_id(&self, tier),
                }
            };
            let tiers: Vec<MeterTier> = row[1..].iter().map(step).collect();
            Meter {
                id: row[0].to_owned(),
                item: self.tiers[tiers[0].tier.index()].item,
                tiers,
            }
        };
        let meters = rows(METERS).iter().map(meter).collect();
        self.meters = meters;
        self
    }
}

fn item(id: &str, first_tier: TierId) -> Item {
    Item {
        id: id.to_owned(),
        product: ProductId(u16::from(id == "class")),
        name: id.to_owned(),
        kind: ItemKind::Duration,
        cadence: Cadence::Daily,
        round: if id == "delivery" { Round::Account } else { Round::App },
        per: 1000,
        first_tier,
        tier_count: 0,
        unpriced: Unpriced::Stop,
    }
}

fn price_lists(tiers: &[Vec<&str>]) -> Vec<PriceList> {
    let named = |only: &[(&str, &str)]| -> Vec<Option<UnitPrice>> {
        let price = |row: &Vec<&str>| {
            let key = format!("{}.{}", row[0], row[1]);
            let named = only.iter().find(|(tier, _)| *tier == key);
            named.map(|(_, price)| UnitPrice::parse(price).unwrap())
        };
        tiers.iter().map(price).collect()
    };
    let entry = |from: &str, base: Option<u16>, prices| PriceListEntry {
        from: day(from),
        base: base.map(PriceListId),
        prices,
    };
    let all = tiers.iter().map(|row| UnitPrice::parse(row[2]).ok()).collect();
    vec![
        PriceList {
            id: "list".to_owned(),
            entries: vec![entry("2021-01-01", None, all)],
        },
        PriceList {
            id: "acme".to_owned(),
            entries: vec![
                entry(
                    "2024-09-01",
                    Some(0),
                    named(&[("av.hd", "2.50"), ("screen_recording.hd", "9")]),
                ),
                entry("2024-11-01", Some(0), named(&[("av.audio", "0.50")])),
            ],
        },
    ]
}

fn free_rule(from: Option<&str>, before: Option<&str>, ratios: u16) -> FreeRule {
    FreeRule {
        registered_from: from.map(day),
        registered_before: before.map(day),
        minutes: Minutes::new(10_000),
        ratios: RatioTableId(ratios),
        cycles: None,
    }
}

fn plan(row: &[&str]) -> Plan {
    let (unit, count) = row[4].split_at(1);
    let count = count.parse().unwrap();
    Plan {
        id: row[0].to_owned(),
        product: ProductId(index(PRODUCTS.iter().position(|id| *id == row[1]).unwrap())),
        family: row[0].split_once('.').unwrap().0.to_owned(),
        price: (row[3] == "paid").then(|| Cents::from_units(9_900)),
        minutes: Minutes::new(row[2].parse().unwrap()),
        mau: 0,
        paid: row[3] == "paid",
        ratios: (row[5] != "-").then_some(RatioTableId(2)),
        validity: if unit == "m" {
            Validity::Months(count)
        } else {
            Validity::Days(count)
        },
        max_purchases: None,
        new_customers_of: Vec::new(),
        refund: RefundKind::Full,
        on_expiry: OnExpiry::Stop,
    }
}

fn product(id: &str) -> Product {
    Product {
        id: id.to_owned(),
        grace_hours: 24,
        removal_days: 60,
        policies: Vec::new(),
    }
}

/// The tier written `item.tier`.
pub(crate) fn tier_id(book: &Book, name: &str) -> TierId {
    let found = book.tiers.iter().position(|tier| tier_name_of(book, tier) == name);
    TierId(index(found.unwrap_or_else(|| panic!("no tier {name}"))))
}

/// `item.tier`.
pub(crate) fn tier_name(book: &Book, tier: TierId) -> String {
    tier_name_of(book, &book.tiers[tier.index()])
}

fn tier_name_of(book: &Book, tier: &Tier) -> String {
    format!("{}.{}", book.items[tier.item.index()].id, tier.name)
}

/// The plan of this name.
pub(crate) fn plan_id(book: &Book, name: &str) -> PlanId {
    let found = book.plans.iter().position(|plan| plan.id == name);
    PlanId(index(found.unwrap_or_else(|| panic!("no plan {name}"))))
}
