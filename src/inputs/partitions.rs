//! `date=YYYY-MM-DD/` partitions: listed once, read only as listed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use chrono_tz::Tz;

use crate::store::{Location, Object, Store, StoreError};
use crate::units::calendar::{Calendar, OutsideCalendar, day_of_instant};
use crate::units::quantity::{BillingDay, Instant};

/// Every file of an input, as the one listing at the start of the run shows it.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// Files by the partition's date, each sorted by path.
    pub partitions: BTreeMap<BillingDay, Vec<Object>>,
    /// Names that are neither partitions nor ignored (they do not begin with `_` or `.`): worth a warning.
    pub strays: Vec<String>,
    /// Dates of partitions that are being written, or were left half written: [`INCOMPLETE`].
    pub incomplete: BTreeSet<BillingDay>,
}

/// The name of the file in a partition that says that it does not hold all of its files yet: what `compact` puts there
/// first and deletes last.
pub const INCOMPLETE: &str = "_incomplete";

/// A partition that is not written to the end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "date={partition} under {url} is incomplete: `nightbill compact` is writing it, or was stopped; wait for it, or delete \
     that partition and write it again"
)]
pub struct IncompletePartition {
    /// Its date.
    pub partition: BillingDay,
    /// The URL of the input.
    pub url: String,
}

/// How many strays are named.
const STRAYS_NAMED: usize = 3;

impl Listing {
    /// What to say of files of an input that are not read; None where there are none.
    pub fn stray_warning(&self, input: &str) -> Option<String> {
        let named: Vec<&str> = self.strays.iter().take(STRAYS_NAMED).map(String::as_str).collect();
        let named = named.join(", ");
        match self.strays.len() {
            0 => None,
            1 => Some(format!(
                "{named} in the {input} directory is not read: it is no date=YYYY-MM-DD/…/*.parquet file"
            )),
            count => Some(format!(
                "{count} files in the {input} directory are not read, as they are no date=YYYY-MM-DD/…/*.parquet files: {named}{}",
                if count > STRAYS_NAMED { ", …" } else { "" }
            )),
        }
    }
}

/// What to say of a usage directory without any partition; None where there is one.
pub fn empty_warning(listing: &Listing, location: &Location) -> Option<String> {
    listing.partitions.is_empty().then(|| {
        format!(
            "there is no usage: no date=YYYY-MM-DD/…/*.parquet file is below {location}; correct `inputs.usage` in the \
             job, or upload the partitions"
        )
    })
}

/// Lists an input once.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub fn list(store: &Store) -> Result<Listing, StoreError> {
    list_below(store, "")
}

/// The same, of one directory of it: a partition's, or all with an empty path.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub fn list_below(store: &Store, directory: &str) -> Result<Listing, StoreError> {
    Ok(sort_out(store.list(directory)?))
}

/// Sorts out what a listing shows.
fn sort_out(objects: Vec<Object>) -> Listing {
    let mut listing = Listing::default();
    for object in objects {
        if let Some((directory, INCOMPLETE)) = object.path.split_once('/') {
            listing.incomplete.extend(date_of(directory));
        }
        if object.path.split('/').any(|name| name.starts_with(['_', '.'])) {
            continue;
        }
        match partition_date(&object.path) {
            Some(date) if object.path.ends_with(".parquet") => {
                listing.partitions.entry(date).or_default().push(object);
            }
            _ => listing.strays.push(object.path),
        }
    }
    for files in listing.partitions.values_mut() {
        files.sort_by(|a, b| a.path.cmp(&b.path));
    }
    listing.strays.sort();
    listing
}

/// The date of the partition that a path is in: `date=YYYY-MM-DD/…`.
fn partition_date(path: &str) -> Option<BillingDay> {
    let (directory, _) = path.split_once('/')?;
    date_of(directory)
}

/// The date that a directory is named after.
fn date_of(directory: &str) -> Option<BillingDay> {
    let text = directory.strip_prefix("date=")?;
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    // The parser takes `2024-1-5` and `+2024-01-05` too; one date has one name.
    (date.format("%Y-%m-%d").to_string() == text).then(|| BillingDay::from_date(date))
}

