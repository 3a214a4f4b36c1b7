//! Random catalogs, small and awkward: tables that omit tiers, prices over time, plans of several families, short grace.

use super::generator::{Random, Stage, days};
use super::scenario::{
    Catalog, FreeMinutes, Item, Kind, Meter, Plan, Policy, PriceListEntry, Product, Promotion, RatioTable, RefundKind,
    Validity,
};

impl Random {
    pub fn catalog(&mut self, stage: &Stage) -> Catalog {
        let count = self.index(1, 3);
        let products: Vec<Product> = ["trtc", "lcic", "css"]
            .iter()
            .take(count)
            .map(|id| self.product(stage, id))
            .collect();
        let ids: Vec<String> = products.iter().map(|product| product.id.clone()).collect();
        let mut items = self.durations(&ids);
        let meters = self.meters(&items);
        let minutes = names_of(&items);
        items.extend(self.monthly_items(&ids));
        // A tier without a price would end many a world early.
        if self.chance(88) {
            items.iter_mut().for_each(|item| item.unpriced_is_unbilled = true);
        }
        let ratios: Vec<RatioTable> = ["package", "free_2023", "free_legacy"]
            .iter()
            .map(|id| RatioTable {
                id: (*id).to_owned(),
                minutes: self.ratios(&minutes),
            })
            .collect();
        let plans = self.plans(&ids);
        Catalog {
            price_lists: self.price_lists(stage, &names_of(&items)),
            free: self.free(stage),
            promotions: self.promotions(stage, &plans),
            products,
            meters,
            items,
            ratios,
            plans,
        }
    }

    fn product(&mut self, stage: &Stage, id: &str) -> Product {
        let mut policies: Vec<Policy> = Vec::new();
        let mut from = stage.first - days(*self.pick(&[2_000, 2_000, 5, 0]));
        for _ in 0..self.number(1, 3) {
            policies.push(Policy {
                from,
                on_overdue: self.actions(),
                on_suspended: self.actions(),
                on_removed: self.actions(),
                on_stopped: self.actions(),
                stop_rooms_within_hours: *self.pick(&[0, 1, 48]),
            });
            from = from.max(stage.first) + days(self.number(1, 12));
        }
        if self.chance(30) {
            policies.reverse();
        }
        Product {
            id: id.to_owned(),
            grace_hours: *self.pick(&[0, 1, 5, 14, 23, 24, 24, 24, 25, 48, 49]),
            removal_days: *self.pick(&[0, 1, 1, 2, 2, 3, 5, 60]),
            policies,
        }
    }

    fn actions(&mut self) -> Vec<String> {
        let known = ["stop_rooms", "keep_running", "block_api", "delete_resources"];
        let known: Vec<String> = known.iter().map(|id| (*id).to_owned()).collect();
        self.some(&known, 50)
    }

