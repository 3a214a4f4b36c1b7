//! Every column of every table, once: schemas, `nightbill schema` and the encoders follow these lists.

use std::fmt;

use arrow::datatypes::{DataType, Field, TimeUnit};

use super::Table;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// 64-bit signed integer.
    Int64,
    /// 16-bit signed integer.
    Int16,
    /// True or false.
    Bool,
    /// UTF-8.
    Text,
    /// A calendar date in the job's time zone.
    Date,
    /// Microseconds since 1970-01-01 00:00:00 UTC.
    Timestamp,
    /// A decimal number with this many digits, of which so many after the point.
    Decimal(u8, i8),
}

impl ColumnType {
    /// As an Arrow type; strings are plain, never dictionaries, so that no reader sees categories.
    pub fn arrow(self) -> DataType {
        match self {
            Self::Int64 => DataType::Int64,
            Self::Int16 => DataType::Int16,
            Self::Bool => DataType::Boolean,
            Self::Text => DataType::Utf8,
            Self::Date => DataType::Date32,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Self::Decimal(precision, scale) => DataType::Decimal128(precision, scale),
        }
    }
}

impl fmt::Display for ColumnType {
    /// As SPEC section 4 writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int64 => f.write_str("i64"),
            Self::Int16 => f.write_str("i16"),
            Self::Bool => f.write_str("bool"),
            Self::Text => f.write_str("string"),
            Self::Date => f.write_str("date"),
            Self::Timestamp => f.write_str("timestamp(us, UTC)"),
            Self::Decimal(precision, scale) => write!(f, "decimal({precision},{scale})"),
        }
    }
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub data_type: ColumnType,
    /// Whether it can be null.
    pub nullable: bool,
    /// What it says, with its unit.
    pub meaning: &'static str,
}

impl Column {
    pub(super) fn field(&self) -> Field {
        Field::new(self.name, self.data_type.arrow(), self.nullable)
    }
}

/// Never null.
const fn must(name: &'static str, data_type: ColumnType, meaning: &'static str) -> Column {
    Column {
        name,
        data_type,
        nullable: false,
        meaning,
    }
}

/// Null where there is none.
const fn may(name: &'static str, data_type: ColumnType, meaning: &'static str) -> Column {
    Column {
        name,
        data_type,
        nullable: true,
        meaning,
    }
}

use ColumnType::{Bool, Date, Decimal, Int16, Int64, Text, Timestamp};

const CENTS: ColumnType = Decimal(18, 2);
const QUOTA: ColumnType = Decimal(18, 2);

const ACCOUNT: Column = must("account_id", Int64, "the account");
const APP: Column = must("sdk_app_id", Int64, "the app; 0 for what belongs to the whole account");
const DAY: Column = must("day", Date, "the billing day");
const ITEM: Column = must("item", Text, "what is charged for");
const TIER: Column = must("tier", Text, "the priced category inside the item");

const USAGE_DAILY: &[Column] = &[
    ACCOUNT,
    must("sdk_app_id", Int64, "the app, never 0"),
    DAY,
    ITEM,
    TIER,
    must("seconds", Int64, "seconds of usage"),
    must("rows", Int64, "accepted usage rows"),
];

const USAGE_PERIODS: &[Column] = &[
    ACCOUNT,
    must("sdk_app_id", Int64, "the app, never 0"),
    DAY,
    ITEM,
    TIER,
    must("period", Int16, "five-minute period of the day by elapsed time, from 0"),
    must("seconds", Int64, "seconds of usage"),
];

const BILL_LINES: &[Column] = &[
    must("bill_id", Text, "the bill that the line is on"),
    ACCOUNT,
    APP,
    DAY,
    ITEM,
    TIER,
    must("seconds", Int64, "seconds metered"),
    must(
        "minutes",
        Int64,
        "minutes, rounded up; = free + package + payg + unbilled",
    ),
    must("free_minutes", Int64, "usage minutes covered by free minutes"),
    must("package_minutes", Int64, "usage minutes covered by packages"),
    must("payg_minutes", Int64, "usage minutes that are priced"),
    must("unbilled_minutes", Int64, "usage minutes neither covered nor priced"),
    must("quantity", Decimal(18, 6), "what is priced; for durations payg_minutes"),
    must("unit", Text, "unit of quantity: minute, mbps, image, user, package"),
    must(
        "unit_price",
        Decimal(18, 6),
        "price of one `per`; 0 where the tier has no price",
    ),
    must("per", Int64, "how many units unit_price is for"),
    must("amount", Decimal(38, 9), "quantity x unit_price / per, exact"),
    must("currency", Text, "ISO 4217 code"),
    may(
        "price_list",
        Text,
        "the list that gave the price; null where the tier has no price",
    ),
];

const BILLS: &[Column] = &[
    must(
        "bill_id",
        Text,
        "<account_id>/<period_start>/<item>; a correction's ends in @<batch>",
    ),
    ACCOUNT,
    must("period_start", Date, "first billing day of the period"),
    must("period_end", Date, "last billing day of the period"),
    ITEM,
    must("cadence", Text, "daily or monthly"),
    must("exact", Decimal(38, 9), "sum of the lines' amounts"),
    must("amount", CENTS, "the same, rounded half away from zero"),
    must("currency", Text, "ISO 4217 code"),
    must("issued_at", Timestamp, "billing time of the batch's day"),
    may(
        "corrects",
        Text,
        "the bill that this one corrects; null for a bill of its own",
    ),
];

