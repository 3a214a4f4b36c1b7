//! The validated price book: what a catalog file says, with every name resolved to an index.
//!
//! Pure data, no IO. [`super::parse`] is the only maker; what it lets through keeps the promises
//! written here, so the rules need not check them again.

use crate::units::quantity::{BillingDay, Cents, Minutes, Quantity, Ratio, UnitPrice};

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// The position in its list.
            pub fn index(self) -> usize {
                usize::from(self.0)
            }
        }
    };
}

index!(
    /// Position in [`Book::meters`].
    MeterId
);
index!(
    /// Position in [`Book::items`].
    ItemId
);
index!(
    /// Position in [`Book::tiers`]: an (item, tier) pair. Ordered as lines are deducted and shown:
    /// item order of the catalog, then tier order of the item.
    TierId
);
index!(
    /// Position in [`Book::price_lists`].
    PriceListId
);
index!(
    /// Position in [`Book::ratio_tables`].
    RatioTableId
);
index!(
    /// Position in [`Book::plans`].
    PlanId
);
index!(
    /// Position in [`Book::products`].
    ProductId
);

/// A whole catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Book {
    /// ISO 4217 code of every price in the book.
    pub currency: String,
    /// Raw meters, in catalog order.
    pub meters: Vec<Meter>,
    /// Billed items, in deduction and display order.
    pub items: Vec<Item>,
    /// Every tier of every item, item by item.
    pub tiers: Vec<Tier>,
    /// Price lists, one per id.
    pub price_lists: Vec<PriceList>,
    /// Deduction ratios, one table per id.
    pub ratio_tables: Vec<RatioTable>,
    /// Rules of the monthly free minutes; no two hold for one registration day.
    pub free: Vec<FreeRule>,
    /// What can be bought.
    pub plans: Vec<Plan>,
    /// Times in which packages of some plans serve the whole account.
    pub scope_promotions: Vec<ScopePromotion>,
    /// Products and their policies.
    pub products: Vec<Product>,
}

/// A raw measurement and the tiers that it feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meter {
    /// Name in the usage files.
    pub id: String,
    /// The item that it feeds, of kind duration.
    pub item: ItemId,
    /// Tiers by aggregate resolution, `max_pixels` strictly ascending, never empty.
    pub tiers: Vec<MeterTier>,
}

/// One step of a meter's tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MeterTier {
    /// The largest aggregate resolution of this tier.
    pub max_pixels: i64,
    /// The tier.
    pub tier: TierId,
}

impl Meter {
    /// The first tier with `pixels` <= its bound; above the last bound the last tier (SPEC 2.1, Decision).
    pub fn tier_of(&self, pixels: i64) -> TierId {
        self.tiers
            .iter()
            .find(|step| pixels <= step.max_pixels)
            .or(self.tiers.last())
            .map(|step| step.tier)
            .expect("a parsed meter has tiers")
    }
}

/// What bills charge for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Name in outputs.
    pub id: String,
    /// The product it belongs to.
    pub product: ProductId,
    /// Name for people.
    pub name: String,
    /// How its quantity comes about.
    pub kind: ItemKind,
    /// Billed by the day or by the month: durations daily, distinct users monthly, peaks and counts either.
    pub cadence: Cadence,
    /// Where seconds become minutes.
    pub round: Round,
    /// Prices are per this many: 1, 10, 100 or 1000.
    pub per: i64,
    /// Position of its first tier in [`Book::tiers`].
    pub first_tier: TierId,
    /// How many tiers it has; at least one.
    pub tier_count: u16,
    /// What a tier without a price does.
    pub unpriced: Unpriced,
}

/// How an item's quantity comes about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemKind {
    /// Seconds, rounded up to minutes, served by grants.
    Duration,
    /// The day's or month's largest sum over tasks, per destination, which names the tier (SPEC 3.7).
    Peak {
        /// Width of the intervals in which samples are compared.
        interval_seconds: i64,
        /// Per tier: a peak up to and including this many Mbps costs nothing.
        free_if_at_most: Vec<(TierId, Quantity)>,
    },
    /// A day's or month's count above a free quantity; of one tier.
    Count {
        /// How many are free.
        free_quantity: i64,
        /// The rest is rounded up to a multiple of this; positive.
        round_up_to: i64,
    },
    /// Distinct users of an app and month; of one tier.
    Unique,
}

/// How often an item is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cadence {
    /// One bill per day.
    Daily,
    /// One bill per calendar month.
    Monthly,
}

impl Cadence {
    /// As it stands in catalogs and outputs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Monthly => "monthly",
        }
    }
}

/// Where seconds are summed before they become minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Round {
    /// Per app.
    App,
    /// Over all apps of the account; the line's app is 0.
    Account,
}

/// What a tier without a price does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpriced {
    /// The run ends with exit 2.
    Stop,
    /// Its minutes are unbilled, with a warning.
    Unbilled,
}

/// An (item, tier) pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tier {
    /// The item.
    pub item: ItemId,
    /// Name in outputs, unique within the item.
    pub name: String,
}

/// A price list over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    /// Name in the accounts file and in outputs.
    pub id: String,
    /// Entries by effective day, ascending, never empty, no two on one day.
    pub entries: Vec<PriceListEntry>,
}

