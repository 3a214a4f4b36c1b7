//! `packages` (SPEC 2.4): purchases.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use crate::catalog::book::PlanId;
use crate::rules::facts::Package;
use crate::store::StoreError;
use crate::units::quantity::{Cents, Instant, SdkAppId};

use super::accounts::{AccountIndex, column};
use super::compact::{Sets, Sparse, Starts, Texts, index, order_by, permuted, position};
use super::errors::{Complaint, Complaints};
use super::fields::{self, show, show_text};
use super::files::InputFiles;
use super::optional::account_position;
use super::read::{Column, Kind, Value};
use super::rows::{Context, ReadRows, Row, each_row};

const COLUMNS: &[Column] = &[
    column("package_id", Kind::Text, true),
    column("account_id", Kind::Integer, true),
    column("apps", Kind::Text, false),
    column("plan", Kind::Text, true),
    column("purchased_at", Kind::Timestamp, true),
    column("gift", Kind::Boolean, false),
    column("auto_renew", Kind::Boolean, false),
    column("refunded_at", Kind::Timestamp, false),
    column("refunded_amount", Kind::Decimal, false),
];
const PACKAGE_ID: usize = 0;
const ACCOUNT_ID: usize = 1;
const APPS: usize = 2;
const PLAN: usize = 3;
const PURCHASED_AT: usize = 4;
const GIFT: usize = 5;
const AUTO_RENEW: usize = 6;
const REFUNDED_AT: usize = 7;
const REFUNDED_AMOUNT: usize = 8;

/// The longest package id, in bytes.
const MAX_ID_BYTES: usize = 200;

/// `gift` and `auto_renew`.
#[derive(Debug, Clone, Copy)]
struct Flags {
    gift: bool,
    auto_renew: bool,
}

/// When and how much was given back outside nightbill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Refund {
    at: i64,
    amount: i64,
}

/// Every package, by (account, `purchased_at`, id).
#[derive(Debug)]
pub(super) struct Packages {
    starts: Starts,
    ids: Texts,
    apps: Vec<u32>,
    app_sets: Sets<SdkAppId>,
    plans: Vec<PlanId>,
    purchased_at: Vec<i64>,
    flags: Vec<Flags>,
    /// By package.
    refunds: Sparse<Refund>,
}

impl Packages {
    /// The packages of an account.
    pub(super) fn of(&self, account: u32) -> Vec<Package<'_>> {
        self.starts.rows(account).map(|row| self.get(row)).collect()
    }

    fn get(&self, row: usize) -> Package<'_> {
        let refund = self.refunds.one(position(row));
        Package {
            id: self.ids.get(row),
            apps: self.app_sets.get(self.apps[row]),
            plan: self.plans[row],
            purchased_at: Instant::from_micros(self.purchased_at[row]),
            gift: self.flags[row].gift,
            auto_renew: self.flags[row].auto_renew,
            refunded_at: refund.map(|refund| Instant::from_micros(refund.at)),
            refunded_amount: Cents::from_units(refund.map_or(0, |refund| refund.amount)),
        }
    }
}

/// Which package an id is; needed only while dimensions are loaded.
pub(super) struct PackageIds {
    table: HashTable<u32>,
    hasher: RandomState,
    /// By package.
    accounts: Vec<u32>,
}

/// A package that a row refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Position of its account.
    pub account: u32,
    /// Its plan.
    pub plan: PlanId,
}

impl PackageIds {
    fn row(&self, packages: &Packages, id: &str) -> Option<u32> {
        self.table
            .find(self.hasher.hash_one(id), |&row| packages.ids.get(index(row)) == id)
            .copied()
    }

    /// The package with this id.
    pub(super) fn package(&self, packages: &Packages, id: &str) -> Option<Found> {
        self.row(packages, id).map(|row| Found {
            account: self.accounts[index(row)],
            plan: packages.plans[index(row)],
        })
    }

