//! The day again: gathered, computed with the recorder on, told, compared.

use crate::inputs::dimensions::Dimensions;
use crate::job::Job;
use crate::ledger::batch::Ledger;
use crate::ledger::state::Listings;
use crate::ledger::tables::{RowContext, Rows, RowsBuilder, Table};
use crate::rules::account_day::{AccountDay, AccountFacts, DayContext, settle_account_day};
use crate::rules::facts::{Measured, Opening, Payg, UsageGroup};
use crate::settle::facts_digest;
use crate::settle::openings::Lookback;
use crate::units::quantity::{AccountId, BillingDay, SdkAppId};

use super::compare::{COMPARED, differences, edited};
use super::error::ExplainError;
use super::found::FoundTables;
use super::past::{Batch, Past, catalog_of_today};
use super::rows::TableRows;
use super::steps::Told;
use super::story::{BalanceStory, ComparedTable, Difference, Explanation};
use super::usage::{posted_charges, posted_usage};
use super::{bills, grants, life, lines, narrow};

/// What is to be explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The account.
    pub account: AccountId,
    /// Only lines of this app, and account-rounded ones that it is part of; None: all.
    pub app: Option<SdkAppId>,
    /// The billing day.
    pub day: BillingDay,
}

/// What came out of the rules, for those who tell it.
pub(super) struct Computed<'a> {
    pub batch: &'a Batch,
    pub past: &'a Past<'a>,
    pub usage: &'a [UsageGroup],
    pub day: &'a AccountDay<'a>,
    pub told: &'a Told,
    /// The same in the ledger's form.
    pub rows: &'a Rows,
}

impl<'a> Computed<'a> {
    /// The recomputed rows of a table.
    pub(super) fn table(&self, table: Table) -> TableRows<'a> {
        TableRows {
            table,
            batch: &self.rows.batches[table.position()],
        }
    }
}

/// Explains one account's day: computes it again from posted usage, the state after the batch before, the stored catalog and the
/// facts known at the billing time, and compares every row with the ledger.
///
/// Reads the batch of the day, the one before it, and the dimensions; of the batches only the account's row groups.
///
/// # Errors
/// [`ExplainError`] when the day is not settled, the account unknown, something missing or damaged. A ledger that says something
/// else than the rules is no error: see [`Explanation::differences`].
pub fn explain(job: &Job, ledger: &Ledger, question: Question) -> Result<Explanation, ExplainError> {
    let batch = Batch::of_day(job, ledger, question.day)?;
    let today = catalog_of_today(job)?;
    let dimensions = Dimensions::load(job, &today, &job.calendar)?;
    let past = Past::of_account(ledger, &batch, &dimensions, &today, question.account)?;
    let found = FoundTables::of_account(ledger, &batch, question.account)?;
    let usage = posted_usage(&batch, &found)?;
    let measured = posted_charges(&batch, &found)?;
    let used = Used {
        usage: &usage,
        measured: &measured,
    };

    let completed = completed_opening(job, ledger, &batch, &past, used)?;
    let opening = completed.as_ref().unwrap_or(&past.opening);
    let mut told = Told::default();
    let day = settle(&batch, &past, used, opening, Some(&mut told))?;
    let rows = rows(&batch, &past, &usage, &day)?;
    let computed = Computed {
        batch: &batch,
        past: &past,
        usage: &usage,
        day: &day,
        told: &told,
        rows: &rows,
    };
    let (compared, differences) = compare(&found, &computed);
    let mut explanation = Explanation {
        compared,
        differences,
        notes: batch.changed_dimensions(&dimensions),
        ..tell(&computed, question)?
    };
    if let Some(app) = question.app {
        narrow::to_app(&mut explanation, app);
    }
    Ok(explanation)
}

/// What the account used that day, and month.
#[derive(Clone, Copy)]
struct Used<'a> {
    usage: &'a [UsageGroup],
    measured: &'a [Measured],
}