/// One entry of a price list: replaces the earlier entry of its id as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceListEntry {
    /// First billing day that it prices.
    pub from: BillingDay,
    /// Where prices come from that it does not name. Bases form no circle.
    pub base: Option<PriceListId>,
    /// Price by [`TierId`] position.
    pub prices: Vec<Option<UnitPrice>>,
}

/// Quota minutes per usage minute, by tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RatioTable {
    /// Name in the catalog.
    pub id: String,
    /// Ratio by [`TierId`] position; positive, and only of durations. None: the tier is not deductible.
    pub ratios: Vec<Option<Ratio>>,
}

/// Monthly free minutes for accounts registered in a range of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FreeRule {
    /// First registration day, None for the beginning of time.
    pub registered_from: Option<BillingDay>,
    /// First registration day that is too late, None for never.
    pub registered_before: Option<BillingDay>,
    /// Minutes of each cycle.
    pub minutes: Minutes,
    /// How they are deducted.
    pub ratios: RatioTableId,
    /// How many monthly cycles there are; None: without end.
    pub cycles: Option<u32>,
}

/// A package that can be bought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Name in the packages file.
    pub id: String,
    /// The product whose usage it unlocks.
    pub product: ProductId,
    /// Packages of one family and app queue up; families add up.
    pub family: String,
    /// Price of one package; None: it is never billed.
    pub price: Option<Cents>,
    /// Minutes of quota, 0 for plans without minutes.
    pub minutes: Minutes,
    /// Monthly active users included.
    pub mau: i64,
    /// Whether it unlocks pay-as-you-go.
    pub paid: bool,
    /// How its minutes are deducted; None only when it has no minutes.
    pub ratios: Option<RatioTableId>,
    /// How long it is valid.
    pub validity: Validity,
    /// How many an account may buy.
    pub max_purchases: Option<u32>,
    /// Only for who never bought one of these.
    pub new_customers_of: Vec<PlanId>,
    /// What a refund gives back; always nothing when there is no price.
    pub refund: RefundKind,
    /// What happens to the app when it ends.
    pub on_expiry: OnExpiry,
}

/// How long a package is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// To the day before the same date this many months later.
    Months(u32),
    /// This many days.
    Days(u32),
}

/// What a refund gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundKind {
    /// Nothing: the plan is not refundable.
    None,
    /// The price.
    Full,
    /// By days held.
    Prorated,
}

/// What happens to an app when its package ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnExpiry {
    /// Service stops.
    Stop,
    /// It falls back to the free edition.
    Free,
}

/// Days on which packages of some plans serve the whole account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopePromotion {
    /// The plans.
    pub plans: Vec<PlanId>,
    /// First billing day.
    pub from: BillingDay,
    /// Last billing day.
    pub until: BillingDay,
}

/// A product and what becomes of accounts in arrears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Name in outputs.
    pub id: String,
    /// Hours from overdue to suspension.
    pub grace_hours: i64,
    /// Days from suspension to removal.
    pub removal_days: i64,
    /// Policies by first day, ascending.
    pub policies: Vec<Policy>,
}

/// What enforcement does, from a day on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// First billing day.
    pub from: BillingDay,
    /// Actions while overdue.
    pub on_overdue: Vec<String>,
    /// Actions while suspended.
    pub on_suspended: Vec<String>,
    /// Actions once removed.
    pub on_removed: Vec<String>,
    /// Actions of app flags.
    pub on_stopped: Vec<String>,
    /// Within how many hours rooms are stopped.
    pub stop_rooms_within_hours: i64,
}

impl Book {
    /// The item of a tier.
    pub fn item_of(&self, tier: TierId) -> &Item {
        &self.items[self.tiers[tier.index()].item.index()]
    }

    /// The price of a tier on a day, and the list that gave it. None: the tier has no price.
    ///
    /// The entry in force replaces the earlier ones of its id; what it does not name comes from its
    /// base; before its first entry a list is its base (SPEC 2.7).
    pub fn price(&self, list: PriceListId, day: BillingDay, tier: TierId) -> Option<(UnitPrice, PriceListId)> {
        let mut list = list;
        loop {
            let entries = &self.price_lists[list.index()].entries;
            let in_force = entries.iter().rev().find(|entry| entry.from <= day);
            if let Some(price) = in_force.and_then(|entry| entry.prices[tier.index()]) {
                return Some((price, list));
            }
            list = in_force.or(entries.first())?.base?;
        }
    }

    /// The quota that one minute of `tier` takes from grants of this table. None: not deductible.
    pub fn ratio(&self, table: RatioTableId, tier: TierId) -> Option<Ratio> {
        self.ratio_tables[table.index()].ratios[tier.index()]
    }

    /// The free minutes of accounts registered on this day.
    pub fn free_rule(&self, registered: BillingDay) -> Option<&FreeRule> {
        self.free.iter().find(|rule| {
            rule.registered_from.is_none_or(|from| from <= registered)
                && rule.registered_before.is_none_or(|before| registered < before)
        })
    }

    /// The plan.
    pub fn plan(&self, plan: PlanId) -> &Plan {
        &self.plans[plan.index()]
    }

    /// Whether a promotion opens packages of this plan to the whole account on this day.
    pub fn is_promoted(&self, plan: PlanId, day: BillingDay) -> bool {
        self.scope_promotions
            .iter()
            .any(|promotion| promotion.plans.contains(&plan) && promotion.from <= day && day <= promotion.until)
    }
}
