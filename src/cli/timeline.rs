//! `nightbill timeline`: what became of an account, and what will if nobody pays.

use chrono::DateTime;
use clap::Args;
use serde::Serialize;

use crate::catalog::parse::parse;
use crate::inputs::catalog::read;
use crate::inputs::dimensions::Dimensions;
use crate::job::Job;
use crate::ledger::batch::Ledger;
use crate::ledger::history::PostedFlag;
use crate::report::timeline::{Event, Subject, Timeline, TimelineError, timeline};
use crate::rules::dunning::State;
use crate::store::Store;
use crate::units::quantity::{AccountId, Cents, Instant};

use super::args::JobArgs;
use super::failure::Failure;
use super::format::{Align, Table, pairs};
use super::terminal::{JSON_FORMAT, Look, Terminal};

/// Tell an account's timeline: when it was overdue, suspended, removed, and what comes if nothing is paid
///
/// Reads every batch of the ledger, and the accounts and payments of the job. Times are local to the job's zone.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    nightbill timeline jobs/nightly.toml --account 1001\n  \
    nightbill timeline jobs/nightly.toml --account 1001 --output json")]
pub(crate) struct TimelineArgs {
    #[command(flatten)]
    job: JobArgs,
    /// The account
    #[arg(long, value_name = "ACCOUNT_ID", value_parser = clap::value_parser!(i64).range(1..))]
    account: i64,
}

/// Tells it.
pub(crate) fn run(args: &TimelineArgs, terminal: &Terminal) -> Result<(), Failure> {
    let job = Job::load(&args.job.job, &args.job.overrides)?;
    let catalog = read(&job.catalog)?;
    let book = parse(&catalog.path, &catalog.text)?;
    let ledger = Ledger::open(Store::open(&job.output)?)?;
    let account = AccountId::new(args.account).expect("the range of the argument");
    let Some(first_day) = ledger.first_settled_day() else {
        return Err(TimelineError::Unknown(account).into());
    };
    let dimensions = Dimensions::load(&job, &book, &job.calendar)?;
    let Some(position) = dimensions.index().position(args.account) else {
        return Err(Failure::usage(
            format!("account {account} is not in accounts"),
            "name an account of the job's accounts dimension",
        ));
    };
    let starts = |day| job.calendar.start_of(day).map_err(TimelineError::from);
    let subject = Subject {
        book: &book,
        account: dimensions.account(position),
        payments: &dimensions.payments(position),
        dunning_from: starts(job.dunning_from.unwrap_or(first_day))?,
        counted_from: starts(first_day)?,
    };
    let told = timeline(&ledger, subject)?;
    let zone = job.calendar.zone();
    let local = |at: Instant| local_time(zone, at);
    terminal.result(&TimelineDocument::new(&job.name, &book.currency, &told, &local), text)
}

/// `2024-10-14 10:00`, with seconds and their parts where there are any.
fn local_time(zone: chrono_tz::Tz, at: Instant) -> String {
    let Some(utc) = DateTime::from_timestamp_micros(at.micros()) else {
        return at.to_string();
    };
    let local = utc.with_timezone(&zone);
    let format = match at.micros().rem_euclid(60_000_000) {
        0 => "%Y-%m-%d %H:%M",
        rest if rest % 1_000_000 == 0 => "%Y-%m-%d %H:%M:%S",
        _ => "%Y-%m-%d %H:%M:%S%.6f",
    };
    local.format(format).to_string()
}

/// The JSON document. Times are RFC 3339 in UTC, and local without an offset.
#[derive(Debug, Serialize)]
pub(crate) struct TimelineDocument<'a> {
    format: u32,
    command: &'static str,
    job: &'a str,
    currency: &'a str,
    account_id: i64,
    batch: String,
    as_of: TimeDocument,
    state: &'a str,
    balance: String,
    credit_limit: String,
    arrears: String,
    past: Vec<EventDocument>,
    to_come: Vec<EventDocument>,
    flags: Vec<FlagDocument<'a>>,
}

#[derive(Debug, Serialize)]
struct TimeDocument {
    utc: String,
    local: String,
}

#[derive(Debug, Serialize)]
struct EventDocument {
    at: TimeDocument,
    state: &'static str,
    balance: Option<String>,
    arrears: Option<String>,
}

#[derive(Debug, Serialize)]
struct FlagDocument<'a> {
    sdk_app_id: i64,
    product: &'a str,
    flag: &'a str,
    since: Option<TimeDocument>,
    deadline: Option<TimeDocument>,
    stop_rooms_by: Option<TimeDocument>,
    actions: Vec<&'a str>,
}

impl<'a> TimelineDocument<'a> {
    fn new(job: &'a str, currency: &'a str, told: &'a Timeline, local: &dyn Fn(Instant) -> String) -> Self {
        let time = |at: Instant| TimeDocument {
            utc: at.to_string(),
            local: local(at),
        };
        let event = |event: &Event| EventDocument {
            at: time(event.at),
            state: event.state.as_str(),
            balance: event.balance.map(|cents| cents.to_string()),
            arrears: event.arrears.map(|cents| cents.to_string()),
        };
        let flag = |flag: &'a PostedFlag| FlagDocument {
            sdk_app_id: flag.app,
            product: &flag.product,
            flag: &flag.flag,
            since: flag.since.map(time),
            deadline: flag.deadline.map(time),
            stop_rooms_by: flag.stop_rooms_by.map(time),
            actions: flag.actions.split(';').filter(|action| !action.is_empty()).collect(),
        };
        Self {
            format: JSON_FORMAT,
            command: "timeline",
            job,
            currency,
            account_id: told.account.get(),
            batch: told.batch.to_string(),
            as_of: time(told.as_of),
            state: &told.state,
            balance: told.balance.to_string(),
            credit_limit: told.credit_limit.to_string(),
            arrears: told.arrears.to_string(),
            past: told.past.iter().map(event).collect(),
            to_come: told.to_come.iter().map(event).collect(),
            flags: told.flags.iter().map(flag).collect(),
        }
    }
}

