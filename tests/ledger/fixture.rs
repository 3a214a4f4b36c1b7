//! A small book, hand-made account days, and ledgers in temporary directories.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use nightbill::catalog::book::{
    Book, Cadence, Item, ItemId, ItemKind, OnExpiry, Plan, PlanId, PriceList, PriceListEntry, PriceListId, Product,
    ProductId, RatioTable, RatioTableId, RefundKind, Round, Tier, TierId, Unpriced, Validity,
};
use nightbill::ledger::batch::{Facts, Ledger, LedgerError};
use nightbill::ledger::record::{
    BatchId, CommitRecord, ControlTotals, DimensionEntry, InputEntry, JobDigest, MinuteTotals,
};
use nightbill::ledger::tables::{RowContext, Rows, RowsBuilder, Table};
use nightbill::rules::account_day::{
    AccountDay, BalanceState, Bill, BillLine, BilledItem, Deduction, DeductionPeriod, GrantId, GrantState, GrantStatus,
    UsageLine,
};
use nightbill::rules::dunning::Standing;
use nightbill::rules::facts::{Carried, UsageGroup};
use nightbill::store::{Location, Store};
use nightbill::units::digest::sha256_hex;
use nightbill::units::quantity::{
    AccountId, Amount, BillingDay, Cents, Instant, Minutes, Quantity, Quota, Ratio, SdkAppId, Seconds, UnitPrice,
};

pub const CATALOG: &str = "currency = \"USD\"\n";

/// Tiers in catalog order, which is not the order of their names.
pub const MIX_HD: TierId = TierId(0);
pub const MIX_AUDIO: TierId = TierId(1);
pub const AV_HD: TierId = TierId(2);
pub const AV_AUDIO: TierId = TierId(3);

pub fn book() -> Book {
    let item = |id: &str, first_tier, round| Item {
        id: id.to_owned(),
        product: ProductId(0),
        name: id.to_owned(),
        kind: ItemKind::Duration,
        cadence: Cadence::Daily,
        round,
        per: 1000,
        first_tier,
        tier_count: 2,
        unpriced: Unpriced::Stop,
    };
    let tier = |item, name: &str| Tier {
        item: ItemId(item),
        name: name.to_owned(),
    };
    Book {
        currency: "USD".to_owned(),
        meters: Vec::new(),
        items: vec![item("mix", MIX_HD, Round::Account), item("av", AV_HD, Round::App)],
        tiers: vec![tier(0, "hd"), tier(0, "audio"), tier(1, "hd"), tier(1, "audio")],
        price_lists: vec![PriceList {
            id: "list".to_owned(),
            entries: vec![PriceListEntry {
                from: day("2021-01-01"),
                base: None,
                prices: vec![None; 4],
            }],
        }],
        ratio_tables: vec![RatioTable {
            id: "package".to_owned(),
            ratios: vec![None; 4],
        }],
        free: Vec::new(),
        plans: vec![Plan {
            id: "call.group".to_owned(),
            product: ProductId(0),
            family: "call".to_owned(),
            price: Some(Cents::from_units(49_900)),
            minutes: Minutes::new(500),
            mau: 0,
            paid: true,
            ratios: Some(RatioTableId(0)),
            validity: Validity::Months(1),
            max_purchases: None,
            new_customers_of: Vec::new(),
            refund: RefundKind::None,
            on_expiry: OnExpiry::Stop,
        }],
        scope_promotions: Vec::new(),
        products: vec![Product {
            id: "trtc".to_owned(),
            grace_hours: 24,
            removal_days: 60,
            policies: Vec::new(),
        }],
    }
}

pub fn day(text: &str) -> BillingDay {
    BillingDay::from_date(text.parse().unwrap())
}

pub fn batch(text: &str) -> BatchId {
    BatchId::parse(text).unwrap()
}

pub fn account(id: i64) -> AccountId {
    AccountId::new(id).unwrap()
}

pub fn app(id: i64) -> SdkAppId {
    SdkAppId::new(id).unwrap_or(SdkAppId::ACCOUNT_WIDE)
}

