//! What a night yields, as plain rows: the reference's and the crate's are brought to this form and compared.

use chrono::NaiveDate;

/// One account's night. Every list is in the order of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NightRows {
    pub usage: Vec<UsageRow>,
    pub lines: Vec<LineRow>,
    pub bills: Vec<BillRow>,
    pub deductions: Vec<DeductionRow>,
    pub grants: Vec<GrantRow>,
    pub balance: BalanceRow,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    pub app: i64,
    pub item: String,
    pub tier: String,
    pub seconds: i128,
    pub rows: i128,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRow {
    pub app: i64,
    pub item: String,
    pub tier: String,
    pub seconds: i128,
    pub minutes: i128,
    pub free_minutes: i128,
    pub package_minutes: i128,
    pub payg_minutes: i128,
    pub unbilled_minutes: i128,
    pub quantity: String,
    pub unit_price: String,
    pub price_list: Option<String>,
    pub amount: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRow {
    pub item: String,
    pub exact: String,
    pub amount: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeductionRow {
    pub app: i64,
    pub item: String,
    pub tier: String,
    pub grant: String,
    pub kind: String,
    pub minutes: i128,
    pub ratio: String,
    pub quota: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    pub grant: String,
    pub kind: String,
    pub plan: Option<String>,
    pub apps: Vec<i64>,
    pub valid_from: String,
    pub valid_to: String,
    pub quota: String,
    pub opening: String,
    pub used: String,
    pub balance: String,
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceRow {
    pub opening: String,
    pub paid: String,
    pub charged: String,
    pub closing: String,
    pub paid_total: String,
}

/// Why a night cannot be settled: a tier that must be priced has no price, or anything else in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    Unpriced {
        account: i64,
        app: i64,
        day: NaiveDate,
        item: String,
        tier: String,
        price_list: String,
        minutes: i128,
    },
    Other(String),
}
