//! One account, its catalog and a few nights in a row, in the plainest words: names and decimals are text,
//! days are dates, instants are microseconds UTC.

use chrono::NaiveDate;
use chrono_tz::Tz;

#[derive(Debug, Clone)]
pub struct Scenario {
    pub name: String,
    pub zone: Tz,
    /// Hour and minute.
    pub billing_time: (u32, u32),
    /// `deduction_period = "5min"`.
    pub five_minutes: bool,
    pub first_settled_day: NaiveDate,
    pub catalog: Catalog,
    pub account: Account,
    pub packages: Vec<Package>,
    pub payments: Vec<Payment>,
    /// Where the account stood before the first night.
    pub opening: Opening,
    /// Consecutive days.
    pub nights: Vec<Night>,
}

#[derive(Debug, Clone)]
pub struct Catalog {
    pub products: Vec<String>,
    /// In catalog order.
    pub items: Vec<Item>,
    pub price_lists: Vec<PriceListEntry>,
    pub ratios: Vec<RatioTable>,
    pub free: Vec<FreeMinutes>,
    pub plans: Vec<Plan>,
    pub promotions: Vec<Promotion>,
}

#[derive(Debug, Clone)]
pub struct Item {
    pub id: String,
    pub product: String,
    pub per: i64,
    /// `round = "account"`.
    pub account_rounded: bool,
    /// In catalog order.
    pub tiers: Vec<String>,
    /// `unpriced = "unbilled"`.
    pub unpriced_is_unbilled: bool,
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
    pub minutes: i64,
    pub paid: bool,
    pub ratios: Option<String>,
    pub validity: Validity,
}

#[derive(Debug, Clone, Copy)]
pub enum Validity {
    Months(u32),
    Days(u32),
}

#[derive(Debug, Clone)]
pub struct Promotion {
    pub plans: Vec<String>,
    pub from: NaiveDate,
    pub until: NaiveDate,
}

#[derive(Debug, Clone)]
pub struct Account {
    pub id: i64,
    pub registered_at: i64,
    pub free_anchor: Option<NaiveDate>,
    pub price_list: String,
    /// `auto`, `on` or `off`.
    pub payg: String,
}

#[derive(Debug, Clone)]
pub struct Package {
    pub id: String,
    /// Ascending; empty = account-wide.
    pub apps: Vec<i64>,
    pub plan: String,
    pub purchased_at: i64,
    pub gift: bool,
    pub refunded_at: Option<i64>,
}

#[derive(Debug, Clone)]
pub struct Payment {
    pub paid_at: i64,
    pub amount: String,
}

#[derive(Debug, Clone)]
pub struct Opening {
    pub balance: String,
    pub paid_total: String,
    pub grants: Vec<OpeningGrant>,
}

#[derive(Debug, Clone)]
pub struct OpeningGrant {
    pub id: String,
    /// Quota minutes used before the first settled day.
    pub opening: String,
    /// Quota minutes used so far, `opening` included.
    pub used: String,
    pub void: bool,
}

#[derive(Debug, Clone)]
pub struct Night {
    pub day: NaiveDate,
    /// One per (app, item, tier, period).
    pub usage: Vec<Usage>,
}

#[derive(Debug, Clone)]
pub struct Usage {
    pub app: i64,
    pub item: String,
    pub tier: String,
    pub period: u16,
    pub seconds: i64,
    pub rows: i64,
}

impl Scenario {
    /// Takes an item that nothing uses out of the catalog, with its prices and ratios.
    pub fn drop_item(&mut self, place: usize) {
        let item = self.catalog.items.remove(place).id;
        let of_another = |(name, _): &(String, String)| name.split('.').next() != Some(&item);
        self.catalog
            .price_lists
            .iter_mut()
            .for_each(|entry| entry.prices.retain(of_another));
        self.catalog
            .ratios
            .iter_mut()
            .for_each(|table| table.minutes.retain(of_another));
    }
}
