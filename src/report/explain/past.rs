//! What the batch of a day knew of one account: the record, the stored catalog, where the account stood, and its facts. Reads
//! the day's batch and the one before it, whatever the ledger holds besides.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::catalog::book::{Book, PlanId, PriceListId, ProductId};
use crate::catalog::parse::parse;
use crate::inputs::catalog;
use crate::inputs::dimensions::Dimensions;
use crate::job::Job;
use crate::ledger::batch::{Ledger, LedgerError};
use crate::ledger::posted::Posted;
use crate::ledger::record::{BatchId, CommitRecord};
use crate::ledger::state::account_after;
use crate::rules::account_day::DeductionPeriod;
use crate::rules::facts::{Account, DisabledApp, Opening, Package, Payment, RefundRequest};
use crate::settle::openings::opening_grant;
use crate::units::calendar::Calendar;
use crate::units::quantity::{AccountId, BillingDay, Instant, Quota};

use super::error::ExplainError;

/// Five minutes of elapsed time (SPEC 3.4).
const PERIOD_MICROS: i64 = 300 * 1_000_000;

/// The batch that settled a day, and what it was settled with.
pub(super) struct Batch {
    pub id: BatchId,
    pub record: CommitRecord,
    /// The stored catalog.
    pub book: Book,
    /// Zone and billing time as they were.
    pub calendar: Calendar,
    pub deduction_period: DeductionPeriod,
    pub first_settled_day: BillingDay,
    /// The billing time of the batch before; None on the first settled day.
    pub billed_before: Option<Instant>,
    /// The day before which nobody leaves `active`, as the job says it now.
    pub dunning_from: BillingDay,
    /// The day's billing time: what it did not know yet is as if absent.
    pub known_at: Instant,
}

impl Batch {
    /// Of a settled day.
    pub(super) fn of_day(job: &Job, ledger: &Ledger, day: BillingDay) -> Result<Self, ExplainError> {
        let (Some(first), Some(last)) = (ledger.first_settled_day(), ledger.last_settled_day()) else {
            return Err(ExplainError::NoLedger {
                output: job.output.to_string(),
            });
        };
        let id = BatchId::settling(day);
        if !ledger.batches().contains(&id) {
            return Err(ExplainError::NotSettled { day, first, last });
        }
        let record = ledger.record(id)?;
        let (path, text) = Posted::new(ledger, &record).catalog()?;
        let book = parse(Path::new(&path), &text)?;
        let damaged = |message| LedgerError::damaged(id, message);
        let calendar = record.calendar().map_err(damaged)?;
        Ok(Self {
            id,
            book,
            calendar,
            deduction_period: record.deduction_period().map_err(damaged)?,
            first_settled_day: first,
            billed_before: billed_before(ledger, id)?,
            dunning_from: job.dunning_from.unwrap_or(first),
            known_at: calendar.billing_instant(day)?,
            record,
        })
    }

    /// An instant in the zone of the day.
    pub(super) fn local(&self, at: Instant, format: &str) -> String {
        match DateTime::<Utc>::from_timestamp_micros(at.micros()) {
            Some(at) => at.with_timezone(&self.calendar.zone()).format(format).to_string(),
            None => at.to_string(),
        }
    }

    /// When a five-minute period begins, `HH:MM` in the zone of the day.
    pub(super) fn period_begins(&self, period: u16) -> Result<String, ExplainError> {
        let start = self.calendar.start_of(self.id.day)?.micros();
        let begins = Instant::from_micros(start + i64::from(period) * PERIOD_MICROS);
        Ok(self.local(begins, "%H:%M"))
    }

    /// What has been read for the batch and is not the same any more, for people.
    pub(super) fn changed_dimensions(&self, dimensions: &Dimensions) -> Vec<String> {
        let posted = self.record.dimensions.iter();
        let changed = posted.filter(|then| {
            !dimensions
                .files()
                .iter()
                .any(|now| now.dimension == then.dimension && now.sha256 == then.sha256)
        });
        let mut names: Vec<&str> = changed.map(|file| file.dimension.as_str()).collect();
        names.dedup();
        names
            .into_iter()
            .map(|name| {
                format!("{name} has changed since the day was settled: facts from after its billing time do not count")
            })
            .collect()
    }
}

fn billed_before(ledger: &Ledger, id: BatchId) -> Result<Option<Instant>, ExplainError> {
    let Some(before) = ledger.batches().iter().rev().find(|other| **other < id) else {
        return Ok(None);
    };
    let billed_at = ledger.record(*before)?.billed_at();
    Ok(Some(
        billed_at.map_err(|message| LedgerError::damaged(*before, message))?,
    ))
}

