//! `[[item]]` with its tiers, and `[[meter]]`.

use super::book::{Cadence, Item, ItemId, ItemKind, Meter, MeterTier, ProductId, Round, Tier, TierId, Unpriced};
use super::names::{Names, all, decimal};
use crate::config::fields::{Field, Fields};
use crate::config::words::quoted;
use crate::units::quantity::Quantity;

const KEYS: [&str; 13] = [
    "id",
    "product",
    "name",
    "kind",
    "cadence",
    "round",
    "per",
    "tiers",
    "unpriced",
    "interval_seconds",
    "free_if_at_most",
    "free_quantity",
    "round_up_to",
];
const METER_KEYS: [&str; 3] = ["id", "item", "tiers"];
/// SPEC 2.7: bills of packages and of refunds use these.
const RESERVED: [&str; 2] = ["package", "refund"];
const LARGEST_PIXELS: i64 = 1_000_000_000_000;
const LARGEST_COUNT: i64 = 1_000_000_000_000;
const LARGEST_ROUND_UP: i64 = 1_000_000_000;
const SECONDS_OF_A_DAY: i64 = 86_400;
/// In millionths: a billion Mbps.
const LARGEST_FREE_PEAK: i64 = 1_000_000_000_000_000;

/// The kinds, and the keys that only they have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Duration,
    Peak,
    Count,
    Unique,
}

impl Kind {
    const WORDS: [(&'static str, Self); 4] = [
        ("duration", Self::Duration),
        ("peak", Self::Peak),
        ("count", Self::Count),
        ("unique", Self::Unique),
    ];
    const OWN_KEYS: [(&'static str, Self); 5] = [
        ("round", Self::Duration),
        ("interval_seconds", Self::Peak),
        ("free_if_at_most", Self::Peak),
        ("free_quantity", Self::Count),
        ("round_up_to", Self::Count),
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Duration => "duration",
            Self::Peak => "peak",
            Self::Count => "count",
            Self::Unique => "unique",
        }
    }
}

/// The names of items and of the tiers in each, and what they stand for.
pub(super) struct Items {
    names: Names,
    /// By item position: whether grants can serve it, its tiers' names, and where its first tier is.
    tiers: Vec<ItemTiers>,
    pub tier_list: Vec<Tier>,
    pub items: Option<Vec<Item>>,
}

struct ItemTiers {
    names: Names,
    first: u16,
    is_duration: bool,
}

impl Items {
    /// How many tiers there are in all.
    pub(super) fn tier_count(&self) -> usize {
        self.tier_list.len()
    }

    /// The tier that "item.tier" names; `field` is the value beside it.
    pub(super) fn tier(&self, field: &Field<'_>, key: &str) -> Option<TierId> {
        let Some((item, tier)) = key.split_once('.') else {
            field.fail_with(format!("{} is not \"item.tier\"", quoted(key)), "write it as \"av.hd\"");
            return None;
        };
        let item = self.names.resolve_id(field, item)?;
        self.tier_of(field, item, tier)
    }

    /// Whether a tier belongs to an item whose minutes grants can serve.
    pub(super) fn is_duration(&self, tier: TierId) -> bool {
        let item = self.tier_list.get(tier.index()).map(|tier| tier.item.index());
        item.and_then(|item| self.tiers.get(item))
            .is_some_and(|item| item.is_duration)
    }

    fn tier_of(&self, field: &Field<'_>, item: u16, tier: &str) -> Option<TierId> {
        let tiers = self.tiers.get(usize::from(item))?;
        let position = tiers.names.resolve_id(field, tier)?;
        tiers.first.checked_add(position).map(TierId)
    }
}

/// The items, in order, with all their tiers.
pub(super) fn read(root: &Fields<'_>, products: &Names) -> Items {
    let mut reader = Items {
        names: Names::without_dots("item"),
        tiers: Vec::new(),
        tier_list: Vec::new(),
        items: None,
    };
    let items = root
        .tables("item", &KEYS)
        .iter()
        .map(|fields| reader.item(fields, products))
        .collect();
    reader.items = all(items);
    reader
}

impl Items {
    fn item(&mut self, fields: &Fields<'_>, products: &Names) -> Option<Item> {
        let id = fields.require("id");
        if let Some(field) = id.as_ref().filter(|id| is_reserved(id)) {
            field.fail_with(
                format!("{} is reserved", quoted(field.meaning()?)),
                "bills of packages and refunds use it; choose another id",
            );
        }
        let defined = id.as_ref().and_then(|id| self.names.define(id));
        let product = fields.require("product").and_then(|field| products.resolve(&field));
        let name = fields.optional("name", |field| field.meaning().map(str::to_owned));
        let kind = fields.require("kind").and_then(|field| field.choice(&Kind::WORDS));
        let cadence = fields.require("cadence").and_then(|field| cadence(&field, kind));
        let round = fields.or("round", Round::App, |field| {
            field.choice(&[("app", Round::App), ("account", Round::Account)])
        });
        let per = fields.require("per").and_then(|field| per(&field, kind));
        let unpriced = fields.or("unpriced", Unpriced::Stop, |field| {
            field.choice(&[("stop", Unpriced::Stop), ("unbilled", Unpriced::Unbilled)])
        });
        // Also for an item that is wrong otherwise: what refers to its tiers is not wrong for that.
        let tiers = defined.and_then(|item| self.add_tiers(fields, ItemId(item), kind));
        let kind = kind.and_then(|kind| self.kind(fields, kind, defined));
        let id = id?.meaning()?.to_owned();
        let (first_tier, tier_count) = tiers?;
        Some(Item {
            name: name?.unwrap_or_else(|| id.clone()),
            id,
            product: ProductId(product?),
            kind: kind?,
            cadence: cadence?,
            round: round?,
            per: per?,
            first_tier,
            tier_count,
            unpriced: unpriced?,
        })
    }

