//! SPEC 3.9: balance, overdue, suspension, removal; event by event.

use std::collections::BTreeMap;

use super::fraction::Fraction;
use super::standing::{Night, Standing};

const HOUR: i64 = 3_600 * 1_000_000;
const DAY: i64 = 24 * HOUR;

/// What becomes of an account in arrears, whatever a violation says on top of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    Active,
    Overdue,
    Suspended,
    Removed,
}

impl State {
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Overdue => "overdue",
            Self::Suspended => "suspended",
            Self::Removed => "removed",
        }
    }
}

/// A state with its dates.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrears {
    pub state: State,
    pub overdue_since: Option<i64>,
    pub suspend_at: Option<i64>,
    pub suspended_at: Option<i64>,
    pub remove_at: Option<i64>,
}

/// What a night's events do to an account.
pub struct Course<'a> {
    night: Night<'a>,
    pub balance: Fraction,
    pub arrears: Arrears,
    /// When it was removed.
    pub removals: Vec<i64>,
}

/// 3.9: "paid of a batch = all payments with paid_at <= its billing time minus the paid of all earlier batches".
/// "Payments before the first settled day are not counted"; decision 2: "those with paid_at before the start of that
/// day". The sum of those at or before an instant.
pub fn paid_until(night: &Night<'_>, until: i64) -> Fraction {
    counted(night)
        .filter(|(at, _)| *at <= until)
        .map(|(_, amount)| amount)
        .fold(Fraction::ZERO, Fraction::plus)
}

/// The payments that the night's run finds and counts.
fn counted<'a>(night: &Night<'a>) -> impl Iterator<Item = (i64, Fraction)> + use<'a> {
    let (first, number) = (night.start(night.setting.first_day), night.number);
    let payments = night.life.payments.iter().filter(move |payment| {
        payment.from_night <= number
            && payment.until_night.is_none_or(|until| number < until)
            && payment.paid_at >= first
    });
    payments.map(|payment| (payment.paid_at, Fraction::parse(&payment.amount)))
}

impl<'a> Course<'a> {
    /// 3.9: all events of the night but its charges.
    pub fn until_charges(night: Night<'a>, standing: &Standing) -> Self {
        let mut course = Self {
            night,
            balance: standing.balance,
            arrears: standing.arrears,
            removals: Vec::new(),
        };
        // "Events in time order: payments, summed per instant". The first batch has no earlier window.
        let earliest = if night.number == 0 { i64::MIN } else { night.before };
        let mut payments: BTreeMap<i64, Fraction> = BTreeMap::new();
        for (at, amount) in counted(&night).filter(|(at, _)| earliest < *at && *at <= night.now) {
            let sum = payments.entry(at).or_insert(Fraction::ZERO);
            *sum = sum.plus(amount);
        }
        // "what arrived late for an earlier window counts first, as one amount at the previous billing time".
        if night.number > 0 {
            let late = paid_until(&night, night.before).minus(standing.paid_total);
            if !late.is_zero() {
                payments.insert(night.before, late);
            }
        }
        for (at, amount) in payments {
            // "deadlines at an instant after its payments": those before it come first.
            course.pass_deadlines(at - 1);
            course.balance = course.balance.plus(amount);
            course.look(at);
        }
        course.pass_deadlines(night.now);
        course
    }

    /// 3.9: "at the billing time at last the sum of the batch's bills (0 too)".
    pub fn charge(&mut self, charged: Fraction) {
        self.balance = self.balance.minus(charged);
        self.look(self.night.now);
        self.pass_deadlines(self.night.now);
    }

    /// 3.9: "balance < -credit_limit makes an active account overdue since then"; "balance >= -credit_limit makes an
    /// overdue, suspended or removed account active".
    fn look(&mut self, at: i64) {
        let credit = Fraction::parse(&self.night.life.account.credit_limit);
        let in_arrears = self.balance.plus(credit).is_negative();
        if !in_arrears {
            self.arrears = Arrears::default();
        } else if self.arrears.state == State::Active && self.is_dunned(at) {
            self.arrears = Arrears {
                state: State::Overdue,
                overdue_since: Some(at),
                suspend_at: Some(at + grace(&self.night)),
                ..Arrears::default()
            };
        }
    }

    /// 2.8: "dunning_from: before it nobody leaves active (default: the first settled day)".
    fn is_dunned(&self, at: i64) -> bool {
        let from = self.night.setting.dunning_from.map(|day| self.night.start(day));
        from.is_none_or(|from| from <= at)
    }

    /// 3.9: "at suspend_at while overdue: suspended"; "at remove_at while suspended: removed". Decision 85: "The balance
    /// decides before a deadline does", as a raised credit limit shows.
    fn pass_deadlines(&mut self, until: i64) {
        if let Some(at) = self.arrears.suspend_at.filter(|at| *at <= until)
            && self.is_still(State::Overdue, at)
        {
            self.arrears.state = State::Suspended;
            self.arrears.suspended_at = Some(at);
            // "remove_at = + removal days."
            self.arrears.remove_at = Some(at + removal(&self.night));
        }
        if let Some(at) = self.arrears.remove_at.filter(|at| *at <= until)
            && self.is_still(State::Suspended, at)
        {
            self.arrears.state = State::Removed;
            self.removals.push(at);
        }
    }

    /// Whether the account is in this state at its deadline, and the balance leaves it there.
    fn is_still(&mut self, state: State, at: i64) -> bool {
        let was = self.arrears.state == state;
        if was {
            self.look(at);
        }
        was && self.arrears.state == state
    }
}

/// 3.9: "the longest grace and removal time among the account's products".
fn grace(night: &Night<'_>) -> i64 {
    let hours = night.life.account.products.iter();
    let hours = hours.map(|id| night.setting.catalog.product(id).grace_hours);
    HOUR * hours.max().expect("an account has a product")
}

pub fn removal(night: &Night<'_>) -> i64 {
    let days = night.life.account.products.iter();
    let days = days.map(|id| night.setting.catalog.product(id).removal_days);
    DAY * days.max().expect("an account has a product")
}