    fn durations(&mut self, products: &[String]) -> Vec<Item> {
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
            let account_rounded = if id == "delivery" {
                self.chance(90)
            } else {
                self.chance(15)
            };
            items.push(Item {
                id: id.to_owned(),
                product: self.pick(products).clone(),
                per: *self.pick(&[1000, 1000, 1, 10, 100]),
                kind: Kind::Duration { account_rounded },
                tiers,
                unpriced_is_unbilled: self.chance(60),
                is_daily: true,
            });
        }
        items
    }

    fn monthly_items(&mut self, products: &[String]) -> Vec<Item> {
        let mut items = Vec::new();
        for (id, tiers) in [
            ("relay", &["css", "third_party"] as &[&str]),
            ("screenshots", &["image"]),
            ("mau", &["user"]),
        ] {
            let kind = match id {
                "relay" => Kind::Peak {
                    interval_seconds: *self.pick(&[60, 60, 1, 300, 3_600]),
                    free_if_at_most: self.free_peaks(),
                },
                "screenshots" => Kind::Count {
                    free_quantity: *self.pick(&[0, 10, 100, 10_000]),
                    round_up_to: *self.pick(&[1, 7, 10, 1_000]),
                },
                _ => Kind::Unique,
            };
            let item = Item {
                id: id.to_owned(),
                product: self.pick(products).clone(),
                // Mbps have three decimals, prices six, amounts nine.
                per: if id == "relay" {
                    1
                } else {
                    *self.pick(&[1, 1, 1000, 10])
                },
                kind,
                tiers: tiers.iter().map(|tier| (*tier).to_owned()).collect(),
                unpriced_is_unbilled: self.chance(60),
                is_daily: id != "mau" && self.chance(25),
            };
            if self.chance(70) {
                items.push(item);
            }
        }
        items
    }

    fn free_peaks(&mut self) -> Vec<(String, String)> {
        let all = [("css", "0.5"), ("third_party", "1.000")];
        let all: Vec<(String, String)> = all
            .iter()
            .map(|(tier, mbps)| ((*tier).to_owned(), (*mbps).to_owned()))
            .collect();
        if self.chance(70) {
            all[..1].to_vec()
        } else {
            self.some(&all, 50)
        }
    }

    /// One meter an item, and for some a second one that feeds the same tiers otherwise.
    fn meters(&mut self, items: &[Item]) -> Vec<Meter> {
        let mut meters = Vec::new();
        for item in items {
            let step = |(place, tier): (usize, &String)| (100 * i64::try_from(place).expect("few tiers"), tier.clone());
            let tiers: Vec<(i64, String)> = item.tiers.iter().enumerate().map(step).collect();
            if self.chance(25) {
                meters.push(Meter {
                    id: format!("{}_other", item.id),
                    item: item.id.clone(),
                    tiers: tiers
                        .iter()
                        .rev()
                        .zip([5, 50])
                        .map(|((_, tier), max)| (max, tier.clone()))
                        .collect(),
                });
            }
            meters.push(Meter {
                id: item.id.clone(),
                item: item.id.clone(),
                tiers,
            });
        }
        meters
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
        let known = [
            ("call.trial", "call"),
            ("call.group", "call"),
            ("live.lite", "live"),
            ("live.pro", "live"),
            ("rtc_engine.lite", "rtc_engine"),
            ("rtc_engine.pro", "rtc_engine"),
            ("dashboard.standard", "dashboard"),
        ];
        let ids: Vec<String> = known.iter().map(|(id, _)| (*id).to_owned()).collect();
        let mut plans = Vec::new();
        for (id, family) in known {
            let trial = id == "call.trial";
            let minutes = if family == "dashboard" {
                0
            } else {
                *self.pick(&[0, 1, 2, 5, 20, 60, 200, 5_000])
            };
            let prices = ["0", "0.01", "1", "5", "9.99", "9.99", "10.07", "39.9", "499"];
            let price = (!trial && self.chance(93)).then(|| (*self.pick(&prices)).to_owned());
            let refunds = [
                RefundKind::Full,
                RefundKind::Prorated,
                RefundKind::Prorated,
                RefundKind::None,
            ];
            plans.push(Plan {
                id: id.to_owned(),
                product: self.pick(products).clone(),
                family: family.to_owned(),
                minutes,
                mau: *self.pick(&[0, 1, 1, 2, 3]),
                paid: !trial && family != "dashboard" && self.chance(85),
                ratios: (minutes > 0).then(|| (*self.pick(&["package", "package", "free_2023"])).to_owned()),
                validity: match self.number(1, 6) {
                    _ if trial => Validity::Days(7),
                    1..=3 => Validity::Days(u32::try_from(self.number(1, 8)).expect("small")),
                    4 => Validity::Months(3),
                    _ => Validity::Months(1),
                },
                max_purchases: self.chance(20).then(|| self.index(1, 3)),
                new_customers_of: if self.chance(12) {
                    self.some(&ids, 25)
                } else {
                    Vec::new()
                },
                refund: if price.is_some() {
                    *self.pick(&refunds)
                } else {
                    RefundKind::None
                },
                price,
                free_on_expiry: self.chance(30),
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

fn names_of(items: &[Item]) -> Vec<String> {
    let of_item =
        |item: &Item| -> Vec<String> { item.tiers.iter().map(|tier| format!("{}.{tier}", item.id)).collect() };
    items.iter().flat_map(of_item).collect()
}
