//! The optional dimensions (SPEC 2.6): `apps`, `refund_requests`, `opening`, `opening_grants`.

use chrono::Datelike;

use crate::rules::facts::{Account, DisabledApp};
use crate::store::StoreError;
use crate::units::quantity::{BillingDay, Instant, Minutes, Quota, SdkAppId};

use super::accounts::{AccountIndex, Accounts, column};
use super::compact::{Sparse, Texts, index, order_by, permuted};
use super::errors::{Complaint, Complaints};
use super::fields::{self, parse_day, show, show_text};
use super::files::InputFiles;
use super::packages::{PackageIds, Packages};
use super::read::{Column, Kind, Value};
use super::rows::{Context, ReadRows, Row, each_row};

/// The position of a known account.
pub(super) fn account_position(value: Value<'_>, accounts: &AccountIndex) -> Result<u32, String> {
    let id = fields::positive(value)?;
    accounts
        .position(id)
        .ok_or_else(|| format!("account {id} is not in accounts; add it there, or remove the row"))
}

// --------------------------------------------------------------------------------------------------- apps

const APPS: &[Column] = &[
    column("account_id", Kind::Integer, true),
    column("sdk_app_id", Kind::Integer, true),
    column("disabled_at", Kind::Timestamp, false),
];

/// Disabled apps: app and instant, by account.
pub(super) type DisabledApps = Sparse<(i64, i64)>;

/// Reads `apps`.
pub(super) fn load_apps(
    input: &InputFiles,
    context: &Context<'_>,
    accounts: &AccountIndex,
    complaints: &mut Complaints,
) -> Result<(DisabledApps, ReadRows), StoreError> {
    let mut rows = Vec::new();
    let read = each_row(input, APPS, complaints, &mut |row| {
        let account = row.read(0, |value| account_position(value, accounts))?;
        let app = row.read(1, fields::positive)?;
        let disabled_at = row.read(2, |value| context.bounds.instant(value))?;
        rows.push(((account, app), row.ordinal(), disabled_at.map(Instant::micros)));
        Ok(())
    })?;
    rows.sort_unstable();
    for pair in rows.windows(2) {
        if let [((account, app), first, _), (other, second, _)] = pair
            && (*account, *app) == *other
        {
            let key = format!("app {app} of account {}", accounts.account_id(*account));
            complaints.add(read.origins.duplicate("sdk_app_id", &key, *first, *second));
        }
    }
    let disabled = rows
        .into_iter()
        .filter_map(|((account, app), _, at)| Some((account, (app, at?))));
    Ok((Sparse::new(disabled.collect()), read))
}

/// As the rules know them.
pub(super) fn disabled_apps(apps: &DisabledApps, account: u32) -> Vec<DisabledApp> {
    apps.get(account)
        .iter()
        .map(|(_, (app, at))| DisabledApp {
            app: SdkAppId::new(*app).expect("checked while reading"),
            since: Instant::from_micros(*at),
        })
        .collect()
}

// ------------------------------------------------------------------------------------------------ opening

const OPENING: &[Column] = &[
    column("account_id", Kind::Integer, true),
    column("balance", Kind::Decimal, true),
];

/// Reads `opening`: balances in cents, by account.
pub(super) fn load_opening(
    input: &InputFiles,
    accounts: &AccountIndex,
    complaints: &mut Complaints,
) -> Result<(Sparse<i64>, ReadRows), StoreError> {
    let mut rows = Vec::new();
    let read = each_row(input, OPENING, complaints, &mut |row| {
        let account = row.read(0, |value| account_position(value, accounts))?;
        rows.push((account, row.ordinal(), row.required(1, fields::hundredths)?));
        Ok(())
    })?;
    rows.sort_unstable();
    for pair in rows.windows(2) {
        if pair[0].0 == pair[1].0 {
            let key = accounts.account_id(pair[0].0).to_string();
            complaints.add(read.origins.duplicate("account_id", &key, pair[0].1, pair[1].1));
        }
    }
    let balances = rows.into_iter().map(|(account, _, balance)| (account, balance));
    Ok((Sparse::new(balances.collect()), read))
}

