//! `date=YYYY-MM-DD/` partitions: listed once, read only as listed.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::rules::calendar::{Calendar, OutsideCalendar};
use crate::rules::quantity::BillingDay;
use crate::store::{Object, Store, StoreError};

/// Every usage file, as the one listing at the start of the run shows it.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Files by the partition's date, each sorted by path.
    pub partitions: BTreeMap<BillingDay, Vec<Object>>,
    /// Names that are neither usage nor ignored (they do not begin with `_` or `.`): worth a warning.
    pub strays: Vec<String>,
}

/// Lists an input once.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub fn list(store: &Store) -> Result<Listing, StoreError> {
    let _ = store;
    todo!("scan helper")
}

/// The dates of the partitions that a billing day's hours touch, ascending; just the day itself when the
/// zones agree.
///
/// # Errors
/// [`OutsideCalendar`] at the ends of the calendar.
pub fn partitions_of(calendar: &Calendar, zone: Tz, day: BillingDay) -> Result<Vec<BillingDay>, OutsideCalendar> {
    let _ = (calendar, zone, day);
    todo!("scan helper")
}
