//! Rooms: who joins, who leaves, who sends video, and so what each participant, recording robot and mixing task
//! receives second by second.

use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::day::{DayPlan, DaySpan, Meter, Run};
use super::population::Population;
use super::random::{Purpose, generator, happens, second_of_day, weighted};
use super::room_kinds::KINDS;

/// Robots are users too: their numbers start here `[T: the system assigns a robot to the room]`.
const FIRST_ROBOT: i64 = 9_000_000_000;
/// A participant shows at most so many videos at once; with three camera resolutions that gives a dozen
/// aggregate resolutions.
const MOST_VIDEOS_SHOWN: u32 = 4;
/// A room while it is open.
struct Room {
    account_id: i64,
    sdk_app_id: i64,
    number: u32,
    open: Range<u32>,
    camera: i32,
    /// What the client reports where there is no video: 0 or nothing.
    no_video: Option<i32>,
    stays: Vec<Stay>,
}

/// A participant's time in a room. Who comes back has several.
struct Stay {
    user_id: i64,
    present: Range<u32>,
    sends_video: bool,
}

/// Adds rooms to the plan until its day has exactly this many more rows.
pub(super) fn plan_day(plan: &mut DayPlan, population: &Population, seed: u64, span: &DaySpan, rows: u64) {
    let day = u32::from_ne_bytes(span.day.epoch_days().to_ne_bytes());
    let mut rng = generator(seed, Purpose::Rooms, day, 0);
    // So that one room is not all of a small sample.
    let most_rows_of_room = (rows / 32).max(600);
    let wanted = plan.rows() + rows;
    let mut planned = plan.rows();
    while planned < wanted {
        let first = plan.runs.len();
        let room = open_room(&mut rng, plan, population, span, most_rows_of_room);
        room.add_runs(&mut rng, plan, span.seconds);
        planned += plan.runs.iter().skip(first).map(|run| u64::from(run.rows)).sum::<u64>();
    }
    plan.trim_to(wanted);
}

fn open_room(
    rng: &mut ChaCha8Rng,
    plan: &mut DayPlan,
    population: &Population,
    span: &DaySpan,
    most_rows: u64,
) -> Room {
    let position = population.acting_account(rng);
    let apps = population.app_count(position);
    // The first apps of an account are its busiest.
    let app = rng.random_range(0..apps).min(rng.random_range(0..apps));
    let kind = weighted(rng, &KINDS, |kind| kind.weight);
    let start = second_of_day(rng, span.seconds);
    let seconds = rng.random_range(kind.minutes.start * 60..kind.minutes.end * 60);
    // Small rooms are more common than large ones.
    let mut some_people = || rng.random_range(kind.participants.clone());
    let people = some_people().min(some_people());
    let (people, seconds) = shrink_to(most_rows, people, seconds);
    let open = start..(start + seconds).min(span.seconds);
    let camera = weighted(rng, kind.cameras, |camera| camera.1).0;
    let no_video = happens(rng, 50).then_some(0);
    let mut stays = Vec::new();
    for person in 0..people {
        add_stays(rng, &mut stays, &open, person, kind.publishers);
    }
    let number = plan.add_room(format!("room-{}", plan.rooms.len()));
    Room {
        account_id: Population::account_id(position),
        sdk_app_id: Population::app_id(position, app),
        number,
        open,
        camera,
        no_video,
        stays,
    }
}

/// Fewer people, then less time, until a room has about `most_rows` rows.
fn shrink_to(most_rows: u64, people: u32, seconds: u32) -> (u32, u32) {
    let room_for = |each: u32| u32::try_from(most_rows / u64::from(each.max(1))).unwrap_or(u32::MAX);
    let people = people.min(room_for(seconds).max(2));
    (people, seconds.min(room_for(people).max(60)))
}

