//! What few worlds have: usage that was summed elsewhere, is partitioned by other dates, comes before its account is
//! registered or breaks a rule of its input; and columns that change.

use chrono::{Datelike, Days, NaiveDate};

use super::generator::{Random, SECOND, Stage, day_on};
use super::metering::{item_and_tier, place_of};
use super::scenario::{
    BrokenRow, Change, FileRow, Input, Kind, Login, RelaySample, Screenshots, Setting, Usage, World,
};
use super::zone::start_of;

/// No account has this number.
const NOBODY: i64 = 999_999;
/// The first moment of the year 3000 in UTC.
const YEAR_3000: i64 = 32_503_680_000 * SECOND;

impl Random {
    /// `shape = "daily"` for some worlds, and there sums that no day of one participant has.
    pub fn sum_by_the_day(&mut self, world: &mut World) {
        if world.setting.five_minutes || !self.chance(30) {
            return;
        }
        world.setting.by_the_day = true;
        for usage in world.lives.iter_mut().flat_map(|life| life.usage.iter_mut().flatten()) {
            if self.chance(10) {
                usage.seconds *= self.number(2, 40);
            }
        }
    }

    /// Partitions by the dates of another zone than the job's.
    pub fn partition_elsewhere(&mut self, setting: &mut Setting) {
        if !setting.by_the_day && self.chance(30) {
            let zones = ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu"];
            setting.partition_zone = self.pick(&zones).parse().expect("a zone");
        }
    }

    /// Rows of a month in which an account is registered that come before it: the month's batch knows the account, those
    /// of the days before do not.
    pub fn use_early(&mut self, world: &mut World) {
        let stage = Stage::of(&world.setting);
        for life in &mut world.lives {
            let registered = day_on(&stage, life.account.registered_at);
            let first = registered.with_day(1).expect("every month has a first day");
            if first < stage.first.with_day(1).expect("every month has a first day") || self.chance(40) {
                continue;
            }
            let app = self.number(1, 3);
            let at = self.number(stage.start(first), life.account.registered_at);
            for item in &world.setting.catalog.items {
                match item.kind {
                    Kind::Duration { .. } => {}
                    Kind::Peak { .. } => life.relay.push(RelaySample {
                        at,
                        app,
                        task: "early".to_owned(),
                        kbps: 2_000,
                        destination: "third_party".to_owned(),
                    }),
                    Kind::Count { .. } => life.screenshots.push(Screenshots {
                        at,
                        app,
                        images: 15_000,
                    }),
                    Kind::Unique => life.logins.push(Login {
                        at,
                        app,
                        user: "early".to_owned(),
                    }),
                }
            }
        }
    }

    /// Rows that break one rule, or two.
    pub fn break_rows(&mut self, world: &mut World) {
        let stage = Stage::of(&world.setting);
        let inputs = [Input::Usage, Input::Relay, Input::Screenshots, Input::Logins];
        for _ in 0..self.number(0, 24) {
            let input = *self.pick(&inputs);
            let partition = self.partition(&stage, input);
            let mut row = self.good_row(world, input, partition);
            let is_by_the_day = input == Input::Usage && world.setting.by_the_day;
            self.break_one(&mut row, input, is_by_the_day, partition);
            if self.chance(30) {
                self.break_one(&mut row, input, is_by_the_day, partition);
            }
            let before = self.index(0, 6);
            world.broken.push(BrokenRow {
                input,
                partition,
                before,
                row,
            });
        }
    }

    /// A day of the run; of what may be billed by the month, of its months.
    fn partition(&mut self, stage: &Stage, input: Input) -> NaiveDate {
        let first = match input {
            Input::Usage => stage.first,
            _ => stage.first.with_day(1).expect("every month has a first day"),
        };
        first + Days::new(u64::try_from(self.number(0, (stage.last - first).num_days())).expect("not negative"))
    }