// ----------------------------------------------------------------------------- tables with a text and a value

/// A text and a number of an account; sorted by account.
#[derive(Debug, Default)]
pub(super) struct TextValues {
    accounts: Vec<u32>,
    texts: Texts,
    values: Vec<i64>,
}

impl TextValues {
    fn push(&mut self, account: u32, text: &str, value: i64) {
        self.accounts.push(account);
        self.texts.push(text);
        self.values.push(value);
    }

    fn complain_of_duplicates(
        &self,
        column: &'static str,
        ordinals: &[u32],
        read: &ReadRows,
        complaints: &mut Complaints,
    ) {
        let key = |row: u32| (self.accounts[index(row)], self.texts.get(index(row)));
        for pair in order_by(self.accounts.len(), key).windows(2) {
            if key(pair[0]) == key(pair[1]) {
                let (first, second) = (ordinals[index(pair[0])], ordinals[index(pair[1])]);
                let text = show_text(key(pair[0]).1);
                complaints.add(read.origins.duplicate(column, &text, first, second));
            }
        }
    }

    fn permuted(self, order: &[u32]) -> Self {
        Self {
            accounts: permuted(self.accounts, order),
            texts: self.texts.permuted(order),
            values: permuted(self.values, order),
        }
    }

    /// The texts and values of an account.
    pub(super) fn of(&self, account: u32) -> impl Iterator<Item = (&str, i64)> {
        let start = self.accounts.partition_point(|other| *other < account);
        let len = self.accounts[start..].partition_point(|other| *other == account);
        (start..start + len).map(|row| (self.texts.get(row), self.values[row]))
    }
}

// ---------------------------------------------------------------------------------------- refund_requests

const REFUND_REQUESTS: &[Column] = &[
    column("package_id", Kind::Text, true),
    column("requested_at", Kind::Timestamp, true),
];

/// Reads `refund_requests`: package id and instant, by (account, instant, id).
pub(super) fn load_refund_requests(
    input: &InputFiles,
    context: &Context<'_>,
    packages: (&Packages, &PackageIds),
    complaints: &mut Complaints,
) -> Result<(TextValues, ReadRows), StoreError> {
    let mut rows = TextValues::default();
    let mut ordinals = Vec::new();
    let read = each_row(input, REFUND_REQUESTS, complaints, &mut |row| {
        let id = row.required(0, fields::text)?;
        let requested_at = row.required(1, |value| context.bounds.instant(value))?;
        let Some(package) = packages.1.package_or_renewal(packages.0, &id) else {
            let message = format!("package {} is not in packages, nor a renewal of one", show_text(&id));
            return Err(row.complain(0, format!("{message}; add it there, or remove the row")));
        };
        rows.push(package.account, &id, requested_at.micros());
        ordinals.push(row.ordinal());
        Ok(())
    })?;
    rows.complain_of_duplicates("package_id", &ordinals, &read, complaints);
    let order = order_by(rows.accounts.len(), |row| {
        let at = index(row);
        (rows.accounts[at], rows.values[at], rows.texts.get(at))
    });
    Ok((rows.permuted(&order), read))
}

// ----------------------------------------------------------------------------------------- opening_grants

const OPENING_GRANTS: &[Column] = &[
    column("grant_id", Kind::Text, true),
    column("used", Kind::Decimal, true),
];