fn add_stays(rng: &mut ChaCha8Rng, stays: &mut Vec<Stay>, open: &Range<u32>, person: u32, publishers: u32) {
    let length = open.end - open.start;
    let join = if person == 0 {
        0
    } else {
        rng.random_range(0..=length / 5)
    };
    let leave = if happens(rng, 65) {
        length
    } else {
        rng.random_range(join + 1..=length.max(join + 1))
    };
    let sends_video = person < publishers && happens(rng, 80);
    // Numbers that do not repeat in a room, and come back in others.
    let user_id = i64::from(person) * 5000 + i64::from(rng.random_range(1..=5000_u32));
    let present = open.start + join..(open.start + leave).min(open.end);
    let mut add = |present: Range<u32>| {
        if !present.is_empty() {
            stays.push(Stay {
                user_id,
                present,
                sends_video,
            });
        }
    };
    let middle = present.start + (present.end.saturating_sub(present.start)) / 2;
    if happens(rng, 12) && middle > present.start {
        let back = (middle + rng.random_range(5..120_u32)).min(present.end);
        add(present.start..middle);
        add(back..present.end);
    } else {
        add(present);
    }
}

impl Room {
    fn add_runs(&self, rng: &mut ChaCha8Rng, plan: &mut DayPlan, day_seconds: u32) {
        let steps = self.sender_steps();
        for stay in &self.stays {
            let own = u32::from(stay.sends_video);
            self.add_stay(plan, Meter::Av, stay.user_id, &stay.present, &steps, own);
        }
        if happens(rng, 14) {
            self.add_recording(rng, plan, &steps, day_seconds);
        }
        if self.stays.len() > 1 && happens(rng, 7) {
            let codec = if happens(rng, 70) {
                Meter::MixH264
            } else {
                Meter::MixH265
            };
            self.add_robot(plan, codec, &steps, 2);
        }
    }

    /// How many send video, from which second on; the first step is the opening of the room.
    fn sender_steps(&self) -> Vec<(u32, u32)> {
        let senders = || self.stays.iter().filter(|stay| stay.sends_video && self.camera > 0);
        let mut times: Vec<u32> = senders()
            .flat_map(|stay| [stay.present.start, stay.present.end])
            .collect();
        times.push(self.open.start);
        times.sort_unstable();
        times.dedup();
        let count = |time: u32| senders().filter(|stay| stay.present.contains(&time)).count();
        times
            .into_iter()
            .map(|time| {
                (
                    time,
                    u32::try_from(count(time)).expect("at most as many as participants"),
                )
            })
            .collect()
    }

    /// Rows of someone who receives all videos but its `own` from `present.start` to `present.end`.
    fn add_stay(
        &self,
        plan: &mut DayPlan,
        meter: Meter,
        user_id: i64,
        present: &Range<u32>,
        steps: &[(u32, u32)],
        own: u32,
    ) {
        let first = plan.runs.len();
        for (position, (from, senders)) in steps.iter().enumerate() {
            let until = steps.get(position + 1).map_or(self.open.end, |next| next.0);
            let (from, until) = ((*from).max(present.start), until.min(present.end));
            if from >= until {
                continue;
            }
            let pixels = self.pixels(senders.saturating_sub(own));
            match plan.runs.get_mut(first..).and_then(<[Run]>::last_mut) {
                Some(last) if last.pixels == pixels => last.rows = until - last.start,
                _ => plan.runs.push(Run {
                    account_id: self.account_id,
                    sdk_app_id: self.sdk_app_id,
                    user_id,
                    room: self.number,
                    start: from,
                    rows: until - from,
                    seconds: 1,
                    pixels,
                    meter,
                }),
            }
        }
    }

    fn pixels(&self, videos: u32) -> Option<i32> {
        let shown = i32::try_from(videos.min(MOST_VIDEOS_SHOWN)).expect("at most four");
        if shown * self.camera > 0 {
            Some(shown * self.camera)
        } else {
            self.no_video
        }
    }

    /// A robot that receives everything from the opening to the end: its audio/video duration, and the same
    /// again for what it does `[T: the robot's subscription is charged, and the recording or mixing too]`.
    fn add_robot(&self, plan: &mut DayPlan, meter: Meter, steps: &[(u32, u32)], robot: i64) {
        let user_id = FIRST_ROBOT + i64::from(self.number) * 10 + robot;
        for meter in [Meter::Av, meter] {
            self.add_stay(plan, meter, user_id, &self.open, steps, 0);
        }
    }