    /// A row that would be billed, but for a date that the zone skipped.
    fn good_row(&mut self, world: &World, input: Input, partition: NaiveDate) -> FileRow {
        let catalog = &world.setting.catalog;
        let life = self.pick(&world.lives);
        let mut row = FileRow {
            account: Some(life.account.id),
            app: Some(self.number(1, 3)),
            at: Some(start_of(world.setting.partition_zone, partition)),
            ..FileRow::default()
        };
        match input {
            Input::Usage => {
                let meter = self.pick(&catalog.meters);
                row.what = Some(meter.id.clone());
                row.figure = Some(60);
                row.pixels = Some(meter.tiers[0].0);
                if world.setting.by_the_day {
                    let usage = Usage {
                        at: start_of(world.setting.zone, partition),
                        app: 1,
                        meter: meter.id.clone(),
                        seconds: 60,
                        pixels: None,
                    };
                    let (item, tier) = item_and_tier(catalog, place_of(catalog, &usage));
                    (row.at, row.day, row.pixels) = (None, Some(partition), None);
                    (row.what, row.tier) = (Some(item), Some(tier));
                }
            }
            Input::Relay => {
                row.what = Some("css".to_owned());
                row.key = Some("broken".to_owned());
                row.figure = Some(1_000_000);
            }
            Input::Screenshots => row.figure = Some(1_000_000),
            Input::Logins => row.key = Some("broken".to_owned()),
        }
        row
    }

    fn break_one(&mut self, row: &mut FileRow, input: Input, is_by_the_day: bool, partition: NaiveDate) {
        let has_key = matches!(input, Input::Relay | Input::Logins);
        let has_figure = input != Input::Logins;
        match self.number(1, 9) {
            1 if is_by_the_day => row.day = None,
            1 => row.at = *self.pick(&[None, Some(-1), Some(YEAR_3000)]),
            2 if is_by_the_day => row.day = Some(partition + Days::new(1)),
            2 => {
                row.at = row
                    .at
                    .map(|at| at - *self.pick(&[1, 86_400 * SECOND, 400 * 86_400 * SECOND]))
            }
            3 if has_key && self.chance(50) => row.key = None,
            3 if self.chance(50) => row.account = None,
            3 => row.app = None,
            4 if has_key && self.chance(50) => row.key = Some(String::new()),
            4 if self.chance(50) => row.account = Some(*self.pick(&[0, -7, i64::MIN])),
            4 => row.app = Some(*self.pick(&[0, -1])),
            5 | 6 if input == Input::Usage && is_by_the_day && self.chance(50) => {
                row.tier = self.pick(&[None, Some("none".to_owned())]).clone();
            }
            // "relay" is an item, and none of kind duration.
            5 | 6 if matches!(input, Input::Usage | Input::Relay) => {
                row.what = self
                    .pick(&[None, Some("relay".to_owned()), Some(String::new())])
                    .clone();
            }
            7 if has_figure => {
                let too_much = match input {
                    Input::Usage if !is_by_the_day => 86_401,
                    _ => 1_000_000_000_001,
                };
                row.figure = *self.pick(&[None, Some(-1), Some(too_much)]);
            }
            8 if input == Input::Usage && !is_by_the_day => row.pixels = Some(-1),
            _ => row.account = Some(NOBODY),
        }
    }

    /// Columns without a date, which the accounts' next runs find changed.
    pub fn change_columns(&mut self, world: &mut World) {
        let catalog = &world.setting.catalog;
        let mut lists: Vec<&String> = catalog.price_lists.iter().map(|entry| &entry.id).collect();
        lists.dedup();
        let ids: Vec<String> = catalog.products.iter().map(|product| product.id.clone()).collect();
        for life in &mut world.lives {
            if !self.chance(25) {
                continue;
            }
            for _ in 0..self.number(1, 3) {
                let mut products = self.some(&ids, 50);
                if products.is_empty() {
                    products.push(self.pick(&ids).clone());
                }
                life.changes.push(Change {
                    from_night: self.index(1, i64::try_from(world.setting.nights).expect("few nights")),
                    price_list: (*self.pick(&lists)).clone(),
                    payg: (*self.pick(&["auto", "auto", "on", "off"])).to_owned(),
                    credit_limit: (*self.pick(&["0", "0.01", "10", "50.00", "1000"])).to_owned(),
                    products,
                    renews: self.chance(60),
                });
            }
            life.changes.sort_by_key(|change| change.from_night);
        }
    }
}
