//! What a night yields, as plain rows: the columns of SPEC section 4, table by table, as text.

use chrono::{DateTime, NaiveDate};

/// One account's night. Every list is in the order of its table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NightRows {
    pub usage: Vec<UsageRow>,
    pub periods: Vec<PeriodRow>,
    pub lines: Vec<LineRow>,
    pub bills: Vec<BillRow>,
    pub deductions: Vec<DeductionRow>,
    pub grants: Vec<GrantRow>,
    /// None: the account is not known yet.
    pub account: Option<AccountRow>,
    pub flags: Vec<FlagRow>,
    pub refunds: Vec<RefundRow>,
    pub renewals: Vec<RenewalRow>,
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
pub struct PeriodRow {
    pub app: i64,
    pub item: String,
    pub tier: String,
    pub period: i64,
    pub seconds: i128,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineRow {
    pub period_start: NaiveDate,
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
    pub unit: &'static str,
    pub unit_price: String,
    pub per: i64,
    pub price_list: Option<String>,
    pub amount: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillRow {
    pub period_start: NaiveDate,
    pub period_end: NaiveDate,
    pub item: String,
    pub cadence: &'static str,
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
    pub plan: String,
    pub apps: Vec<i64>,
    pub valid_from: NaiveDate,
    pub valid_to: NaiveDate,
    pub quota: String,
    pub opening: String,
    pub used: String,
    pub balance: String,
    pub status: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    pub opening: String,
    pub paid: String,
    pub charged: String,
    pub closing: String,
    pub paid_total: String,
    pub state: &'static str,
    pub overdue_since: Option<i64>,
    pub suspend_at: Option<i64>,
    pub suspended_at: Option<i64>,
    pub remove_at: Option<i64>,
    /// What the digest `facts` is of.
    pub facts: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagRow {
    pub app: i64,
    pub product: String,
    pub flag: &'static str,
    pub since: i64,
    pub deadline: Option<i64>,
    pub stop_rooms_by: Option<i64>,
    pub actions: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundRow {
    pub package: String,
    pub requested_at: i64,
    pub amount: String,
    /// None: approved.
    pub reason: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewalRow {
    pub package: String,
    pub apps: Vec<i64>,
    pub plan: String,
    pub purchased_at: i64,
    pub price: String,
}

/// A tier that must be priced and has no price: the run ends with exit 2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpriced {
    pub account: i64,
    pub app: i64,
    pub day: NaiveDate,
    pub item: String,
    pub tier: String,
    pub price_list: String,
    /// Minutes, or what else is priced, with six decimals.
    pub quantity: String,
}

// ---------------------------------------------------------------- as text

/// A table's name and columns, in their order (SPEC 4).
pub const TABLES: [(&str, &str); 11] = [
    ("usage_daily", "account_id sdk_app_id day item tier seconds rows"),
    ("usage_periods", "account_id sdk_app_id day item tier period seconds"),
    (
        "bill_lines",
        "bill_id account_id sdk_app_id day item tier seconds minutes free_minutes package_minutes payg_minutes \
         unbilled_minutes quantity unit unit_price per amount currency price_list",
    ),
    (
        "bills",
        "bill_id account_id period_start period_end item cadence exact amount currency issued_at corrects",
    ),
    (
        "deductions",
        "account_id sdk_app_id day item tier grant_id grant_kind minutes ratio quota",
    ),
    (
        "grants",
        "account_id grant_id kind plan apps valid_from valid_to quota opening used balance status",
    ),
    (
        "accounts",
        "account_id day opening paid charged closing paid_total state overdue_since suspend_at suspended_at remove_at \
         facts",
    ),
    (
        "flags",
        "account_id sdk_app_id product flag since deadline stop_rooms_by actions",
    ),
    ("refunds", "package_id account_id requested_at approved amount reason"),
    ("renewals", "package_id account_id apps plan purchased_at price"),
    (
        "rejects",
        "day file row reason account_id sdk_app_id meter ts seconds pixels",
    ),
];

/// A row as text, column by column.
pub type Cells = Vec<String>;

pub const NULL: &str = "null";

macro_rules! cells {
    ($($cell:expr),* $(,)?) => { vec![$($cell.to_string()),*] };
}
pub(crate) use cells;

pub fn instant(micros: i64) -> String {
    let at = DateTime::from_timestamp_micros(micros).expect("an instant of our times");
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

fn maybe(micros: Option<i64>) -> String {
    micros.map_or_else(|| NULL.to_owned(), instant)
}

/// Null: every app of the account.
fn joined(apps: &[i64]) -> String {
    if apps.is_empty() {
        return NULL.to_owned();
    }
    apps.iter().map(i64::to_string).collect::<Vec<_>>().join(";")
}

/// Which account and day the rows are of.
pub struct Place {
    pub account: i64,
    pub day: NaiveDate,
    pub issued_at: i64,
    pub five_minutes: bool,
}

impl NightRows {
    /// The account's rows of each table but `rejects`, in the order of [`TABLES`].
    pub fn tables(&self, place: &Place) -> Vec<Vec<Cells>> {
        let periods: &[PeriodRow] = if place.five_minutes { &self.periods } else { &[] };
        vec![
            self.usage.iter().map(|row| row.cells(place)).collect(),
            periods.iter().map(|row| row.cells(place)).collect(),
            self.lines.iter().map(|row| row.cells(place)).collect(),
            self.bills.iter().map(|row| row.cells(place)).collect(),
            self.deductions.iter().map(|row| row.cells(place)).collect(),
            self.grants.iter().map(|row| row.cells(place)).collect(),
            self.account.iter().map(|row| row.cells(place)).collect(),
            self.flags.iter().map(|row| row.cells(place)).collect(),
            self.refunds.iter().map(|row| row.cells(place)).collect(),
            self.renewals.iter().map(|row| row.cells(place)).collect(),
        ]
    }
}

impl UsageRow {
    fn cells(&self, Place { account, day, .. }: &Place) -> Cells {
        cells![account, self.app, day, self.item, self.tier, self.seconds, self.rows]
    }
}

impl PeriodRow {
    fn cells(&self, Place { account, day, .. }: &Place) -> Cells {
        cells![account, self.app, day, self.item, self.tier, self.period, self.seconds]
    }
}

impl LineRow {
    fn cells(&self, Place { account, day, .. }: &Place) -> Cells {
        cells![
            format!("{account}/{}/{}", self.period_start, self.item),
            account,
            self.app,
            day,
            self.item,
            self.tier,
            self.seconds,
            self.minutes,
            self.free_minutes,
            self.package_minutes,
            self.payg_minutes,
            self.unbilled_minutes,
            self.quantity,
            self.unit,
            self.unit_price,
            self.per,
            self.amount,
            "USD",
            self.price_list.as_deref().unwrap_or(NULL),
        ]
    }
}

impl BillRow {
    fn cells(&self, Place { account, issued_at, .. }: &Place) -> Cells {
        // 3.6: "bill_id = <account_id>/<period_start>/<item>. issued_at = the billing time of the batch's day."
        cells![
            format!("{account}/{}/{}", self.period_start, self.item),
            account,
            self.period_start,
            self.period_end,
            self.item,
            self.cadence,
            self.exact,
            self.amount,
            "USD",
            instant(*issued_at),
            NULL,
        ]
    }
}

impl DeductionRow {
    fn cells(&self, Place { account, day, .. }: &Place) -> Cells {
        cells![
            account,
            self.app,
            day,
            self.item,
            self.tier,
            self.grant,
            self.kind,
            self.minutes,
            self.ratio,
            self.quota,
        ]
    }
}

impl GrantRow {
    fn cells(&self, Place { account, .. }: &Place) -> Cells {
        cells![
            account,
            self.grant,
            self.kind,
            self.plan,
            joined(&self.apps),
            self.valid_from,
            self.valid_to,
            self.quota,
            self.opening,
            self.used,
            self.balance,
            self.status,
        ]
    }
}

impl AccountRow {
    fn cells(&self, Place { account, day, .. }: &Place) -> Cells {
        cells![
            account,
            day,
            self.opening,
            self.paid,
            self.charged,
            self.closing,
            self.paid_total,
            self.state,
            maybe(self.overdue_since),
            maybe(self.suspend_at),
            maybe(self.suspended_at),
            maybe(self.remove_at),
            self.facts,
        ]
    }
}

impl FlagRow {
    fn cells(&self, Place { account, .. }: &Place) -> Cells {
        cells![
            account,
            self.app,
            self.product,
            self.flag,
            instant(self.since),
            maybe(self.deadline),
            maybe(self.stop_rooms_by),
            self.actions,
        ]
    }
}

impl RefundRow {
    fn cells(&self, Place { account, .. }: &Place) -> Cells {
        cells![
            self.package,
            account,
            instant(self.requested_at),
            self.reason.is_none(),
            self.amount,
            self.reason.unwrap_or(NULL),
        ]
    }
}

impl RenewalRow {
    fn cells(&self, Place { account, .. }: &Place) -> Cells {
        cells![
            self.package,
            account,
            joined(&self.apps),
            self.plan,
            instant(self.purchased_at),
            self.price,
        ]
    }
}
