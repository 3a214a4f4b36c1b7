//! A world to settle: a setting, and the lives of a few accounts in it, in the plainest words. Names and decimals are
//! text, days are dates, instants are microseconds UTC.

use std::borrow::Cow;

use chrono::{Days, NaiveDate};
use chrono_tz::Tz;

/// Accounts that one job settles together.
#[derive(Debug, Clone)]
pub struct World {
    pub name: String,
    pub setting: Setting,
    /// By ascending account number.
    pub lives: Vec<Life>,
    /// Rows that nobody is billed for.
    pub broken: Vec<BrokenRow>,
}

/// What all accounts of a world share.
#[derive(Debug, Clone)]
pub struct Setting {
    pub zone: Tz,
    /// What the dates of partitions are in; never another one with usage by the day.
    pub partition_zone: Tz,
    /// Hour and minute.
    pub billing_time: (u32, u32),
    /// `deduction_period = "5min"`.
    pub five_minutes: bool,
    /// `shape = "daily"` of usage; never with five minutes.
    pub by_the_day: bool,
    pub first_day: NaiveDate,
    /// How many days are settled, one after another.
    pub nights: usize,
    pub dunning_from: Option<NaiveDate>,
    pub max_new_suspensions: usize,
    pub catalog: Catalog,
}

impl Setting {
    pub fn day(&self, night: usize) -> NaiveDate {
        self.first_day + Days::new(u64::try_from(night).expect("few nights"))
    }

    pub fn last_day(&self) -> NaiveDate {
        self.day(self.nights - 1)
    }
}

#[derive(Debug, Clone, Default)]
pub struct Catalog {
    pub products: Vec<Product>,
    pub meters: Vec<Meter>,
    /// In catalog order.
    pub items: Vec<Item>,
    pub price_lists: Vec<PriceListEntry>,
    pub ratios: Vec<RatioTable>,
    pub free: Vec<FreeMinutes>,
    pub plans: Vec<Plan>,
    pub promotions: Vec<Promotion>,
}

#[derive(Debug, Clone)]
pub struct Product {
    pub id: String,
    pub grace_hours: i64,
    pub removal_days: i64,
    /// In any order.
    pub policies: Vec<Policy>,
}

#[derive(Debug, Clone)]
pub struct Policy {
    pub from: NaiveDate,
    pub on_overdue: Vec<String>,
    pub on_suspended: Vec<String>,
    pub on_removed: Vec<String>,
    pub on_stopped: Vec<String>,
    pub stop_rooms_within_hours: i64,
}

#[derive(Debug, Clone)]
pub struct Meter {
    pub id: String,
    pub item: String,
    /// `max_pixels` and tier, ascending.
    pub tiers: Vec<(i64, String)>,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub id: String,
    pub product: String,
    pub per: i64,
    pub kind: Kind,
    /// In catalog order.
    pub tiers: Vec<String>,
    /// `unpriced = "unbilled"`.
    pub unpriced_is_unbilled: bool,
    /// `cadence = "daily"`; durations are.
    pub is_daily: bool,
}

#[derive(Debug, Clone)]
pub enum Kind {
    /// Rounded up to minutes per app, or per account.
    Duration {
        account_rounded: bool,
    },
    /// Tiers and the Mbps that are free.
    Peak {
        interval_seconds: i64,
        free_if_at_most: Vec<(String, String)>,
    },
    Count {
        free_quantity: i64,
        round_up_to: i64,
    },
    Unique,
}

