//! What a posted quantity tells of a peak, a count or distinct users, whose figures are not in the ledger (SPEC 3.7).

use crate::catalog::book::{Cadence, Item, ItemKind, TierId};
use crate::report::numbers::{self, plain, thousands};
use crate::rules::account_day::BillLine;
use crate::rules::measured::period_of;
use crate::units::quantity::Quantity;

use super::life_story::MeasuredStory;
use super::recompute::Computed;

/// Units of a quantity of one.
const MILLION: i64 = 1_000_000;

/// What the posted quantity tells of a peak, a count or distinct users; their figures are not in the ledger.
pub(super) fn measured(computed: &Computed<'_>, line: &BillLine) -> MeasuredStory {
    let item = computed.batch.book.item_of(line.tier);
    let (from, to) = period_of(item, computed.batch.id.day);
    let period = match item.cadence {
        Cadence::Daily => "day",
        Cadence::Monthly => "month",
    };
    let told = Told::of(item, line.tier, line.quantity, period);
    MeasuredStory {
        kind: told.kind,
        from,
        to,
        at_least: told.at_least,
        at_most: told.at_most,
        free: told.free,
        rule: told.rule,
        figure: told.figure,
    }
}

/// For programs.
fn bare(quantity: Quantity) -> String {
    numbers::bare(&quantity.to_string()).to_owned()
}

/// The part of the story that the item's kind decides.
struct Told {
    kind: &'static str,
    at_least: String,
    at_most: Option<String>,
    free: Option<String>,
    rule: String,
    figure: String,
}

impl Told {
    fn of(item: &Item, tier: TierId, quantity: Quantity, period: &str) -> Self {
        match &item.kind {
            ItemKind::Peak {
                interval_seconds,
                free_if_at_most,
            } => {
                let free = free_if_at_most.iter().find(|(free, _)| *free == tier);
                Self::peak(*interval_seconds, free.map(|(_, most)| *most), quantity, period)
            }
            ItemKind::Count {
                free_quantity,
                round_up_to,
            } => Self::count(*free_quantity, *round_up_to, quantity, period),
            ItemKind::Unique => Self::unique(quantity, period),
            ItemKind::Duration => unreachable!("durations are metered, not measured"),
        }
    }

    /// `[T]` relay: what "does not exceed 100 Mbps" costs nothing; above it all of it is charged.
    fn peak(interval_seconds: i64, free: Option<Quantity>, quantity: Quantity, period: &str) -> Self {
        let shown = |quantity: Quantity| plain(&quantity.to_string());
        let rule = format!(
            "the {period}'s largest sum over all tasks in an interval of {interval_seconds} s, in Mbps{}",
            free.map_or_else(String::new, |most| format!(
                "; up to and including {} Mbps cost nothing, above them all are charged",
                shown(most)
            ))
        );
        let is_free = quantity == Quantity::ZERO;
        let (at_least, at_most, figure) = match free {
            Some(most) if is_free => (
                "0".to_owned(),
                bare(most),
                format!(
                    "a peak of at most {} Mbps; the ledger does not keep how high it was",
                    shown(most)
                ),
            ),
            _ => (
                bare(quantity),
                bare(quantity),
                format!(
                    "a peak of {} Mbps; the ledger does not keep when it was",
                    shown(quantity)
                ),
            ),
        };
        Self {
            kind: "peak",
            at_least,
            at_most: Some(at_most),
            free: free.map(bare),
            rule,
            figure,
        }
    }

    /// `[T]` screenshots: above the free ones, rounded up.
    fn count(free: i64, round_up_to: i64, quantity: Quantity, period: &str) -> Self {
        let charged = quantity.units() / MILLION;
        let most = charged.saturating_add(free);
        let least = match charged {
            0 => 0,
            _ => most.saturating_sub(round_up_to).saturating_add(1),
        };
        let between = match (charged, least == most) {
            (0, _) => format!("at most {}", thousands(most)),
            (_, true) => format!("exactly {}", thousands(most)),
            (_, false) => format!("from {} to {}", thousands(least), thousands(most)),
        };
        Self {
            kind: "count",
            at_least: least.to_string(),
            at_most: Some(most.to_string()),
            free: Some(free.to_string()),
            rule: format!(
                "all that was counted in the {period}, less {} that are free, rounded up to {}",
                thousands(free),
                thousands(round_up_to)
            ),
            figure: format!("{between} were counted; the ledger keeps what is charged of them"),
        }
    }

