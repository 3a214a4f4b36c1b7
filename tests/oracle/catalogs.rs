//! Random catalogs, small and awkward: tables that omit tiers, prices over time, plans of several families.

use super::generator::{Random, Stage, days};
use super::scenario::{Catalog, FreeMinutes, Item, Plan, PriceListEntry, Promotion, RatioTable, Validity};

impl Random {
    pub fn catalog(&mut self, stage: &Stage) -> Catalog {
        let products: Vec<String> = ["trtc", "lcic", "css"]
            .iter()
            .take(self.index(1, 3))
            .map(|id| (*id).to_owned())
            .collect();
        let items = self.items(&products);
        let names: Vec<String> = items
            .iter()
            .flat_map(|item| item.tiers.iter().map(move |tier| format!("{}.{tier}", item.id)))
            .collect();
        let ratios: Vec<RatioTable> = ["package", "free_2023", "free_legacy"]
            .iter()
            .map(|id| RatioTable {
                id: (*id).to_owned(),
                minutes: self.ratios(&names),
            })
            .collect();
        let plans = self.plans(&products);
        Catalog {
            price_lists: self.price_lists(stage, &names),
            free: self.free(stage),
            promotions: self.promotions(stage, &plans),
            products,
            items,
            ratios,
            plans,
        }
    }

    fn items(&mut self, products: &[String]) -> Vec<Item> {
        // Not in alphabetical order, so that catalog order shows.
        let known: [(&str, &[&str]); 5] = [
            ("av", &["audio", "hd", "fhd", "2k"]),
            ("recording", &["audio", "hd", "2k_plus"]),
            ("mix", &["h264_hd", "h264_4k", "audio"]),
            ("screen_recording", &["hd", "fhd"]),
            ("delivery", &["tencent_hd", "third_party_hd", "audio"]),
        ];
        let mut items: Vec<Item> = Vec::new();
        for (id, tiers) in known {
            if !items.is_empty() && self.chance(35) {
                continue;
            }
            let tiers = tiers
                .iter()
                .take(self.index(1, 4))
                .map(|tier| (*tier).to_owned())
                .collect();
            items.push(Item {
                id: id.to_owned(),
                product: self.pick(products).clone(),
                per: *self.pick(&[1000, 1000, 1, 10, 100]),
                account_rounded: if id == "delivery" {
                    self.chance(90)
                } else {
                    self.chance(15)
                },
                tiers,
                unpriced_is_unbilled: self.chance(60),
            });
        }
        items
    }

    fn ratios(&mut self, names: &[String]) -> Vec<(String, String)> {
        let ratios = ["1", "1", "4", "9", "0.02", "0.13", "1.5", "6.1", "191.9", "36"];
        let named = self.some(names, 80);
        named
            .into_iter()
            .map(|name| (name, (*self.pick(&ratios)).to_owned()))
            .collect()
    }

    fn prices(&mut self, names: &[String], percent: i64) -> Vec<(String, String)> {
        let prices = [
            "0.99",
            "3.99",
            "15.99",
            "0.000001",
            "5",
            "1.234567",
            "53.99",
            "0",
            "0.5",
            "1499.123456",
        ];
        let named = self.some(names, percent);
        named
            .into_iter()
            .map(|name| (name, (*self.pick(&prices)).to_owned()))
            .collect()
    }

    /// `list` and contracts, each with up to three entries; bases are earlier lists.
    fn price_lists(&mut self, stage: &Stage, names: &[String]) -> Vec<PriceListEntry> {
        let mut entries = Vec::new();
        let ids = ["list", "acme", "bravo"];
        for (place, id) in ids.iter().enumerate() {
            let percent = if place == 0 { 96 } else { 40 };
            // From long ago, or from a day around the last night: often after all of them.
            let mut from = match self.chance(if place == 0 { 90 } else { 65 }) {
                true => stage.first - days(400),
                false => stage.last - days(1) + days(self.number(0, 3)),
            };
            for _ in 0..self.number(1, 3) {
                let base = (place > 0 && self.chance(90)).then(|| (*self.pick(&ids[..place])).to_owned());
                entries.push(PriceListEntry {
                    id: (*id).to_owned(),
                    base,
                    from,
                    prices: self.prices(names, percent),
                });
                from = (from + days(self.number(1, 500))).min(stage.last).max(from + days(1));
            }
        }
        entries
    }

    fn free(&mut self, stage: &Stage) -> Vec<FreeMinutes> {
        let watershed = stage.first - days(self.number(0, 400));
        let mut rules = Vec::new();
        for (from, before, ratios) in [
            (Some(watershed), None, "free_2023"),
            (None, Some(watershed), "free_legacy"),
        ] {
            if self.chance(75) {
                rules.push(FreeMinutes {
                    registered_from: from,
                    registered_before: before,
                    minutes: *self.pick(&[0, 1, 7, 30, 30, 100, 500, 10_000]),
                    ratios: ratios.to_owned(),
                    cycles: self.chance(25).then_some(12),
                });
            }
        }
        rules
    }

    fn plans(&mut self, products: &[String]) -> Vec<Plan> {
        let mut plans = Vec::new();
        for (id, family) in [
            ("call.trial", "call"),
            ("call.group", "call"),
            ("live.lite", "live"),
            ("live.pro", "live"),
            ("rtc_engine.lite", "rtc_engine"),
            ("rtc_engine.pro", "rtc_engine"),
            ("dashboard.standard", "dashboard"),
        ] {
            let trial = id == "call.trial";
            let minutes = if family == "dashboard" {
                0
            } else {
                *self.pick(&[0, 1, 2, 5, 20, 60, 200, 5_000])
            };
            plans.push(Plan {
                id: id.to_owned(),
                product: self.pick(products).clone(),
                family: family.to_owned(),
                minutes,
                paid: !trial && family != "dashboard" && self.chance(85),
                ratios: (minutes > 0).then(|| (*self.pick(&["package", "package", "free_2023"])).to_owned()),
                validity: match self.number(1, 5) {
                    _ if trial => Validity::Days(7),
                    1 => Validity::Days(u32::try_from(self.number(1, 5)).expect("small")),
                    2 => Validity::Months(3),
                    _ => Validity::Months(1),
                },
            });
        }
        plans
    }

    fn promotions(&mut self, stage: &Stage, plans: &[Plan]) -> Vec<Promotion> {
        let mut promotions = Vec::new();
        let ids: Vec<String> = plans.iter().map(|plan| plan.id.clone()).collect();
        for _ in 0..self.number(0, 2) {
            let length = (stage.last - stage.first).num_days();
            let from = stage.first - days(2) + days(self.number(0, length + 3));
            let until = from + days(self.number(0, length + 2));
            promotions.push(Promotion {
                plans: self.some(&ids, 50),
                from,
                until,
            });
        }
        promotions
    }
}