pub fn context<'a>(book: &'a Book, day: BillingDay, deduction_period: DeductionPeriod) -> RowContext<'a> {
    RowContext {
        book,
        day,
        issued_at: Instant::from_micros(i64::from(day.epoch_days() + 1) * 86_400_000_000 + 7_200_000_000),
        deduction_period,
    }
}

static APPS: LazyLock<Vec<SdkAppId>> = LazyLock::new(|| vec![app(1400), app(1500)]);

/// An account with 3 minutes of mixing on app 0, a minute of av on two apps, a free grant and a package.
pub fn account_day(id: i64, day: BillingDay) -> AccountDay<'static> {
    let usage = |app_id, tier, seconds| UsageLine {
        app: app(app_id),
        tier,
        seconds: Seconds::new(seconds),
        rows: seconds / 10,
    };
    let free = GrantId::Free {
        account: account(id),
        first_day: day,
    };
    let deduction = |app_id, tier, grant, ratio| Deduction {
        app: app(app_id),
        tier,
        grant,
        minutes: Minutes::new(1),
        ratio: Ratio::from_units(ratio),
        quota: Quota::from_units(ratio),
    };
    AccountDay {
        usage: vec![
            usage(1400, MIX_HD, 100),
            usage(1400, MIX_AUDIO, 20),
            usage(1400, AV_HD, 50),
            usage(1500, MIX_HD, 80),
        ],
        lines: vec![
            line(1400, AV_HD, [1, 0, 1, 0, 0]),
            line(0, MIX_HD, [3, 1, 1, 1, 0]),
            line(0, MIX_AUDIO, [1, 0, 0, 0, 1]),
        ],
        purchases: Vec::new(),
        credits: Vec::new(),
        bills: vec![
            Bill {
                item: BilledItem::Usage(ItemId(0)),
                exact: Amount::from_units(3_990_000),
                amount: Cents::from_units(0),
            },
            Bill {
                item: BilledItem::Usage(ItemId(1)),
                exact: Amount::ZERO,
                amount: Cents::ZERO,
            },
        ],
        deductions: vec![
            deduction(1400, AV_HD, GrantId::Package("p-1"), 400),
            deduction(0, MIX_HD, free, 100),
            deduction(0, MIX_HD, GrantId::Package("e-1"), 250),
        ],
        grants: vec![
            grant(GrantId::Package("p-1"), &[], 400),
            grant(free, &[], 100),
            grant(GrantId::Package("e-1"), APPS.as_slice(), 250),
        ],
        balance: BalanceState {
            opening: Cents::from_units(100),
            paid: Cents::from_units(1_000),
            charged: Cents::ZERO,
            closing: Cents::from_units(1_100),
            paid_total: Cents::from_units(1_000),
        },
        standing: Standing::Active,
        violation_since: None,
        transitions: Vec::new(),
        flags: Vec::new(),
        refunds: Vec::new(),
        renewals: Vec::new(),
        breaches: Vec::new(),
        carried: Carried::default(),
    }
}

/// minutes, free, package, payg, unbilled.
fn line(app_id: i64, tier: TierId, minutes: [i64; 5]) -> BillLine {
    let [total, free, package, payg, unbilled] = minutes.map(Minutes::new);
    let priced = unbilled == Minutes::ZERO;
    BillLine {
        app: app(app_id),
        tier,
        seconds: Seconds::new(total.get() * 60),
        minutes: total,
        free_minutes: free,
        package_minutes: package,
        payg_minutes: payg,
        unbilled_minutes: unbilled,
        quantity: Quantity::from_whole(payg.get()).unwrap(),
        unit_price: UnitPrice::from_units(if priced { 3_990_000 } else { 0 }),
        price_list: priced.then_some(PriceListId(0)),
        amount: Amount::from_units(i128::from(payg.get()) * 3_990_000),
    }
}

/// A grant of 500 minutes with so many hundredths used.
pub fn grant<'a>(id: GrantId<'a>, apps: &'a [SdkAppId], used: i64) -> GrantState<'a> {
    let (valid_from, valid_to) = (day("2024-10-01"), day("2024-10-31"));
    GrantState {
        grant: id,
        plan: (id.kind() == "package").then_some(PlanId(0)),
        apps,
        valid_from,
        valid_to,
        quota: Quota::from_units(50_000),
        opening: Quota::ZERO,
        used: Quota::from_units(used),
        balance: Quota::from_units(50_000 - used),
        status: GrantStatus::Active,
    }
}