    /// Adds the item's tiers to the list of all: the first one and how many. None: what is wrong is noted.
    fn add_tiers(&mut self, fields: &Fields<'_>, item: ItemId, kind: Option<Kind>) -> Option<(TierId, u16)> {
        let mut names = Names::without_dots("tier");
        let first = u16::try_from(self.tier_list.len());
        let field = fields.require("tiers");
        let elements = field.as_ref().and_then(Field::list);
        if let (Some(field), Some([])) = (&field, elements.as_deref()) {
            field.fail("an item needs at least one tier");
        }
        for element in elements.unwrap_or_default() {
            if names.define(&element).is_some() {
                let name = element.meaning().unwrap_or_default().to_owned();
                self.tier_list.push(Tier { item, name });
            }
        }
        if let (Some(field), Some(Kind::Count | Kind::Unique), 2..) = (&field, kind, names.len()) {
            // Nothing in the inputs says which of several tiers a row counts in.
            field.fail("items of kind \"count\" and \"unique\" have one tier");
        }
        let count = u16::try_from(names.len()).ok();
        let fits = u16::try_from(self.tier_list.len()).is_ok();
        let is_duration = kind.is_none_or(|kind| kind == Kind::Duration);
        self.tiers.push(ItemTiers {
            names,
            first: first.unwrap_or(u16::MAX),
            is_duration,
        });
        if !fits {
            field?.fail(format!("more than {} tiers in all", u16::MAX));
            return None;
        }
        Some((TierId(first.ok()?), count?))
    }

    /// Reads the keys that belong to the kind; the others' are noted.
    fn kind(&self, fields: &Fields<'_>, kind: Kind, item: Option<u16>) -> Option<ItemKind> {
        for (key, owner) in Kind::OWN_KEYS {
            if let Some(field) = fields.get(key).filter(|_| owner != kind) {
                field.fail(format!(
                    "belongs to items of kind \"{}\", and this one is \"{}\"",
                    owner.as_str(),
                    kind.as_str()
                ));
            }
        }
        Some(match kind {
            Kind::Duration => ItemKind::Duration,
            Kind::Peak => {
                let interval = fields
                    .require("interval_seconds")
                    .and_then(|field| field.integer(1, SECONDS_OF_A_DAY));
                let free = fields.or("free_if_at_most", Vec::new(), |field| self.free_peaks(field, item));
                ItemKind::Peak {
                    interval_seconds: interval?,
                    free_if_at_most: free?,
                }
            }
            Kind::Count => {
                let free = fields.or("free_quantity", 0, |field| field.integer(0, LARGEST_COUNT));
                let round_up = fields.or("round_up_to", 1, |field| field.integer(1, LARGEST_ROUND_UP));
                ItemKind::Count {
                    free_quantity: free?,
                    round_up_to: round_up?,
                }
            }
            Kind::Unique => ItemKind::Unique,
        })
    }

