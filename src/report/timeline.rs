//! What became of an account and when, and what will if nobody pays (SPEC 3.9).
//!
//! The ledger says how the account stood after each batch. What happened in between is followed again with the rules, from
//! the payments that are known today; where that does not lead to what was posted, the posted dates are told instead.

use crate::catalog::book::Book;
use crate::ledger::batch::{Ledger, LedgerError};
use crate::ledger::history::{AccountNight, PostedFlag, account_nights, flags_now};
use crate::ledger::record::BatchId;
use crate::rules::balance::terms;
use crate::rules::dunning::{Course, CourseError, Standing, State, Terms};
use crate::rules::facts::{Account, Payment};
use crate::units::calendar::OutsideCalendar;
use crate::units::quantity::{AccountId, Cents, Instant};

/// An account through time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// The account.
    pub account: AccountId,
    /// The last batch that knows it.
    pub batch: BatchId,
    /// Its billing time: what came later is not in it.
    pub as_of: Instant,
    /// The state that it shows.
    pub state: String,
    /// The balance then.
    pub balance: Cents,
    /// How far below zero it may go.
    pub credit_limit: Cents,
    /// What must arrive for the account to be active; zero when it is.
    pub arrears: Cents,
    /// What happened, in time order.
    pub past: Vec<Event>,
    /// What will happen if nothing is paid that is not known yet, in time order; a violation that is dated later too.
    pub to_come: Vec<Event>,
    /// The flags that enforcement reads.
    pub flags: Vec<PostedFlag>,
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// To what.
    pub state: State,
    /// The balance then; None where it is not known, because today's payments do not lead to what was posted.
    pub balance: Option<Cents>,
    /// What had to arrive, or must, for the account to be active then; zero when it is.
    pub arrears: Option<Cents>,
}