    /// The package of which this is the id, or the id of a renewal.
    pub(super) fn package_or_renewal(&self, packages: &Packages, id: &str) -> Option<Found> {
        self.package(packages, id)
            .or_else(|| self.package(packages, renewed_id(id)?))
    }
}

/// The package that a renewal's id `<package_id>+<n>` names, n = 1, 2, …
fn renewed_id(id: &str) -> Option<&str> {
    let (package, number) = id.rsplit_once('+')?;
    let counts = !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit());
    (counts && !number.is_empty()).then_some(package)
}

/// In the order of the files.
struct Unsorted {
    accounts: Vec<u32>,
    ordinals: Vec<u32>,
    ids: Texts,
    apps: Vec<u32>,
    app_sets: Sets<SdkAppId>,
    plans: Vec<PlanId>,
    purchased_at: Vec<i64>,
    flags: Vec<Flags>,
    /// By row.
    refunds: Vec<(u32, Refund)>,
}

/// Reads the packages of known accounts.
pub(super) fn load(
    input: &InputFiles,
    context: &Context<'_>,
    accounts: &AccountIndex,
    complaints: &mut Complaints,
) -> Result<(Packages, PackageIds, ReadRows), StoreError> {
    let mut rows = Unsorted {
        accounts: Vec::new(),
        ordinals: Vec::new(),
        ids: Texts::default(),
        apps: Vec::new(),
        app_sets: Sets::new(),
        plans: Vec::new(),
        purchased_at: Vec::new(),
        flags: Vec::new(),
        refunds: Vec::new(),
    };
    let read = each_row(input, COLUMNS, complaints, &mut |row| rows.add(row, context, accounts))?;
    let (packages, ids) = rows.sorted(accounts.len(), &read, complaints);
    Ok((packages, ids, read))
}

impl Unsorted {
    fn add(&mut self, row: &Row<'_>, context: &Context<'_>, accounts: &AccountIndex) -> Result<(), Complaint> {
        let id = row.required(PACKAGE_ID, fields::text)?;
        check_id(&id).map_err(|message| row.complain(PACKAGE_ID, message))?;
        let account = row.read(ACCOUNT_ID, |value| account_position(value, accounts))?;
        let apps = row.read(APPS, parse_apps)?;
        let plan = row.required(PLAN, |value| {
            fields::text(value)?.map(|name| context.plan(&name)).transpose()
        })?;
        let purchased_at = row.required(PURCHASED_AT, |value| context.bounds.instant(value))?;
        let flags = Flags {
            gift: row.read(GIFT, fields::boolean)?.unwrap_or(false),
            auto_renew: row.read(AUTO_RENEW, fields::boolean)?.unwrap_or(false),
        };
        let refund = read_refund(row, context, purchased_at)?;

        let at = position(self.accounts.len());
        self.accounts.push(account);
        self.ordinals.push(row.ordinal());
        self.ids.push(&id);
        self.apps.push(self.app_sets.id_of(&apps));
        self.plans.push(plan);
        self.purchased_at.push(purchased_at.micros());
        self.flags.push(flags);
        if let Some(refund) = refund {
            self.refunds.push((at, refund));
        }
        Ok(())
    }

    fn sorted(mut self, accounts: usize, read: &ReadRows, complaints: &mut Complaints) -> (Packages, PackageIds) {
        let order = order_by(self.accounts.len(), |row| {
            let at = index(row);
            (self.accounts[at], self.purchased_at[at], self.ids.get(at))
        });
        let mut position_of = vec![0_u32; order.len()];
        for (at, &row) in order.iter().enumerate() {
            position_of[index(row)] = position(at);
        }
        let refunds = self
            .refunds
            .into_iter()
            .map(|(row, refund)| (position_of[index(row)], refund));
        let refunds = Sparse::new(refunds.collect());
        drop(position_of);
        self.app_sets.seal();
        let account_of = permuted(self.accounts, &order);
        let packages = Packages {
            starts: Starts::new(accounts, account_of.iter().copied()),
            ids: self.ids.permuted(&order),
            apps: permuted(self.apps, &order),
            app_sets: self.app_sets,
            plans: permuted(self.plans, &order),
            purchased_at: permuted(self.purchased_at, &order),
            flags: permuted(self.flags, &order),
            refunds,
        };
        let ordinals = permuted(self.ordinals, &order);
        let ids = index_ids(&packages, account_of, &ordinals, read, complaints);
        (packages, ids)
    }
}

