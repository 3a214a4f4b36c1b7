//! Random usage, by the day and by the month.

use chrono::{Datelike, Months, NaiveDate};

use super::generator::{Random, Stage, days};
use super::scenario::{Catalog, Kind, Life, Login, Meter, RelaySample, Screenshots, Setting, Usage};

const PERIOD: i64 = 300 * 1_000_000;

impl Random {
    /// A few rows a night; nobody uses anything on a date that the zone skipped.
    pub fn uses(&mut self, stage: &Stage, setting: &Setting, life: &mut Life) {
        let busy = *self.pick(&[0, 15, 40, 40, 80]);
        for night in 0..setting.nights {
            let mut rows = Vec::new();
            let day = setting.day(night);
            let length = stage.start(day + days(1)) - stage.start(day);
            if length > 0 && self.chance(busy) {
                for _ in 0..self.number(1, 5) {
                    let meter = self.pick(&setting.catalog.meters).clone();
                    self.rows(&mut rows, stage, &meter, day, length);
                }
            }
            life.usage.push(rows);
        }
    }

    fn rows(&mut self, rows: &mut Vec<Usage>, stage: &Stage, meter: &Meter, day: NaiveDate, length: i64) {
        let app = *self.pick(&[1, 1, 1, 2, 3, 4]);
        let place = self.index(0, i64::try_from(meter.tiers.len()).expect("few tiers") - 1);
        let most = *self.pick(&[30, 60, 61, 125, 600, 4_000, 86_400]);
        for _ in 0..self.number(1, 3) {
            let into_the_day = match self.number(1, 6) {
                1 => 0,
                2 => length - 1,
                3 => PERIOD * self.number(0, length / PERIOD - 1) + self.number(-1, 0),
                _ => self.number(0, length - 1),
            };
            let seconds = if self.chance(20) {
                60 * (1 + most / 61)
            } else {
                self.number(1, most)
            };
            rows.push(Usage {
                at: stage.start(day) + into_the_day.max(0),
                app,
                meter: meter.id.clone(),
                seconds,
                pixels: self.pixels(meter, place),
            });
        }
    }

    /// Of the tier at a place: at its bounds, none at all, or beyond the last one.
    fn pixels(&mut self, meter: &Meter, place: usize) -> Option<i64> {
        let highest = meter.tiers[place].0;
        let lowest = if place == 0 { 0 } else { meter.tiers[place - 1].0 + 1 };
        if place == 0 && self.chance(30) {
            return None;
        }
        if place + 1 == meter.tiers.len() && self.chance(20) {
            return Some(highest + 1_000_000);
        }
        Some(*self.pick(&[lowest, highest]))
    }

    /// Relays, screenshots and logins of the months that end in the run.
    pub fn monthly_uses(&mut self, stage: &Stage, catalog: &Catalog, life: &mut Life) {
        let mut first = stage.first.with_day(1).expect("every month has a first day");
        while first <= stage.last {
            let next = first + Months::new(1);
            for item in &catalog.items {
                if matches!(item.kind, Kind::Duration { .. }) || self.chance(50) {
                    continue;
                }
                let mut instants: Vec<i64> = Vec::new();
                for _ in 0..self.number(1, 9) {
                    instants.push(self.instant_of_month(stage, first, next, &instants));
                }
                // Nobody does anything before being registered.
                instants.retain(|at| *at >= life.account.registered_at);
                for at in instants {
                    self.monthly_use(&item.kind, life, at);
                }
            }
            first = next;
        }
    }

    fn instant_of_month(&mut self, stage: &Stage, first: NaiveDate, next: NaiveDate, others: &[i64]) -> i64 {
        let (start, end) = (stage.start(first), stage.start(next));
        match self.number(1, 8) {
            1 => start,
            2 => end - 1,
            3..=5 if !others.is_empty() => {
                (*self.pick(others) + self.number(-59, 59) * 1_000_000).clamp(start, end - 1)
            }
            _ => self.number(start, end - 1),
        }
    }

    fn monthly_use(&mut self, kind: &Kind, life: &mut Life, at: i64) {
        let app = self.number(1, 3);
        match kind {
            Kind::Duration { .. } => {}
            Kind::Peak { .. } => life.relay.push(RelaySample {
                at,
                app,
                task: format!("task-{}-{}", life.account.id, self.number(1, 3)),
                kbps: *self.pick(&[0, 1, 250, 499, 500, 501, 1_000, 150_000]),
                destination: (*self.pick(&["css", "css", "third_party"])).to_owned(),
            }),
            Kind::Count { .. } => life.screenshots.push(Screenshots {
                at,
                app,
                images: *self.pick(&[0, 1, 10, 11, 110, 9_999, 22_000]),
            }),
            Kind::Unique => life.logins.push(Login {
                at,
                app,
                user: format!("user {}", self.number(1, 8)),
            }),
        }
    }
}