/// Why there is no timeline.
#[derive(Debug, thiserror::Error)]
pub enum TimelineError {
    /// No batch knows the account (exit 2).
    #[error("account {0} is in no batch of the ledger")]
    Unknown(AccountId),
    /// A sum or a date leaves its range (exit 3).
    #[error("account {account}: {source}")]
    Course {
        /// The account.
        account: AccountId,
        /// What leaves it.
        source: CourseError,
    },
    /// A day leaves the calendar (exit 3).
    #[error("a day of the ledger is {0}")]
    OutsideCalendar(#[from] OutsideCalendar),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// What a timeline is made from.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The catalog: grace and removal times.
    pub book: &'a Book,
    /// The account as it is now.
    pub account: Account<'a>,
    /// Its payments, in any order.
    pub payments: &'a [Payment],
    /// Before this nobody leaves `active`.
    pub dunning_from: Instant,
    /// Payments before this are not counted: the start of the first settled day.
    pub counted_from: Instant,
}

/// Tells an account's timeline.
///
/// # Errors
/// [`TimelineError`] when the ledger does not know the account, or cannot be read.
pub fn timeline(ledger: &Ledger, subject: Subject<'_>) -> Result<Timeline, TimelineError> {
    let account = subject.account.id;
    let nights = account_nights(ledger, account)?;
    let Some(last) = nights.last() else {
        return Err(TimelineError::Unknown(account));
    };
    let failed = |source| TimelineError::Course { account, source };
    let terms = Terms {
        from: subject.dunning_from,
        ..terms(subject.book, &subject.account)
    };
    let mut past = followed(terms, subject, &nights).map_err(failed)?;
    let mut to_come = to_come(terms, subject, last).map_err(failed)?;
    if let Some(at) = subject.account.violation_at {
        let events = if at <= last.billed_at { &mut past } else { &mut to_come };
        events.push(Event {
            at,
            state: State::Violation,
            balance: None,
            arrears: None,
        });
        events.sort_by_key(|event| event.at);
    }
    Ok(Timeline {
        account,
        batch: last.batch,
        as_of: last.billed_at,
        state: last.state.clone(),
        balance: last.closing,
        credit_limit: subject.account.credit_limit,
        arrears: last
            .standing
            .arrears(last.closing, subject.account.credit_limit)
            .map_err(|source| failed(source.into()))?,
        past,
        to_come,
        flags: flags_now(ledger, account)?,
    })
}

/// Every change of standing that the batches saw.
fn followed(terms: Terms, subject: Subject<'_>, nights: &[AccountNight]) -> Result<Vec<Event>, CourseError> {
    let mut events = Vec::new();
    let mut before: Option<&AccountNight> = None;
    for night in nights {
        let standing = before.map_or(Standing::Active, |before| before.standing);
        // A correction only copies states; what it charged counts from the next night on.
        if night.batch.posting == 0 {
            let opened = before.map(|before| before.billed_at);
            let course = follow(terms, subject, night, opened, standing)?;
            if course.standing() == night.standing {
                events.extend(told(terms, &course)?);
            } else {
                events.extend(posted(standing, night));
            }
        }
        before = Some(night);
    }
    Ok(events)
}

/// One night again, from the payments of today; what was paid and is not among them came late for an earlier night.
fn follow(
    terms: Terms,
    subject: Subject<'_>,
    night: &AccountNight,
    opened: Option<Instant>,
    standing: Standing,
) -> Result<Course, CourseError> {
    let in_window = |payment: &&Payment| match opened {
        Some(opened) => opened < payment.paid_at && payment.paid_at <= night.billed_at,
        None => subject.counted_from <= payment.paid_at && payment.paid_at <= night.billed_at,
    };
    let mut window: Vec<Payment> = subject.payments.iter().filter(in_window).copied().collect();
    window.sort_unstable_by_key(|payment| payment.paid_at);
    let mut late = night.paid;
    for payment in &window {
        late = late.minus(payment.amount)?;
    }
    let mut course = Course::new(terms, standing, night.opening);
    if late != Cents::ZERO {
        course.pay(&[Payment {
            paid_at: opened.unwrap_or(subject.counted_from),
            amount: late,
        }])?;
    }
    pay(&mut course, &window)?;
    course.charge(night.billed_at, night.charged)?;
    Ok(course)
}

/// Payments in time order: those of one instant count at once.
fn pay(course: &mut Course, payments: &[Payment]) -> Result<(), CourseError> {
    for at_once in payments.chunk_by(|one, next| one.paid_at == next.paid_at) {
        let mut amount = Cents::ZERO;
        for payment in at_once {
            amount = amount.plus(payment.amount)?;
        }
        let paid_at = at_once[0].paid_at;
        course.pay(&[Payment { paid_at, amount }])?;
    }
    Ok(())
}

fn told(terms: Terms, course: &Course) -> Result<Vec<Event>, CourseError> {
    course
        .transitions()
        .iter()
        .map(|transition| {
            let arrears = transition.to.arrears(transition.balance, terms.credit_limit)?;
            Ok(Event {
                at: transition.at,
                state: transition.to.state(),
                balance: Some(transition.balance),
                arrears: Some(arrears),
            })
        })
        .collect()
}

/// What the posted dates alone say.
fn posted(before: Standing, night: &AccountNight) -> Vec<Event> {
    let mut events = Vec::new();
    let mut add = |at, state| {
        events.push(Event {
            at,
            state,
            balance: None,
            arrears: None,
        });
    };
    let now = night.standing;
    if let Some(dates) = now.overdue().filter(|dates| before.overdue() != Some(*dates)) {
        add(dates.since, State::Overdue);
    }
    if let Some(dates) = now.suspended().filter(|dates| before.suspended() != Some(*dates)) {
        add(dates.suspended_at, State::Suspended);
    }
    if let (Standing::Removed(dates), false) = (now, matches!(before, Standing::Removed(_))) {
        add(dates.remove_at, State::Removed);
    }
    if now == Standing::Active && before != Standing::Active {
        add(night.billed_at, State::Active);
    }
    events
}

/// What follows after the last batch from the payments that are known, and no other.
fn to_come(terms: Terms, subject: Subject<'_>, last: &AccountNight) -> Result<Vec<Event>, CourseError> {
    let mut course = Course::new(terms, last.standing, last.closing);
    let mut known: Vec<Payment> = subject.payments.to_vec();
    known.retain(|payment| payment.paid_at > last.billed_at);
    known.sort_unstable_by_key(|payment| payment.paid_at);
    pay(&mut course, &known)?;
    while let Some(deadline) = course.deadline() {
        course.wait_until(deadline)?;
    }
    told(terms, &course)
}
