//! How a run is getting on: a bar on the terminal, events in the log, and the days that are done.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::compact::{self, Stage};
use crate::settle::{DayOutcome, DayReport, Progress};
use crate::units::quantity::BillingDay;

use super::format::{bytes, counted};

/// A stage shorter than this shows no bar.
const LONG: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(120);

const SCAN: &str = "{spinner} {prefix} scan  {human_pos} rows of {msg}  {per_sec:>16}  {elapsed}";
const ROWS: &str = "{spinner} {prefix} {msg} [{bar:30}] {human_pos} of {human_len} rows  {eta} left";
const RULES: &str = "{spinner} {prefix} rules [{bar:30}] {human_pos} of {human_len} accounts  {eta} left";

/// Follows one run of `settle` or `compact`.
pub(crate) struct RunProgress {
    shows_bar: bool,
    stage: Mutex<Option<StageBar>>,
    done: Mutex<Vec<DayReport>>,
    warnings: Mutex<Vec<String>>,
}

struct StageBar {
    bar: ProgressBar,
    began: Instant,
    is_shown: bool,
}

impl RunProgress {
    /// Progress that draws a bar on stderr, or none.
    pub(crate) fn new(shows_bar: bool) -> Self {
        Self {
            shows_bar,
            stage: Mutex::new(None),
            done: Mutex::new(Vec::new()),
            warnings: Mutex::new(Vec::new()),
        }
    }

    /// Clears the bar and gives the days that ended well, in order, and the warnings.
    pub(crate) fn finish(self) -> (Vec<DayReport>, Vec<String>) {
        self.end_stage();
        let done = self.done.into_inner().unwrap_or_else(PoisonError::into_inner);
        (done, self.warnings.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    fn begin_stage(&self, day: BillingDay, length: Option<u64>, template: &str, message: String) {
        self.end_stage();
        if !self.shows_bar {
            return;
        }
        let style = ProgressStyle::with_template(template).expect("the templates above are well-formed");
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden())
            .with_style(style.progress_chars("=> "))
            .with_prefix(day.to_string())
            .with_message(message);
        *lock(&self.stage) = Some(StageBar {
            bar,
            began: Instant::now(),
            is_shown: false,
        });
    }

    fn advance(&self, count: u64) {
        if let Some(stage) = lock(&self.stage).as_mut() {
            stage.bar.inc(count);
            if !stage.is_shown && stage.began.elapsed() >= LONG {
                stage.bar.set_draw_target(ProgressDrawTarget::stderr());
                stage.bar.enable_steady_tick(TICK);
                stage.is_shown = true;
            }
        }
    }

    fn end_stage(&self) {
        if let Some(stage) = lock(&self.stage).take() {
            stage.bar.finish_and_clear();
        }
    }
}

/// A thread that panicked while it drew a bar leaves nothing that could be wrong.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Progress for RunProgress {
    fn warning(&self, warning: &str) {
        lock(&self.warnings).push(warning.to_owned());
    }

    fn scan_begins(&self, day: BillingDay, files: usize, size: u64) {
        tracing::info!(%day, files, bytes = size, "day begins");
        let message = format!("{}, {}", counted(files, "file", "files"), bytes(size));
        self.begin_stage(day, None, SCAN, message);
    }

    fn rows_read(&self, rows: u64) {
        self.advance(rows);
    }

    fn rules_begin(&self, day: BillingDay, accounts: usize) {
        tracing::debug!(%day, accounts, "rules begin");
        self.begin_stage(day, u64::try_from(accounts).ok(), RULES, String::new());
    }

    fn accounts_settled(&self, accounts: usize) {
        self.advance(u64::try_from(accounts).unwrap_or(u64::MAX));
    }

    fn day_ends(&self, report: &DayReport) {
        self.end_stage();
        let totals = &report.totals;
        tracing::info!(
            day = %report.day,
            batch = %report.batch,
            outcome = outcome_name(report.outcome),
            rows = totals.rows,
            seconds = totals.seconds,
            rejected_rows = totals.rejected_rows,
            accounts = totals.accounts,
            lines = totals.lines,
            minutes = totals.minutes.total,
            payg_minutes = totals.minutes.payg,
            unbilled_minutes = totals.minutes.unbilled,
            bills = totals.bills,
            amount = totals.amount.as_str(),
            "day ends"
        );
        lock(&self.done).push(report.clone());
    }
}

impl compact::Progress for RunProgress {
    fn stage_begins(&self, day: BillingDay, stage: Stage, rows: u64) {
        let name = match stage {
            Stage::Sort => "sort",
            Stage::Write => "write",
            Stage::Verify => "verify",
        };
        tracing::info!(%day, stage = name, rows, "stage begins");
        self.begin_stage(day, Some(rows), ROWS, name.to_owned());
    }

    fn rows_done(&self, rows: u64) {
        self.advance(rows);
    }
}

/// As JSON and log events have it.
pub(crate) fn outcome_name(outcome: DayOutcome) -> &'static str {
    match outcome {
        DayOutcome::Posted => "posted",
        DayOutcome::Unchanged => "unchanged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_well_formed() {
        for template in [SCAN, ROWS, RULES] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn keeps_the_days_that_ended() {
        let progress = RunProgress::new(false);
        let report = crate::cli::settle_report::tests::posted("2024-10-12");
        progress.scan_begins(report.day, 2, 1024);
        progress.rows_read(5);
        progress.rules_begin(report.day, 3);
        progress.accounts_settled(3);
        progress.day_ends(&report);
        let days: Vec<String> = progress.finish().0.iter().map(|day| day.day.to_string()).collect();
        assert_eq!(days, ["2024-10-12"]);
    }
}