/// The dates of the partitions that a billing day's hours touch, ascending; just the day itself when the
/// zones agree.
///
/// # Errors
/// [`OutsideCalendar`] at the ends of the calendar.
pub fn partitions_of(calendar: &Calendar, zone: Tz, day: BillingDay) -> Result<Vec<BillingDay>, OutsideCalendar> {
    let (start, end) = (calendar.start_of(day)?, calendar.end_of(day)?);
    // A day that its zone skipped has no hours, but its partition may hold rows to reject.
    let last_instant = Instant::from_micros(end.micros() - 1).max(start);
    let (first, last) = (day_of_instant(zone, start)?, day_of_instant(zone, last_instant)?);
    if calendar.zone() == zone {
        return Ok(vec![day]);
    }
    let mut dates = Vec::new();
    let mut date = first;
    while date <= last {
        dates.push(date);
        date = date.checked_add_days(1).ok_or(OutsideCalendar)?;
    }
    Ok(dates)
}

#[cfg(test)]
mod tests {
    use chrono::NaiveTime;

    use super::*;

    fn day(text: &str) -> BillingDay {
        BillingDay::from_date(text.parse().unwrap())
    }

    #[test]
    fn names_are_sorted_out() {
        let cases = [
            ("date=2024-10-12/a.parquet", "2024-10-12"),
            ("date=2024-10-12/region=eu/b.parquet", "2024-10-12"),
            ("date=2024-10-13/x.parquet", "2024-10-13"),
            ("date=2024-10-12/_SUCCESS", "ignored"),
            ("date=2024-10-12/.a.parquet.crc", "ignored"),
            ("date=2024-10-12/_temporary/0/a.parquet", "ignored"),
            ("_delta_log/0.json", "ignored"),
            ("date=2024-10-12/readme.txt", "stray"),
            ("date=2024-10-12/a.parquet.tmp", "stray"),
            ("date=2024-1-2/a.parquet", "stray"),
            ("date=2024-02-30/a.parquet", "stray"),
            ("a.parquet", "stray"),
            ("hour=3/date=2024-10-12/a.parquet", "stray"),
        ];
        let objects = cases.iter().rev();
        let objects = objects
            .map(|(path, _)| Object {
                path: (*path).to_owned(),
                size: 1,
                etag: None,
            })
            .collect();
        let listing = sort_out(objects);
        for (path, expected) in cases {
            let partition = listing
                .partitions
                .iter()
                .find(|(_, files)| files.iter().any(|file| file.path == path));
            let found = match partition {
                Some((date, _)) => date.to_string(),
                None if listing.strays.iter().any(|stray| stray == path) => "stray".to_owned(),
                None => "ignored".to_owned(),
            };
            assert_eq!(found, expected, "{path}");
        }
        assert!(listing.strays.is_sorted());
        assert!(
            listing
                .partitions
                .values()
                .all(|files| files.is_sorted_by(|a, b| a.path < b.path))
        );
    }

    #[test]
    fn a_directory_without_partitions_is_worth_a_warning() {
        let location = Location::from_url("s3://bucket/usage".parse().unwrap()).unwrap();
        let of = |path: &str| {
            let (path, size, etag) = (path.to_owned(), 1, None);
            empty_warning(&sort_out(vec![Object { path, size, etag }]), &location)
        };
        assert_eq!(of("date=2024-10-12/a.parquet"), None);
        assert_eq!(
            of("a.parquet").unwrap(),
            "there is no usage: no date=YYYY-MM-DD/…/*.parquet file is below s3://bucket/usage; correct `inputs.usage` in \
             the job, or upload the partitions"
        );
    }

    #[test]
    fn a_day_touches_the_partitions_of_its_hours() {
        let cases = [
            ("Asia/Shanghai", "Asia/Shanghai", "2024-10-12", "2024-10-12"),
            ("Asia/Shanghai", "UTC", "2024-10-12", "2024-10-11 2024-10-12"),
            ("UTC", "Asia/Shanghai", "2024-10-12", "2024-10-12 2024-10-13"),
            ("America/New_York", "UTC", "2024-11-03", "2024-11-03 2024-11-04"),
            (
                "Pacific/Kiritimati",
                "Pacific/Pago_Pago",
                "2024-10-12",
                "2024-10-10 2024-10-11",
            ),
            // Winter time: London's day is UTC's.
            ("Europe/London", "UTC", "2024-12-12", "2024-12-12"),
            // Samoa skipped this day.
            ("Pacific/Apia", "Pacific/Apia", "2011-12-30", "2011-12-30"),
        ];
        for (zone, partitions, of, expected) in cases {
            let calendar = Calendar::new(zone.parse().unwrap(), NaiveTime::from_hms_opt(10, 0, 0).unwrap());
            let dates = partitions_of(&calendar, partitions.parse().unwrap(), day(of)).unwrap();
            let dates: Vec<String> = dates.iter().map(ToString::to_string).collect();
            assert_eq!(dates.join(" "), expected, "{zone} {of} in {partitions}");
        }
    }
}