const DEDUCTIONS: &[Column] = &[
    ACCOUNT,
    APP,
    DAY,
    ITEM,
    TIER,
    must("grant_id", Text, "the grant that gave"),
    must("grant_kind", Text, "free or package"),
    must("minutes", Int64, "usage minutes covered"),
    must("ratio", Decimal(9, 2), "quota minutes per usage minute"),
    must("quota", QUOTA, "minutes x ratio"),
];

const GRANTS: &[Column] = &[
    ACCOUNT,
    must("grant_id", Text, "free:<account_id>:<first day>, or the package's id"),
    must("kind", Text, "free or package"),
    must("plan", Text, "the plan; free for a cycle of free minutes"),
    may("apps", Text, "apps that it is bound to, ;-joined; null: account-wide"),
    must("valid_from", Date, "first day, as its queue sets it"),
    must("valid_to", Date, "last day, not shortened by a refund or removal"),
    must("quota", QUOTA, "quota minutes that it gave at first; = used + balance"),
    must("opening", QUOTA, "quota minutes used before the first settled day"),
    must("used", QUOTA, "quota minutes used so far, opening included"),
    must("balance", QUOTA, "quota minutes left"),
    must(
        "status",
        Text,
        "void, refunded, expired, queued, exhausted or active: the first that holds",
    ),
];

const ACCOUNTS: &[Column] = &[
    ACCOUNT,
    DAY,
    must("opening", CENTS, "closing balance of the batch before"),
    must("paid", CENTS, "payments counted by this batch"),
    must("charged", CENTS, "sum of this batch's bills"),
    must("closing", CENTS, "= opening + paid - charged"),
    must("paid_total", CENTS, "all payments counted so far"),
    must("state", Text, "active, overdue, suspended, removed or violation"),
    may(
        "overdue_since",
        Timestamp,
        "when the balance fell below the credit limit",
    ),
    may("suspend_at", Timestamp, "when an overdue account is suspended"),
    may("suspended_at", Timestamp, "when it was suspended"),
    may("remove_at", Timestamp, "when a suspended account is removed"),
    must(
        "facts",
        Int64,
        "digest of the account's dated facts known at the billing time",
    ),
];

const FLAGS: &[Column] = &[
    ACCOUNT,
    must("sdk_app_id", Int64, "the app; 0: the whole account"),
    must("product", Text, "the product"),
    must(
        "flag",
        Text,
        "overdue, suspended, removed, violation, free_exhausted, package_expired or disabled",
    ),
    must("since", Timestamp, "when it began"),
    may("deadline", Timestamp, "when the next stage comes"),
    may("stop_rooms_by", Timestamp, "when rooms must be stopped at the latest"),
    must("actions", Text, "what enforcement does, ;-joined"),
];

const REFUNDS: &[Column] = &[
    must("package_id", Text, "the package"),
    ACCOUNT,
    must("requested_at", Timestamp, "when it was asked for"),
    must("approved", Bool, "whether it is given"),
    must("amount", CENTS, "how much is given back; 0 when refused"),
    may("reason", Text, "why it is refused; null when approved"),
];

const RENEWALS: &[Column] = &[
    must("package_id", Text, "the new package: <first id>+<n>"),
    ACCOUNT,
    may("apps", Text, "apps that it is bound to, ;-joined; null: account-wide"),
    must("plan", Text, "the plan"),
    must("purchased_at", Timestamp, "start of the day after the old one's last"),
    must("price", CENTS, "its price"),
];

const REJECTS: &[Column] = &[
    DAY,
    must("file", Text, "the file, relative to the usage URL"),
    must("row", Int64, "row number in the file, from 1"),
    must("reason", Text, "the first rule that it breaks"),
    may(
        "account_id",
        Int64,
        "as the file has it; null where null or beyond 64 bits",
    ),
    may("sdk_app_id", Int64, "as the file has it"),
    may(
        "meter",
        Text,
        "as the file has it; the default where the column is absent",
    ),
    may("ts", Timestamp, "as the file has it"),
    may(
        "seconds",
        Int64,
        "as the file has it; the default where the column is absent",
    ),
    may("pixels", Int64, "as the file has it"),
];

const CARRIED: &[Column] = &[
    ACCOUNT,
    must("decision", Text, "refund, removal or renewal"),
    may("package_id", Text, "the package; null for a removal"),
    must(
        "at",
        Timestamp,
        "when the refund was requested, the account was removed, the renewal was bought",
    ),
    may(
        "ends_on",
        Date,
        "first day on which a refunded package is over; null when refused",
    ),
    may(
        "apps",
        Text,
        "apps that a renewal is bound to, ;-joined; null: account-wide",
    ),
    may("plan", Text, "the plan of a renewal"),
];

/// The columns of a table, in their order.
pub(super) const fn of(table: Table) -> &'static [Column] {
    match table {
        Table::UsageDaily => USAGE_DAILY,
        Table::UsagePeriods => USAGE_PERIODS,
        Table::BillLines => BILL_LINES,
        Table::Bills => BILLS,
        Table::Deductions => DEDUCTIONS,
        Table::Grants => GRANTS,
        Table::Accounts => ACCOUNTS,
        Table::Flags => FLAGS,
        Table::Refunds => REFUNDS,
        Table::Renewals => RENEWALS,
        Table::Rejects => REJECTS,
        Table::Carried => CARRIED,
    }
}
