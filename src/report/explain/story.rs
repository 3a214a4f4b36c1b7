//! The explanation as plain data: what the text, the JSON document and the page are made of.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::report::numbers::plain;
use crate::units::quantity::{
    AccountId, Amount, BillingDay, Cents, Instant, Minutes, Quantity, SdkAppId, Seconds, UnitPrice,
};

use super::grant_story::{GrantStep, GrantStory};
use super::life_story::{
    DecisionStory, FlagStory, MeasuredStory, PurchaseStory, RefundStory, RenewalStory, StandingStory,
};
use super::serial::{account, app, count, optional_app, text};

/// One account's day, with the story of every line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Name of the job that settled the day.
    pub job: String,
    /// The account.
    #[serde(serialize_with = "account")]
    pub account: AccountId,
    /// The billing day.
    #[serde(serialize_with = "text")]
    pub day: BillingDay,
    /// Only lines of this app are told; None: all are.
    #[serde(serialize_with = "optional_app")]
    pub app: Option<SdkAppId>,
    /// The batch that settled the day.
    pub batch: String,
    /// ISO 4217 code of all money.
    pub currency: String,
    /// IANA name of the zone of the day.
    pub timezone: String,
    /// When the day was billed.
    #[serde(serialize_with = "text")]
    pub issued_at: Instant,
    /// The same in the job's zone, `YYYY-MM-DD HH:MM`.
    pub issued_local: String,
    /// `day` or `5min`.
    pub deduction_period: &'static str,
    /// SHA-256 of the catalog that the day was settled with.
    pub catalog: String,
    /// The version that settled the day.
    pub tool: String,
    /// Whether what grants leave is billed: `auto`, `on` or `off`.
    pub payg: &'static str,
    /// The account's price list.
    pub price_list: String,
    /// What the day is charged: the sum of the bills.
    #[serde(serialize_with = "text")]
    pub charged: Cents,
    /// One per item, in catalog order.
    pub bills: Vec<BillStory>,
    /// In deduction order: by app, item and tier; account-rounded ones (app 0) last.
    pub lines: Vec<LineStory>,
    /// Free minutes and packages that the rules looked at or that are listed, in deduction order.
    pub grants: Vec<GrantStory>,
    /// The account's balance.
    pub balance: BalanceStory,
    /// What the balance has made of the account.
    pub standing: StandingStory,
    /// What enforcement reads, by app, product and flag.
    pub flags: Vec<FlagStory>,
    /// Refund requests that the batch decided, in the order in which it did.
    pub refunds: Vec<DecisionStory>,
    /// Packages that the batch renewed.
    pub renewals: Vec<RenewalStory>,
    /// What was compared with the ledger, table by table.
    pub compared: Vec<ComparedTable>,
    /// Where the ledger says something else.
    pub differences: Vec<Difference>,
    /// What the reader should know, such as inputs that have changed since.
    pub notes: Vec<String>,
    /// The ids of all items and what people call them.
    #[serde(skip)]
    pub item_names: Vec<(String, String)>,
}

/// A bill: its lines added up and rounded once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BillStory {
    /// Its id.
    pub bill_id: String,
    /// The item.
    pub item: String,
    /// The item's name for people.
    pub item_name: String,
    /// `daily` or `monthly`.
    pub cadence: &'static str,
    /// How many of its lines are told.
    pub lines: usize,
    /// How many lines of other apps it has, which are not told.
    pub other_lines: usize,
    /// The sum of those.
    #[serde(serialize_with = "text")]
    pub other_amount: Amount,
    /// Sum of all its lines.
    #[serde(serialize_with = "text")]
    pub exact: Amount,
    /// The same, rounded half away from zero to cents.
    #[serde(serialize_with = "text")]
    pub amount: Cents,
}

/// A bill line and how it came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineStory {
    /// The bill that it is on.
    pub bill_id: String,
    /// The app; 0 for the whole account.
    #[serde(serialize_with = "app")]
    pub app: SdkAppId,
    /// The item.
    pub item: String,
    /// The item's name for people.
    pub item_name: String,
    /// The tier.
    pub tier: String,
    /// How its quantity came about.
    pub how: QuantityStory,
    /// What is priced.
    #[serde(serialize_with = "text")]
    pub quantity: Quantity,
    /// Unit of the quantity.
    pub unit: &'static str,
    /// Price of one `per`; 0 where the tier has none.
    #[serde(serialize_with = "text")]
    pub unit_price: UnitPrice,
    /// How many units the price is for.
    pub per: i64,
    /// The list that gave the price; None where the tier has none, and for packages and refunds, whose prices are their own.
    pub price_list: Option<String>,
    /// quantity x unit_price / per, exact.
    #[serde(serialize_with = "text")]
    pub amount: Amount,
    /// The same in words of numbers: `60 / 1000 x 3.99 = 0.2394`.
    pub formula: String,
}

impl LineStory {
    /// Whether there is a price: of a list, or of the package itself.
    pub fn has_price(&self) -> bool {
        self.price_list.is_some() || matches!(self.how, QuantityStory::Purchase(_) | QuantityStory::Refund(_))
    }

    /// The quantity with its unit, for people: `12,000 images`, `2.766 Mbps`.
    pub fn quantity_in_words(&self) -> String {
        let quantity = plain(&self.quantity.to_string());
        match self.unit {
            "mbps" => format!("{quantity} Mbps"),
            unit if quantity == "1" || quantity == "-1" => format!("{quantity} {unit}"),
            unit => format!("{quantity} {unit}s"),
        }
    }
}

