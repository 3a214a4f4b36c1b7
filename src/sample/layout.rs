//! The runs of a day -> its files, in one of two orders. Both hold the same rows.

use std::ops::Range;

use rand::seq::SliceRandom;
use rayon::prelude::*;

use super::day::{DayPlan, DaySpan, Run};
use super::random::{Purpose, generator};
use super::spec::{Layout, SampleError};
use super::usage_file::{DayFiles, UsageFile, UsageRow, UsageTotals};

/// Writes the plan as `files`, about equally long ones one after another in the layout's order. As many files at a time as there are threads.
pub(super) fn write_day(
    files: DayFiles<'_>,
    mut plan: DayPlan,
    span: &DaySpan,
    layout: Layout,
    seed: u64,
) -> Result<UsageTotals, SampleError> {
    match layout {
        Layout::Time => {
            plan.runs.sort_by_key(|run| run.start);
            let slices = cut_by_time(&plan.runs, span.seconds, files.count);
            let day = u32::from_ne_bytes(span.day.epoch_days().to_ne_bytes());
            write_files(files, &slices, |file, slice| {
                let mut shuffled = Vec::new();
                sweep(&plan.runs, slice.clone(), |second, present| {
                    shuffled.clear();
                    shuffled.extend_from_slice(present);
                    shuffled.shuffle(&mut generator(seed, Purpose::Order, day, second));
                    push_rows(file, &plan, span, second, &shuffled)
                })
            })
        }
        Layout::Sorted => {
            plan.runs.sort_by_key(|run| (participant(run), run.start));
            let slices = cut_by_participant(&plan.runs, plan.rows(), files.count);
            write_files(files, &slices, |file, slice| {
                for runs in plan.runs[slice.clone()].chunk_by(|a, b| participant(a) == participant(b)) {
                    sweep(runs, 0..span.seconds, |second, present| {
                        push_rows(file, &plan, span, second, present)
                    })?;
                }
                Ok(())
            })
        }
    }
}

fn participant(run: &Run) -> (i64, i64, i64) {
    (run.account_id, run.sdk_app_id, run.user_id)
}

fn write_files<S: Sync>(
    files: DayFiles<'_>,
    slices: &[S],
    write: impl Fn(&mut UsageFile, &S) -> Result<(), SampleError> + Sync,
) -> Result<UsageTotals, SampleError> {
    let totals: Vec<UsageTotals> = slices
        .par_iter()
        .enumerate()
        .map(|(number, slice)| {
            let mut file = files.create(number)?;
            write(&mut file, slice)?;
            file.finish()
        })
        .collect::<Result<_, SampleError>>()?;
    Ok(totals.into_iter().fold(UsageTotals::default(), UsageTotals::plus))
}

fn push_rows(
    file: &mut UsageFile,
    plan: &DayPlan,
    span: &DaySpan,
    second: u32,
    runs: &[&Run],
) -> Result<(), SampleError> {
    for run in runs {
        let room = plan.rooms.get(run.room as usize).expect("a run's room is in its plan");
        file.push(&UsageRow {
            account_id: run.account_id,
            sdk_app_id: run.sdk_app_id,
            room,
            user_id: run.user_id,
            ts_ms: span.ms(second),
            meter: run.meter.name(),
            seconds: run.seconds,
            pixels: run.pixels,
        })?;
    }
    Ok(())
}