    fn unique(quantity: Quantity, period: &str) -> Self {
        let above = plain(&quantity.to_string());
        Self {
            kind: "unique",
            at_least: bare(quantity),
            at_most: None,
            free: None,
            rule: format!(
                "the app's distinct users of the {period}, less those that its packages include: of each family the \
                 largest that was valid on a day of the {period}"
            ),
            figure: format!("{above} were above what packages include; the ledger does not keep how many there were"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mbps(text: &str) -> Quantity {
        let (whole, thousandths) = text.split_once('.').unwrap_or((text, "000"));
        let units = whole.parse::<i64>().unwrap() * MILLION + thousandths.parse::<i64>().unwrap() * 1_000;
        Quantity::from_units(units)
    }

    /// at least, at most, what is free, and what is said of the figure.
    fn check(told: &Told, expected: [&str; 4]) {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let found = [
            told.at_least.clone(),
            or_none(&told.at_most),
            or_none(&told.free),
            told.figure.clone(),
        ];
        assert_eq!(found, expected);
    }

    /// `[T]` relay: 5 Mbps to CSS are free, of 150 Mbps all are charged, to third parties there is nothing free.
    #[test]
    fn peaks() {
        let free = Some(mbps("100"));
        let told = Told::peak(60, free, Quantity::ZERO, "month");
        let figure = "a peak of at most 100 Mbps; the ledger does not keep how high it was";
        check(&told, ["0", "100", "100", figure]);
        assert_eq!(
            told.rule,
            "the month's largest sum over all tasks in an interval of 60 s, in Mbps; up to and including 100 Mbps cost \
             nothing, above them all are charged"
        );
        let figure = "a peak of 1,234.567 Mbps; the ledger does not keep when it was";
        check(
            &Told::peak(60, free, mbps("1234.567"), "month"),
            ["1234.567", "1234.567", "100", figure],
        );
        let told = Told::peak(5, None, Quantity::ZERO, "day");
        let figure = "a peak of 0 Mbps; the ledger does not keep when it was";
        check(&told, ["0", "0", "-", figure]);
        assert_eq!(
            told.rule,
            "the day's largest sum over all tasks in an interval of 5 s, in Mbps"
        );
        check(
            &Told::peak(60, Some(mbps("1500")), Quantity::ZERO, "month"),
            [
                "0",
                "1500",
                "1500",
                "a peak of at most 1,500 Mbps; the ledger does not keep how high it was",
            ],
        );
    }

    /// `[T]` screenshots: free up to 10,000; 12,000 charged ones are what is left of 21,001 to 22,000.
    #[test]
    fn counts() {
        let of = |charged| Told::count(10_000, 1_000, Quantity::from_whole(charged).unwrap(), "month");
        let told = |between: &str| format!("{between} were counted; the ledger keeps what is charged of them");
        check(&of(0), ["0", "10000", "10000", &told("at most 10,000")]);
        check(&of(1_000), ["10001", "11000", "10000", &told("from 10,001 to 11,000")]);
        check(&of(12_000), ["21001", "22000", "10000", &told("from 21,001 to 22,000")]);
        assert_eq!(
            of(0).rule,
            "all that was counted in the month, less 10,000 that are free, rounded up to 1,000"
        );
        let each = Told::count(0, 1, Quantity::from_whole(7).unwrap(), "day");
        check(&each, ["7", "7", "0", &told("exactly 7")]);
    }

    #[test]
    fn distinct_users() {
        let told = Told::unique(Quantity::from_whole(1_500).unwrap(), "month");
        let figure = "1,500 were above what packages include; the ledger does not keep how many there were";
        check(&told, ["1500", "-", "-", figure]);
    }
}