/// Reads `opening_grants`: grant id and used quota, by (account, id).
pub(super) fn load_opening_grants(
    input: &InputFiles,
    context: &Context<'_>,
    accounts: &Accounts,
    packages: (&Packages, &PackageIds),
    complaints: &mut Complaints,
) -> Result<(TextValues, ReadRows), StoreError> {
    let mut rows = TextValues::default();
    let mut ordinals = Vec::new();
    let read = each_row(input, OPENING_GRANTS, complaints, &mut |row| {
        let id = row.required(0, fields::text)?;
        let grant = find_grant(&id, context, accounts, packages).map_err(|message| row.complain(0, message))?;
        let used = read_used(row, &grant)?;
        rows.push(grant.account, &id, used);
        ordinals.push(row.ordinal());
        Ok(())
    })?;
    rows.complain_of_duplicates("grant_id", &ordinals, &read, complaints);
    let order = order_by(rows.accounts.len(), |row| {
        let at = index(row);
        (rows.accounts[at], rows.texts.get(at))
    });
    Ok((rows.permuted(&order), read))
}

/// A grant that a row names.
struct Grant {
    account: u32,
    minutes: Minutes,
}

fn read_used(row: &Row<'_>, grant: &Grant) -> Result<i64, Complaint> {
    row.required(1, |value| {
        let quota = Quota::from_minutes(grant.minutes).map_err(|error| error.to_string())?;
        match fields::hundredths(value)? {
            Some(used) if used < 0 => Err(format!("{} is negative; write what was used", show(value))),
            Some(used) if used > quota.units() => Err(format!(
                "{} is more than the grant's {} minutes",
                show(value),
                grant.minutes
            )),
            used => Ok(used),
        }
    })
}

fn find_grant(
    id: &str,
    context: &Context<'_>,
    accounts: &Accounts,
    (packages, ids): (&Packages, &PackageIds),
) -> Result<Grant, String> {
    if let Some(cycle) = id.strip_prefix("free:") {
        return find_free_cycle(id, cycle, context, accounts);
    }
    match ids.package(packages, id) {
        Some(package) => Ok(Grant {
            account: package.account,
            minutes: context.book.plan(package.plan).minutes,
        }),
        None => Err(format!(
            "{} is neither a package in packages nor free:<account_id>:<YYYY-MM-DD>; correct it, or remove the row",
            show_text(id)
        )),
    }
}

fn find_free_cycle(id: &str, cycle: &str, context: &Context<'_>, accounts: &Accounts) -> Result<Grant, String> {
    let parsed = cycle
        .split_once(':')
        .and_then(|(account, day)| Some((account, parse_day(day)?)));
    let Some((account_id, day)) = parsed else {
        return Err(format!("{} is not like free:<account_id>:<YYYY-MM-DD>", show_text(id)));
    };
    let position = account_position(Value::Text(account_id), &accounts.index)?;
    let account = accounts.get(position);
    if account_id != account.id.to_string() {
        return Err(format!("{}: write the account as {}", show_text(id), account.id));
    }
    let registered = context
        .calendar
        .day_of(account.registered_at)
        .map_err(|error| error.to_string())?;
    let rule = context
        .book
        .free_rule(registered)
        .ok_or_else(|| format!("account {account_id} registered on {registered} and has no free minutes"))?;
    let anchor = account.free_anchor.unwrap_or(registered);
    let in_time = |number: u32| rule.cycles.is_none_or(|cycles| number < cycles);
    match cycle_number(anchor, day) {
        Some(number) if in_time(number) => Ok(Grant {
            account: position,
            minutes: rule.minutes,
        }),
        _ => Err(no_cycle(id, &account, anchor)),
    }
}

fn no_cycle(id: &str, account: &Account<'_>, anchor: BillingDay) -> String {
    format!(
        "{}: no free cycle of account {} begins on that day; they begin monthly from {anchor}",
        show_text(id),
        account.id
    )
}

/// k, if the account's free cycle k begins on this day: the anchor + k months (SPEC 3.2).
fn cycle_number(anchor: BillingDay, day: BillingDay) -> Option<u32> {
    let months = |day: BillingDay| {
        let date = day.date();
        i64::from(date.year()) * 12 + i64::from(date.month0())
    };
    let number = u32::try_from(months(day) - months(anchor)).ok()?;
    (anchor.checked_add_months(number) == Some(day)).then_some(number)
}