/// Goes through `seconds` and hands over each with the runs that have a row in it. The runs are sorted by start.
fn sweep<'a>(
    runs: &'a [Run],
    seconds: Range<u32>,
    mut at: impl FnMut(u32, &[&'a Run]) -> Result<(), SampleError>,
) -> Result<(), SampleError> {
    let (begun, mut coming) = runs.split_at(runs.partition_point(|run| run.start < seconds.start));
    let mut present: Vec<&Run> = begun.iter().filter(|run| run.end() > seconds.start).collect();
    let mut second = seconds.start;
    while second < seconds.end {
        let (starting, later) = coming.split_at(coming.partition_point(|run| run.start <= second));
        present.extend(starting);
        coming = later;
        if present.is_empty() {
            match coming.first() {
                Some(next) => second = next.start,
                None => return Ok(()),
            }
            continue;
        }
        at(second, &present)?;
        second += 1;
        present.retain(|run| run.end() > second);
    }
    Ok(())
}

/// Cuts the day's seconds into `files` ranges with about equally many rows.
fn cut_by_time(runs: &[Run], day_seconds: u32, files: u32) -> Vec<Range<u32>> {
    let mut changes = vec![0_i64; day_seconds as usize + 1];
    for run in runs {
        changes[run.start as usize] += 1;
        changes[run.end() as usize] -= 1;
    }
    let total: u64 = runs.iter().map(|run| u64::from(run.rows)).sum();
    let (mut present, mut before, mut ends) = (0_i64, 0_u64, Vec::new());
    for (second, change) in (0..day_seconds).zip(changes) {
        present += change;
        before += present.unsigned_abs();
        while (ends.len() as u64 + 1) < u64::from(files) && before * u64::from(files) >= total * (ends.len() as u64 + 1)
        {
            ends.push(second + 1);
        }
    }
    ends.resize(files as usize, day_seconds);
    ranges(ends)
}

/// Cuts the runs into `files` ranges with about equally many rows, between participants.
fn cut_by_participant(runs: &[Run], rows: u64, files: u32) -> Vec<Range<usize>> {
    let (mut before, mut position, mut ends) = (0_u64, 0_usize, Vec::new());
    for group in runs.chunk_by(|a, b| participant(a) == participant(b)) {
        before += group.iter().map(|run| u64::from(run.rows)).sum::<u64>();
        position += group.len();
        while (ends.len() as u64 + 1) < u64::from(files) && before * u64::from(files) >= rows * (ends.len() as u64 + 1)
        {
            ends.push(position);
        }
    }
    ends.resize(files as usize, runs.len());
    ranges(ends)
}

fn ranges<T: Copy + Default>(ends: Vec<T>) -> Vec<Range<T>> {
    let starts = std::iter::once(T::default()).chain(ends.iter().copied());
    starts
        .zip(ends.iter().copied())
        .map(|(start, end)| start..end)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::day::Meter;
    use super::*;

    fn run(user_id: i64, start: u32, rows: u32) -> Run {
        Run {
            account_id: 1,
            sdk_app_id: 1,
            user_id,
            room: 0,
            start,
            rows,
            seconds: 1,
            pixels: None,
            meter: Meter::Av,
        }
    }

    fn swept(runs: &[Run], seconds: Range<u32>) -> Vec<(u32, i64)> {
        let mut rows = Vec::new();
        sweep(runs, seconds, |second, present| {
            rows.extend(present.iter().map(|run| (second, run.user_id)));
            Ok(())
        })
        .expect("nothing fails");
        rows
    }

    #[test]
    fn a_sweep_visits_every_row_once_wherever_it_is_cut() {
        let runs = [run(1, 0, 3), run(2, 1, 1), run(3, 2, 4), run(4, 9, 1)];
        let whole = swept(&runs, 0..12);
        assert_eq!(
            whole,
            [(0, 1), (1, 1), (1, 2), (2, 1), (2, 3), (3, 3), (4, 3), (5, 3), (9, 4)]
        );
        for cut in 0..12 {
            let mut pieces = swept(&runs, 0..cut);
            pieces.extend(swept(&runs, cut..12));
            assert_eq!(pieces, whole, "cut at {cut}");
        }
    }

    #[test]
    fn files_are_cut_evenly_and_leave_nothing_out() {
        let runs: Vec<Run> = (0..100)
            .map(|user| run(user, u32::try_from(user).expect("small"), 10))
            .collect();
        assert_eq!(cut_by_participant(&runs, 1000, 4), [0..25, 25..50, 50..75, 75..100]);
        let by_time = cut_by_time(&runs, 86_400, 4);
        assert_eq!(by_time.first().map(|range| range.start), Some(0));
        assert_eq!(by_time.last().map(|range| range.end), Some(86_400));
        for range in by_time {
            let rows = swept(&runs, range.clone()).len();
            assert!((240..=260).contains(&rows), "{rows} rows in {range:?}");
        }
    }

    #[test]
    fn more_files_than_participants_leaves_some_empty() {
        let runs = [run(1, 5, 10)];
        assert_eq!(cut_by_participant(&runs, 10, 3), [0..1, 1..1, 1..1]);
        assert_eq!(cut_by_time(&runs, 100, 2), [0..10, 10..100]);
        assert_eq!(cut_by_time(&[], 100, 2), [0..1, 1..100]);
    }
}