    /// `{ css = 100 }`: Mbps per tier, an integer or a decimal in a string.
    fn free_peaks(&self, field: &Field<'_>, item: Option<u16>) -> Option<Vec<(TierId, Quantity)>> {
        let peaks = field.entries()?;
        let read = |(tier, field): (&str, Field<'_>)| {
            let tier = item.and_then(|item| self.tier_of(&field, item, tier));
            let quantity = if field.is_text() {
                decimal(&field, Quantity::parse)
            } else {
                field
                    .integer(0, LARGEST_FREE_PEAK / 1_000_000)
                    .and_then(|mbps| Quantity::from_whole(mbps).ok())
            };
            let quantity = quantity.filter(|quantity| {
                let fits = (0..=LARGEST_FREE_PEAK).contains(&quantity.units());
                if !fits {
                    field.fail(format!("must be from 0 to {}", LARGEST_FREE_PEAK / 1_000_000));
                }
                fits
            });
            Some((tier?, quantity?))
        };
        all(peaks.into_iter().map(read).collect())
    }
}

/// `[[meter]]`: every step names a tier of the meter's item.
pub(super) fn meters(root: &Fields<'_>, items: &Items) -> Option<Vec<Meter>> {
    let mut names = Names::new("meter");
    let meters = root
        .tables("meter", &METER_KEYS)
        .iter()
        .map(|fields| {
            let id = fields.require("id");
            let defined = id.as_ref().and_then(|id| names.define(id));
            let item = fields.require("item").and_then(|field| metered_item(&field, items));
            let tiers = fields.require("tiers");
            let tiers = tiers.and_then(|field| steps(&field, items, item));
            defined?;
            Some(Meter {
                id: id?.meaning()?.to_owned(),
                item: ItemId(item?),
                tiers: tiers?,
            })
        })
        .collect();
    all(meters)
}

fn metered_item(field: &Field<'_>, items: &Items) -> Option<u16> {
    let item = items.names.resolve(field)?;
    if !items.tiers.get(usize::from(item)).is_some_and(|item| item.is_duration) {
        field.fail("meters feed items of kind \"duration\"");
        return None;
    }
    Some(item)
}

fn steps(field: &Field<'_>, items: &Items, item: Option<u16>) -> Option<Vec<MeterTier>> {
    let list = field.list()?;
    if list.is_empty() {
        field.fail("a meter needs at least one tier");
    }
    let mut steps: Vec<MeterTier> = Vec::new();
    let mut complete = !list.is_empty();
    for element in list {
        let fields = element.table(&["max_pixels", "tier"])?;
        let pixels = fields.require("max_pixels");
        let max_pixels = pixels.as_ref().and_then(|field| field.integer(0, LARGEST_PIXELS));
        let name = fields.require("tier");
        let tier = name
            .as_ref()
            .and_then(|field| items.tier_of(field, item?, field.meaning()?));
        let (Some(pixels), Some(name), Some(max_pixels), Some(tier)) = (pixels, name, max_pixels, tier) else {
            complete = false;
            continue;
        };
        if let Some(last) = steps.last().filter(|last| last.max_pixels >= max_pixels) {
            pixels.fail(format!("must be more than the {} before it", last.max_pixels));
        }
        if steps.iter().any(|step| step.tier == tier) {
            name.fail("the meter has this tier already");
        }
        steps.push(MeterTier { max_pixels, tier });
    }
    complete.then_some(steps)
}

fn is_reserved(id: &Field<'_>) -> bool {
    id.is_text() && id.meaning().is_some_and(|id| RESERVED.contains(&id))
}

/// Grants serve durations day by day, and each of these lines belongs to a bill of its day (SPEC 3.4, 3.6). The users that
/// packages include are users of a month (SPEC 3.7). Peaks and counts may be of a day or of a month.
fn cadence(field: &Field<'_>, kind: Option<Kind>) -> Option<Cadence> {
    let cadence = field.choice(&[("daily", Cadence::Daily), ("monthly", Cadence::Monthly)])?;
    let (only, why) = match kind? {
        Kind::Duration => (Cadence::Daily, "packages are deducted day by day"),
        Kind::Unique => (Cadence::Monthly, "the users that packages include are those of a month"),
        Kind::Peak | Kind::Count => return Some(cadence),
    };
    if cadence != only {
        let what = format!(
            "items of kind \"{}\" are billed {}: {why}",
            kind?.as_str(),
            only.as_str()
        );
        field.fail_with(what, format!("write cadence = \"{}\"", only.as_str()));
    }
    Some(cadence)
}

fn per(field: &Field<'_>, kind: Option<Kind>) -> Option<i64> {
    let per = field.integer(1, 1_000)?;
    if kind == Some(Kind::Peak) && per != 1 {
        // A peak has thousandths of Mbps.
        field.fail_with("peaks are priced per 1 Mbps", "write per = 1");
        return None;
    }
    if ![1, 10, 100, 1_000].contains(&per) {
        // Amounts have nine decimals and prices six: only these keep every amount exact.
        field.fail(format!("must be 1, 10, 100 or 1000, not {per}"));
        return None;
    }
    Some(per)
}