/// Complains of ids that are there twice, and of those that a renewal would get.
fn index_ids(
    packages: &Packages,
    accounts: Vec<u32>,
    ordinals: &[u32],
    read: &ReadRows,
    complaints: &mut Complaints,
) -> PackageIds {
    let mut ids = PackageIds {
        table: HashTable::with_capacity(accounts.len()),
        hasher: RandomState::new(),
        accounts,
    };
    for row in 0..ordinals.len() {
        let id = packages.ids.get(row);
        if let Some(other) = ids.row(packages, id) {
            let (first, second) = (ordinals[index(other)], ordinals[row]);
            complaints.add(read.origins.duplicate("package_id", &show_text(id), first, second));
        } else {
            let PackageIds { table, hasher, .. } = &mut ids;
            table.insert_unique(hasher.hash_one(id), position(row), |&other| {
                hasher.hash_one(packages.ids.get(index(other)))
            });
        }
    }
    for (row, &ordinal) in ordinals.iter().enumerate() {
        let id = packages.ids.get(row);
        let renewed = renewed_id(id).filter(|renewed| ids.row(packages, renewed).is_some());
        if let Some(renewed) = renewed {
            let message = format!(
                "{} is the id of a renewal of package {}; rename one of the two",
                show_text(id),
                show_text(renewed)
            );
            complaints.add(read.origins.bad(ordinal, Complaint::about("package_id", message)));
        }
    }
    ids
}

/// Ids stand in lists separated by `;`, beside those of free cycles, in tables that people read.
fn check_id(id: &str) -> Result<(), String> {
    let wrong = if id.starts_with("free:") {
        "begins with `free:`, as free cycles do"
    } else if id.contains(';') {
        "contains `;`"
    } else if id.chars().any(char::is_control) {
        "contains a control character"
    } else if id.len() > MAX_ID_BYTES {
        "is longer than 200 bytes"
    } else {
        return Ok(());
    };
    Err(format!("{} {wrong}; use another id", show_text(id)))
}

/// Ascending, without duplicates; empty for the whole account.
fn parse_apps(value: Value<'_>) -> Result<Vec<SdkAppId>, String> {
    let Some(list) = fields::text(value)? else {
        return Ok(Vec::new());
    };
    let mut apps = list
        .split(';')
        .map(|app| {
            fields::positive(Value::Text(app.trim()))
                .ok()
                .and_then(SdkAppId::new)
                .ok_or_else(|| format!("{}: {} is no positive integer", show(value), show_text(app)))
        })
        .collect::<Result<Vec<_>, _>>()?;
    apps.sort_unstable();
    apps.dedup();
    Ok(apps)
}

fn read_refund(row: &Row<'_>, context: &Context<'_>, purchased_at: Instant) -> Result<Option<Refund>, Complaint> {
    let at = row.read(REFUNDED_AT, |value| match context.bounds.instant(value)? {
        Some(at) if at < purchased_at => Err(format!("{at} is before the purchase at {purchased_at}")),
        at => Ok(at),
    })?;
    let amount = row.read(REFUNDED_AMOUNT, |value| match fields::hundredths(value)? {
        Some(amount) if amount < 0 => Err(format!("{} is negative; write what was given back", show(value))),
        Some(amount) if amount > 0 && at.is_none() => Err(format!(
            "{} without refunded_at; say when it was given back",
            show(value)
        )),
        amount => Ok(amount.unwrap_or(0)),
    })?;
    Ok(at.map(|at| Refund {
        at: at.micros(),
        amount,
    }))
}