/// For people: where it stands, what was, what comes, and what enforcement does.
fn text(document: &TimelineDocument<'_>, look: Look) -> String {
    let currency = document.currency;
    let nothing = Cents::ZERO.to_string();
    let mut rows = vec![
        ("as of", format!("{} ({})", document.as_of.local, document.batch)),
        ("state", document.state.to_owned()),
        ("balance", format!("{} {currency}", document.balance)),
        ("credit limit", format!("{} {currency}", document.credit_limit)),
    ];
    if document.arrears != nothing {
        rows.push(("to be active", format!("{} {currency} must arrive", document.arrears)));
    }
    let mut text = format!(
        "account {} of {}\n\n{}",
        document.account_id,
        document.job,
        pairs(&rows, Align::Left)
    );
    text.push_str("\nwhat happened\n");
    if document.past.is_empty() {
        text.push_str("  nothing: it has been active all the time\n");
    }
    for event in &document.past {
        let balance = event
            .balance
            .as_ref()
            .map(|balance| format!(", balance {balance} {currency}"));
        text.push_str(&format!(
            "  {} {}{}\n",
            event.state,
            event.at.local,
            balance.unwrap_or_default()
        ));
    }
    text.push_str("\nwhat comes if nothing more is paid\n");
    if document.to_come.is_empty() {
        text.push_str("  nothing\n");
    }
    for event in &document.to_come {
        let unless = event.arrears.as_ref().filter(|_| event.state != State::Active.as_str());
        let unless = unless.map(|arrears| format!(" unless {arrears} {currency} arrive"));
        text.push_str(&format!(
            "  {} {}{}\n",
            event.state,
            event.at.local,
            unless.unwrap_or_default()
        ));
    }
    if !document.flags.is_empty() {
        text.push_str(&format!("\n{}", flags(&document.flags).render(look)));
    }
    text
}

fn flags(flags: &[FlagDocument<'_>]) -> Table {
    let mut table = Table::new([
        ("flag", Align::Left),
        ("app", Align::Left),
        ("product", Align::Left),
        ("since", Align::Left),
        ("deadline", Align::Left),
        ("stop rooms by", Align::Left),
        ("actions", Align::Left),
    ]);
    let local = |time: &Option<TimeDocument>| time.as_ref().map_or_else(String::new, |time| time.local.clone());
    for flag in flags {
        table.row([
            flag.flag.to_owned(),
            match flag.sdk_app_id {
                0 => "account".to_owned(),
                app => app.to_string(),
            },
            flag.product.to_owned(),
            local(&flag.since),
            local(&flag.deadline),
            local(&flag.stop_rooms_by),
            flag.actions.join(", "),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::json_doc;
    use crate::cli::terminal::to_json;
    use crate::ledger::record::BatchId;

    fn at(text: &str) -> Instant {
        Instant::from(text.parse::<DateTime<chrono::Utc>>().expect("RFC 3339"))
    }

    fn suspended() -> Timeline {
        let event = |text, state| Event {
            at: at(text),
            state,
            balance: Some(Cents::from_units(-1_240)),
            arrears: Some(Cents::from_units(1_240)),
        };
        Timeline {
            account: AccountId::new(7).expect("positive"),
            batch: BatchId::parse("2024-10-13.00").expect("an id"),
            as_of: at("2024-10-14T02:00:00Z"),
            state: "suspended".to_owned(),
            balance: Cents::from_units(-1_240),
            credit_limit: Cents::ZERO,
            arrears: Cents::from_units(1_240),
            past: vec![
                event("2024-10-13T02:00:00Z", State::Overdue),
                event("2024-10-14T02:00:00.5Z", State::Suspended),
            ],
            to_come: vec![event("2024-12-13T02:00:01Z", State::Removed)],
            flags: vec![PostedFlag {
                app: 0,
                product: "trtc".to_owned(),
                flag: "suspended".to_owned(),
                since: Some(at("2024-10-14T02:00:00Z")),
                deadline: Some(at("2024-12-13T02:00:00Z")),
                stop_rooms_by: Some(at("2024-10-14T02:00:00Z")),
                actions: "stop_rooms;block_api".to_owned(),
            }],
        }
    }

    #[test]
    fn a_timeline_is_as_documented() {
        let (told, local) = (suspended(), |at| local_time(chrono_tz::Asia::Shanghai, at));
        let document = TimelineDocument::new("sample", "USD", &told, &local);
        json_doc::check("timeline", &to_json(&document));
        let look = Look {
            colour: false,
            utf8: true,
            width: None,
        };
        insta::assert_snapshot!(text(&document, look));
    }
}