/// How the quantity of a line came about, by the kind of its item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuantityStory {
    /// Seconds, rounded up to minutes, of which grants cover some.
    Duration(DurationStory),
    /// Packages that were bought or renewed.
    Purchase(PurchaseStory),
    /// A package that was given back.
    Refund(RefundStory),
    /// A peak, a count or distinct users of a day or month.
    Measured(MeasuredStory),
}

impl QuantityStory {
    /// The story of a duration.
    pub fn duration(&self) -> Option<&DurationStory> {
        match self {
            Self::Duration(story) => Some(story),
            _ => None,
        }
    }

    /// The story of a purchase.
    pub fn purchase(&self) -> Option<&PurchaseStory> {
        match self {
            Self::Purchase(story) => Some(story),
            _ => None,
        }
    }

    /// The story of a refund.
    pub fn refund(&self) -> Option<&RefundStory> {
        match self {
            Self::Refund(story) => Some(story),
            _ => None,
        }
    }

    /// The story of what was measured.
    pub fn measured(&self) -> Option<&MeasuredStory> {
        match self {
            Self::Measured(story) => Some(story),
            _ => None,
        }
    }

    /// `duration`, `purchase`, `refund`, `peak`, `count` or `unique`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Duration(_) => "duration",
            Self::Purchase(_) => "purchase",
            Self::Refund(_) => "refund",
            Self::Measured(story) => story.kind,
        }
    }
}

/// The kind, and a field for each story, of which one is not null.
impl Serialize for QuantityStory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("QuantityStory", 5)?;
        fields.serialize_field("kind", self.kind())?;
        fields.serialize_field("duration", &self.duration())?;
        fields.serialize_field("purchase", &self.purchase())?;
        fields.serialize_field("refund", &self.refund())?;
        fields.serialize_field("measured", &self.measured())?;
        fields.end()
    }
}

/// From seconds to minutes that are billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DurationStory {
    /// `app`, or `account`: over which seconds are added before they are rounded.
    pub rounded_by: &'static str,
    /// Seconds by app; one for a line of an app.
    pub parts: Vec<UsagePart>,
    /// Their sum.
    #[serde(serialize_with = "count")]
    pub seconds: Seconds,
    /// Rounded up.
    #[serde(serialize_with = "count")]
    pub minutes: Minutes,
    /// By five-minute period, where grants are drawn on every five minutes; else empty.
    pub periods: Vec<PeriodStory>,
    /// The grants that were looked at, in that order, and what became of them.
    pub steps: Vec<GrantStep>,
    /// Covered by free minutes.
    #[serde(serialize_with = "count")]
    pub free_minutes: Minutes,
    /// Covered by packages.
    #[serde(serialize_with = "count")]
    pub package_minutes: Minutes,
    /// Priced.
    #[serde(serialize_with = "count")]
    pub payg_minutes: Minutes,
    /// Neither covered nor priced.
    #[serde(serialize_with = "count")]
    pub unbilled_minutes: Minutes,
    /// What became of minutes that grants left; None: they left none.
    pub rest: Option<RestStory>,
}

/// Seconds of one app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UsagePart {
    /// The app, never 0.
    #[serde(serialize_with = "app")]
    pub app: SdkAppId,
    /// Its seconds.
    #[serde(serialize_with = "count")]
    pub seconds: Seconds,
    /// How many usage rows they are from.
    pub rows: i64,
}

/// A five-minute period of a line, as in the guide's FAQ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PeriodStory {
    /// Its number, from 0.
    pub period: u16,
    /// Its first second in the job's zone, `HH:MM`.
    pub from: String,
    /// Usage in it.
    #[serde(serialize_with = "count")]
    pub seconds: Seconds,
    /// Usage of the day up to its end.
    #[serde(serialize_with = "count")]
    pub cumulative_seconds: Seconds,
    /// Those rounded up.
    #[serde(serialize_with = "count")]
    pub cumulative_minutes: Minutes,
    /// What it adds to them.
    #[serde(serialize_with = "count")]
    pub minutes: Minutes,
}

/// What became of the minutes that grants left of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestStory {
    /// How many.
    #[serde(serialize_with = "count")]
    pub minutes: Minutes,
    /// Whether they are billed.
    pub billed: bool,
    /// `payg_on`, `paid_package`, `payg_off`, `no_paid_package` or `no_price`.
    pub reason: &'static str,
    /// The same in words.
    pub because: String,
}

/// The account's balance: closing = opening + paid - charged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BalanceStory {
    /// Closing balance of the batch before.
    #[serde(serialize_with = "text")]
    pub opening: Cents,
    /// Payments that this batch counts.
    #[serde(serialize_with = "text")]
    pub paid: Cents,
    /// Sum of the bills.
    #[serde(serialize_with = "text")]
    pub charged: Cents,
    /// The balance after them.
    #[serde(serialize_with = "text")]
    pub closing: Cents,
    /// How far below zero it may go.
    #[serde(serialize_with = "text")]
    pub credit_limit: Cents,
}

/// A table of which every row of the account was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedTable {
    /// The table.
    pub table: &'static str,
    /// Posted rows of the account.
    pub rows: usize,
}

/// A place where the ledger says something else than the rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The table.
    pub table: &'static str,
    /// Which row, by its key columns; or the table's file that is not as recorded.
    pub row: String,
    /// The column, or `file size`; None: only one side has the row.
    pub column: Option<&'static str>,
    /// What is posted; None: no such row, or null.
    pub posted: Option<String>,
    /// What the rules make of it; None: no such row, or null.
    pub recomputed: Option<String>,
}