pub fn periods() -> Vec<UsageGroup> {
    let group = |tier, period| UsageGroup {
        app: app(1400),
        tier,
        period,
        seconds: Seconds::new(50),
        rows: 5,
    };
    vec![
        group(MIX_HD, 287),
        group(AV_HD, 3),
        group(AV_HD, 40),
        group(AV_AUDIO, 3),
    ]
}

/// The rows of some accounts' day.
pub fn rows(day: BillingDay, accounts: impl IntoIterator<Item = i64>) -> Rows {
    let book = book();
    let mut builder = RowsBuilder::new(context(&book, day, DeductionPeriod::Day));
    for id in accounts {
        builder
            .push_account(account(id), &account_day(id, day), &[], id * 7)
            .unwrap();
    }
    builder.finish()
}

pub fn facts() -> Facts {
    Facts {
        job: JobDigest {
            currency: "USD".to_owned(),
            name: "trtc-nightly".to_owned(),
            digest: "00".repeat(32),
            catalog: sha256_hex(CATALOG.as_bytes()),
            timezone: "Asia/Shanghai".to_owned(),
            billing_time: "10:00".to_owned(),
            deduction_period: "day".to_owned(),
        },
        catalog_text: CATALOG.to_owned(),
        inputs: vec![InputEntry {
            input: "usage".to_owned(),
            path: "date=2024-10-12/part-0.parquet".to_owned(),
            size: 1_234,
            etag: Some("abc".to_owned()),
            rows: 12,
            day_rows: 11,
            accepted_rows: 10,
            accepted_seconds: 100,
        }],
        dimensions: vec![DimensionEntry {
            dimension: "accounts".to_owned(),
            path: "accounts.csv".to_owned(),
            size: 99,
            etag: None,
            sha256: "11".repeat(32),
            rows: 3,
        }],
        totals: ControlTotals {
            rows: 11,
            seconds: 110,
            accepted_rows: 10,
            accepted_seconds: 100,
            rejected_rows: 1,
            rejected: BTreeMap::from([("bad_key".to_owned(), 1)]),
            accounts: 3,
            minutes: MinuteTotals {
                total: 5,
                free: 1,
                package: 2,
                payg: 1,
                unbilled: 1,
            },
            amount: "0.00".to_owned(),
            ..ControlTotals::default()
        },
    }
}

pub fn store(directory: &Path) -> Store {
    let url = url::Url::from_directory_path(directory).unwrap();
    Store::open(&Location::from_url(url).unwrap()).unwrap()
}

pub fn ledger(directory: &Path) -> Ledger {
    Ledger::open(store(directory)).unwrap()
}

/// Posts a batch of these rows; its record.
pub fn post(directory: &Path, id: &str, rows: Rows) -> CommitRecord {
    use nightbill::ledger::batch::Committed;
    match try_post(&ledger(directory), id, rows).unwrap() {
        Committed::Posted(record) => record,
        Committed::AlreadyPosted(_) => panic!("{id} was posted before"),
    }
}

pub fn try_post(ledger: &Ledger, id: &str, rows: Rows) -> Result<nightbill::ledger::batch::Committed, LedgerError> {
    let mut writer = ledger.begin(batch(id))?;
    writer.append(rows)?;
    writer.commit(facts())
}

/// Every object under a directory with its hash, but what lies in `_staging`.
pub fn tree(directory: &Path) -> BTreeMap<String, String> {
    let store = store(directory);
    let objects = store.list("").unwrap();
    let kept = objects.iter().filter(|object| !object.path.starts_with("_staging/"));
    kept.map(|object| (object.path.clone(), sha256_hex(store.get(&object.path).unwrap())))
        .collect()
}

/// What globs over the tables see.
pub fn tables(directory: &Path) -> BTreeMap<String, String> {
    let mut tree = tree(directory);
    tree.retain(|path, _| {
        Table::ALL
            .iter()
            .any(|table| path.starts_with(&format!("{}/", table.name())))
    });
    tree
}