/// A `[[price_list]]` of the catalog: one entry of its id.
#[derive(Debug, Clone)]
pub struct PriceListEntry {
    pub id: String,
    pub base: Option<String>,
    pub from: NaiveDate,
    /// `item.tier` and price.
    pub prices: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct RatioTable {
    pub id: String,
    /// `item.tier` and ratio.
    pub minutes: Vec<(String, String)>,
}

#[derive(Debug, Clone)]
pub struct FreeMinutes {
    pub registered_from: Option<NaiveDate>,
    pub registered_before: Option<NaiveDate>,
    pub minutes: i64,
    pub ratios: String,
    pub cycles: Option<u32>,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub id: String,
    pub product: String,
    pub family: String,
    pub price: Option<String>,
    pub minutes: i64,
    pub mau: i64,
    pub paid: bool,
    pub ratios: Option<String>,
    pub validity: Validity,
    pub max_purchases: Option<usize>,
    pub new_customers_of: Vec<String>,
    pub refund: RefundKind,
    /// `on_expiry = "free"`.
    pub free_on_expiry: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum Validity {
    Months(u32),
    Days(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundKind {
    None,
    Full,
    Prorated,
}

#[derive(Debug, Clone)]
pub struct Promotion {
    pub plans: Vec<String>,
    pub from: NaiveDate,
    pub until: NaiveDate,
}

/// All that is known of an account, and all that it does.
#[derive(Debug, Clone)]
pub struct Life {
    pub account: Account,
    pub packages: Vec<Package>,
    pub payments: Vec<Payment>,
    pub requests: Vec<Request>,
    pub apps: Vec<App>,
    pub opening_balance: String,
    /// Grant and quota minutes used before the first day.
    pub opening_grants: Vec<(String, String)>,
    /// By night.
    pub usage: Vec<Vec<Usage>>,
    pub relay: Vec<RelaySample>,
    pub screenshots: Vec<Screenshots>,
    pub logins: Vec<Login>,
    /// By ascending night.
    pub changes: Vec<Change>,
}

/// What the runs from a night on find in columns that no date goes with.
#[derive(Debug, Clone)]
pub struct Change {
    pub from_night: usize,
    pub price_list: String,
    pub payg: String,
    pub credit_limit: String,
    pub products: Vec<String>,
    /// Whether packages are to be renewed that were.
    pub renews: bool,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub id: i64,
    pub registered_at: i64,
    pub free_anchor: Option<NaiveDate>,
    pub price_list: String,
    /// `auto`, `on` or `off`.
    pub payg: String,
    pub credit_limit: String,
    pub products: Vec<String>,
    pub violation_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Package {
    pub id: String,
    /// Ascending; empty = account-wide.
    pub apps: Vec<i64>,
    pub plan: String,
    pub purchased_at: i64,
    pub gift: bool,
    pub auto_renew: bool,
    pub refunded_at: Option<i64>,
    pub refunded_amount: String,
}

#[derive(Debug, Clone)]
pub struct Payment {
    pub paid_at: i64,
    pub amount: String,
    /// The first night whose run finds it in the file.
    pub from_night: usize,
    /// The first night whose run finds it there no longer.
    pub until_night: Option<usize>,
}

/// A row of `refund_requests`.
#[derive(Debug, Clone)]
pub struct Request {
    pub package: String,
    pub requested_at: i64,
}

/// A row of `apps`.
#[derive(Debug, Clone)]
pub struct App {
    pub app: i64,
    pub disabled_at: Option<i64>,
}

/// A usage row.
#[derive(Debug, Clone)]
pub struct Usage {
    pub at: i64,
    pub app: i64,
    pub meter: String,
    pub seconds: i64,
    pub pixels: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct RelaySample {
    pub at: i64,
    pub app: i64,
    pub task: String,
    pub kbps: i64,
    pub destination: String,
}

#[derive(Debug, Clone)]
pub struct Screenshots {
    pub at: i64,
    pub app: i64,
    pub images: i64,
}

#[derive(Debug, Clone)]
pub struct Login {
    pub at: i64,
    pub app: i64,
    pub user: String,
}

impl Life {
    /// As the run of a night finds it.
    pub fn on(&self, night: usize) -> Cow<'_, Self> {
        let Some(change) = self.changes.iter().rfind(|change| change.from_night <= night) else {
            return Cow::Borrowed(self);
        };
        let mut life = self.clone();
        life.account.price_list.clone_from(&change.price_list);
        life.account.payg.clone_from(&change.payg);
        life.account.credit_limit.clone_from(&change.credit_limit);
        life.account.products.clone_from(&change.products);
        for package in &mut life.packages {
            package.auto_renew &= change.renews;
        }
        Cow::Owned(life)
    }
}

/// The inputs that are partitioned by date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    Usage,
    Relay,
    Screenshots,
    Logins,
}

/// A row of a partition as its file has it; what is None is null there, or no column of the input.
#[derive(Debug, Clone, Default)]
pub struct FileRow {
    pub account: Option<i64>,
    pub app: Option<i64>,
    pub at: Option<i64>,
    /// What usage by the day has instead of an instant.
    pub day: Option<NaiveDate>,
    /// `meter`, or `item` of usage by the day, or `destination`.
    pub what: Option<String>,
    /// `tier` of usage by the day.
    pub tier: Option<String>,
    /// `task_id` or `user_id`.
    pub key: Option<String>,
    /// `seconds`, `kbps` or `images`.
    pub figure: Option<i64>,
    pub pixels: Option<i64>,
}

/// A row that breaks a rule, before this row of its file, or at its end.
#[derive(Debug, Clone)]
pub struct BrokenRow {
    pub input: Input,
    pub partition: NaiveDate,
    pub before: usize,
    pub row: FileRow,
}

impl Catalog {
    pub fn item(&self, id: &str) -> &Item {
        self.items
            .iter()
            .find(|item| item.id == id)
            .expect("an item of the catalog")
    }

    pub fn plan(&self, id: &str) -> &Plan {
        self.plans
            .iter()
            .find(|plan| plan.id == id)
            .expect("a plan of the catalog")
    }

    pub fn product(&self, id: &str) -> &Product {
        self.products
            .iter()
            .find(|product| product.id == id)
            .expect("a product of the catalog")
    }

    /// Takes an item that nothing uses out of the catalog, with its meter, prices and ratios.
    pub fn drop_item(&mut self, place: usize) {
        let item = self.items.remove(place).id;
        self.meters.retain(|meter| meter.item != item);
        let of_another = |(name, _): &(String, String)| name.split('.').next() != Some(&item);
        self.price_lists
            .iter_mut()
            .for_each(|entry| entry.prices.retain(of_another));
        self.ratios
            .iter_mut()
            .for_each(|table| table.minutes.retain(of_another));
    }
}
