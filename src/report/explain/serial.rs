//! How numbers of the trade stand in documents: money and quota as text with all decimals, counts as integers.

use std::fmt::Display;

use serde::{Serialize, Serializer};

use crate::units::quantity::{AccountId, Minutes, SdkAppId, Seconds};

/// A decimal number or a date as text.
pub(super) fn text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The same, or null.
pub(super) fn optional_text<S: Serializer>(value: &Option<impl Display>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

/// An account's number.
pub(super) fn account<S: Serializer>(account: &AccountId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(account.get())
}

/// An app's number, 0 for the whole account.
pub(super) fn app<S: Serializer>(app: &SdkAppId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(app.get())
}

/// The same, or null.
pub(super) fn optional_app<S: Serializer>(app: &Option<SdkAppId>, serializer: S) -> Result<S::Ok, S::Error> {
    app.map(SdkAppId::get).serialize(serializer)
}

/// Apps' numbers.
pub(super) fn apps<S: Serializer>(apps: &[SdkAppId], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(apps.iter().map(|app| app.get()))
}

/// A plain integer.
pub(super) fn count<S: Serializer>(count: &(impl Copy + Count), serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(count.count())
}

/// What is counted in whole numbers.
pub(super) trait Count {
    fn count(self) -> i64;
}

impl Count for Seconds {
    fn count(self) -> i64 {
        self.get()
    }
}

impl Count for Minutes {
    fn count(self) -> i64 {
        self.get()
    }
}