    /// A recording, and one row for the delivery of its file soon after it ended.
    fn add_recording(&self, rng: &mut ChaCha8Rng, plan: &mut DayPlan, steps: &[(u32, u32)], day_seconds: u32) {
        self.add_robot(plan, Meter::Recording, steps, 1);
        let length = self.open.end - self.open.start;
        let delivered = self.open.end + rng.random_range(20..300_u32);
        let meter = if happens(rng, 75) {
            Meter::DeliveryTencent
        } else {
            Meter::DeliveryThirdParty
        };
        if delivered < day_seconds && length > 0 {
            plan.runs.push(Run {
                account_id: self.account_id,
                sdk_app_id: self.sdk_app_id,
                user_id: FIRST_ROBOT + i64::from(self.number) * 10 + 1,
                room: self.number,
                start: delivered,
                rows: 1,
                seconds: i32::try_from(length).expect("within a day"),
                pixels: if self.camera > 0 {
                    Some(self.camera)
                } else {
                    self.no_video
                },
                meter,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::room_kinds::CAMERA_720P;
    use super::*;

    fn stay(user_id: i64, present: Range<u32>, sends_video: bool) -> Stay {
        Stay {
            user_id,
            present,
            sends_video,
        }
    }

    #[test]
    fn resolution_follows_who_comes_and_goes() {
        let room = Room {
            account_id: 1,
            sdk_app_id: 1,
            number: 0,
            open: 100..200,
            camera: CAMERA_720P,
            no_video: None,
            stays: vec![
                stay(1, 100..200, true),
                stay(2, 120..160, true),
                stay(3, 130..200, false),
            ],
        };
        let mut plan = DayPlan::default();
        let steps = room.sender_steps();
        for stay in &room.stays {
            room.add_stay(
                &mut plan,
                Meter::Av,
                stay.user_id,
                &stay.present,
                &steps,
                u32::from(stay.sends_video),
            );
        }
        let found: Vec<(i64, Range<u32>, Option<i32>)> = plan
            .runs
            .iter()
            .map(|run| (run.user_id, run.start..run.end(), run.pixels))
            .collect();
        let hd = Some(921_600);
        assert_eq!(
            found,
            [
                (1, 100..120, None),
                (1, 120..160, hd),
                (1, 160..200, None),
                (2, 120..160, hd),
                (3, 130..160, Some(1_843_200)),
                (3, 160..200, hd),
            ]
        );
    }

    fn planned(rows: u64) -> DayPlan {
        let day = super::super::spec::first_example_day();
        let span = DaySpan::of(day, chrono_tz::Asia::Shanghai).expect("in the calendar");
        let mut plan = DayPlan::default();
        plan_day(&mut plan, &Population::new(3, 50), 3, &span, rows);
        plan
    }

    #[test]
    fn a_day_has_every_meter_and_a_dozen_resolutions_and_only_its_own_seconds() {
        let plan = planned(3_000_000);
        assert_eq!(plan.rows(), 3_000_000);
        let meters: BTreeSet<Meter> = plan.runs.iter().map(|run| run.meter).collect();
        assert_eq!(meters.len(), 6);
        let pixels: BTreeSet<Option<i32>> = plan.runs.iter().map(|run| run.pixels).collect();
        assert!((10..=14).contains(&pixels.len()), "{pixels:?}");
        assert!(pixels.contains(&None) && pixels.contains(&Some(0)));
        for run in &plan.runs {
            assert!(run.rows > 0 && run.end() <= 86_400, "{run:?}");
            assert!((1..=86_400).contains(&run.seconds), "{run:?}");
        }
    }

    #[test]
    fn one_room_is_not_all_of_a_small_day() {
        assert!(planned(5_000).rooms.len() >= 4);
    }

    #[test]
    fn a_day_has_exactly_its_rows() {
        for rows in [1, 2, 599, 600, 601, 5_000, 123_457] {
            assert_eq!(planned(rows).rows(), rows);
        }
    }
}