fn settle<'a>(
    batch: &Batch,
    past: &'a Past<'_>,
    used: Used<'a>,
    opening: &'a Opening,
    told: Option<&mut Told>,
) -> Result<AccountDay<'a>, ExplainError> {
    let context = DayContext {
        book: &batch.book,
        calendar: &batch.calendar,
        day: batch.id.day,
        deduction_period: batch.deduction_period,
        first_settled_day: batch.first_settled_day,
        billed_before: batch.billed_before,
        dunning_from: batch.dunning_from,
    };
    let facts = AccountFacts {
        account: past.account(),
        packages: &past.packages,
        payments: &past.payments,
        requests: &past.requests,
        disabled: &past.disabled,
        usage: used.usage,
        measured: used.measured,
        opening,
    };
    settle_account_day(context, facts, told.map(|told| told as _)).map_err(ExplainError::Rules)
}

/// The opening with grants that the batch before does not list, found as a night finds them; None: it lists all.
fn completed_opening(
    job: &Job,
    ledger: &Ledger,
    batch: &Batch,
    past: &Past<'_>,
    used: Used<'_>,
) -> Result<Option<Opening>, ExplainError> {
    if !past.is_known {
        return Ok(None);
    }
    let day = settle(batch, past, used, &past.opening, None)?;
    let account = past.account().id;
    let lookback = Lookback {
        calendar: &batch.calendar,
        day: batch.id.day,
        lookback_days: job.lookback_days,
        account,
        packages: &past.packages,
        opening_grants: &past.opening_grants(),
    };
    let mut listings = Listings::new(ledger, account, account).before(batch.id);
    Ok(lookback.completed(&past.opening, &day, &mut listings)?)
}

/// The day's rows as its batch would hold them.
fn rows(batch: &Batch, past: &Past<'_>, usage: &[UsageGroup], day: &AccountDay<'_>) -> Result<Rows, ExplainError> {
    let account = past.account();
    let digest = facts_digest::digest(&batch.book, &account, &past.packages, &past.requests, batch.known_at);
    let mut builder = RowsBuilder::new(RowContext {
        book: &batch.book,
        day: batch.id.day,
        issued_at: batch.known_at,
        deduction_period: batch.deduction_period,
    });
    builder.push_account(account.id, day, usage, digest)?;
    Ok(builder.finish())
}

fn compare(posted: &FoundTables, computed: &Computed<'_>) -> (Vec<ComparedTable>, Vec<Difference>) {
    let edits_of = |table| posted.of(table).edited.iter().map(move |file| edited(table, file));
    let (mut compared, mut found) = (Vec::new(), Vec::new());
    for table in COMPARED {
        let rows = TableRows {
            table,
            batch: &posted.of(table).rows,
        };
        compared.push(ComparedTable {
            table: table.name(),
            rows: rows.len(),
        });
        found.extend(edits_of(table));
        found.extend(differences(rows, computed.table(table)));
    }
    found.extend(edits_of(Table::UsagePeriods));
    (compared, found)
}

/// All but what the comparison says.
fn tell(computed: &Computed<'_>, question: Question) -> Result<Explanation, ExplainError> {
    let (batch, account) = (computed.batch, computed.past.account());
    let record = &batch.record;
    let balance = computed.day.balance;
    Ok(Explanation {
        job: record.job.name.clone(),
        account: question.account,
        day: question.day,
        app: question.app,
        batch: record.batch.clone(),
        currency: batch.book.currency.clone(),
        timezone: record.job.timezone.clone(),
        issued_at: batch.known_at,
        issued_local: batch.local(batch.known_at, "%Y-%m-%d %H:%M"),
        deduction_period: batch.deduction_period.as_str(),
        catalog: record.job.catalog.clone(),
        tool: record.tool.clone(),
        payg: match account.payg {
            Payg::Auto => "auto",
            Payg::On => "on",
            Payg::Off => "off",
        },
        price_list: batch.book.price_lists[account.price_list.index()].id.clone(),
        charged: balance.charged,
        bills: bills::bills(computed),
        lines: lines::lines(computed)?,
        grants: grants::grants(computed)?,
        balance: BalanceStory {
            opening: balance.opening,
            paid: balance.paid,
            charged: balance.charged,
            closing: balance.closing,
            credit_limit: account.credit_limit,
        },
        standing: life::standing(computed)?,
        flags: life::flags(computed),
        refunds: life::decisions(computed),
        renewals: life::renewals(computed),
        compared: Vec::new(),
        differences: Vec::new(),
        notes: Vec::new(),
        item_names: bills::item_names(&batch.book),
    })
}