/// The facts of one account, in the words of the stored catalog.
pub(super) struct Past<'a> {
    dimensions: &'a Dimensions,
    position: u32,
    account: Account<'a>,
    products: Vec<ProductId>,
    pub packages: Vec<Package<'a>>,
    pub payments: Vec<Payment>,
    pub requests: Vec<RefundRequest<'a>>,
    pub disabled: Vec<DisabledApp>,
    /// Where the account stood when the day began.
    pub opening: Opening,
    /// Whether the ledger had seen it before.
    pub is_known: bool,
}

impl<'a> Past<'a> {
    /// Of an account that the batch knows.
    pub(super) fn of_account(
        ledger: &Ledger,
        batch: &Batch,
        dimensions: &'a Dimensions,
        now: &Book,
        account: AccountId,
    ) -> Result<Self, ExplainError> {
        let position = dimensions.index().position(account.get());
        let before = ledger.batches().iter().rev().find(|other| **other < batch.id);
        let state = match before {
            Some(before) => account_after(ledger, &batch.book, *before, account)?,
            None => None,
        };
        let Some(position) = position else {
            let gone = state.is_some() || account_after(ledger, &batch.book, batch.id, account)?.is_some();
            return Err(if gone {
                ExplainError::AccountGone(account)
            } else {
                ExplainError::UnknownAccount(account)
            });
        };
        let facts = dimensions.account(position);
        if facts.registered_at > batch.known_at {
            return Err(ExplainError::NotYetRegistered {
                account,
                registered_at: facts.registered_at,
                day: batch.id.day,
                billed_at: batch.known_at,
            });
        }
        let names = Names {
            account,
            now,
            then: &batch.book,
        };
        let is_known = state.is_some();
        let opening = state.map_or_else(|| opening_of(dimensions, position), |state| state.opening);
        Ok(Self {
            dimensions,
            position,
            account: Account {
                price_list: names.price_list(facts.price_list)?,
                ..facts
            },
            products: names.products(facts.products),
            packages: names.packages(dimensions.packages(position), batch.known_at)?,
            payments: dimensions.payments(position),
            requests: dimensions.refund_requests(position),
            disabled: dimensions.disabled_apps(position),
            opening,
            is_known,
        })
    }

    /// The account.
    pub(super) fn account(&self) -> Account<'_> {
        Account {
            products: &self.products,
            ..self.account
        }
    }

    /// Its rows of `opening_grants`.
    pub(super) fn opening_grants(&self) -> Vec<(&'a str, Quota)> {
        self.dimensions.opening_grants(self.position)
    }
}

/// What `opening` and `opening_grants` say of an account that the ledger sees for the first time.
fn opening_of(dimensions: &Dimensions, position: u32) -> Opening {
    let grants = dimensions.opening_grants(position).into_iter();
    Opening {
        balance: dimensions.opening_balance(position),
        grants: grants.map(|(id, used)| opening_grant(id, used)).collect(),
        ..Opening::default()
    }
}

/// Finds what the dimensions name with today's catalog in the one that the day was settled with: a catalog may have grown since.
struct Names<'a> {
    account: AccountId,
    now: &'a Book,
    then: &'a Book,
}

impl Names<'_> {
    fn price_list(&self, list: PriceListId) -> Result<PriceListId, ExplainError> {
        let name = &self.now.price_lists[list.index()].id;
        let found = self.then.price_lists.iter().position(|then| then.id == *name);
        found
            .map(|found| PriceListId(small(found)))
            .ok_or_else(|| self.missing(format!("price list {name}")))
    }

    /// Products that came later change nothing about the day.
    fn products(&self, products: &[ProductId]) -> Vec<ProductId> {
        let names = products.iter().map(|product| &self.now.products[product.index()].id);
        let found = names.filter_map(|name| self.then.products.iter().position(|then| then.id == *name));
        let mut found: Vec<ProductId> = found.map(|found| ProductId(small(found))).collect();
        found.sort_unstable();
        found
    }

    /// Those that the batch knew.
    fn packages<'a>(&self, packages: Vec<Package<'a>>, known_at: Instant) -> Result<Vec<Package<'a>>, ExplainError> {
        let known = packages.into_iter().filter(|package| package.purchased_at <= known_at);
        known
            .map(|package| {
                let name = &self.now.plan(package.plan).id;
                let found = self.then.plans.iter().position(|then| then.id == *name);
                let found = found.ok_or_else(|| self.missing(format!("plan {name} of package {}", package.id)))?;
                Ok(Package {
                    plan: PlanId(small(found)),
                    ..package
                })
            })
            .collect()
    }

    fn missing(&self, what: String) -> ExplainError {
        ExplainError::NotInCatalog {
            account: self.account,
            what,
        }
    }
}

fn small(position: usize) -> u16 {
    u16::try_from(position).expect("a catalog has at most 65,535 of each kind")
}

/// The catalog that the job names today, by which the dimensions are checked.
pub(super) fn catalog_of_today(job: &Job) -> Result<Book, ExplainError> {
    let source = catalog::read(&job.catalog)?;
    Ok(parse(&source.path, &source.text)?)
}
