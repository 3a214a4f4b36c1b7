//! The columns of usage (SPEC 2.1), in the order in which row groups are opened with them.

use crate::inputs::parquet::columns::{Content, Needed};

pub(super) const TS: usize = 0;
pub(super) const ACCOUNT_ID: usize = 1;
pub(super) const SDK_APP_ID: usize = 2;
pub(super) const METER: usize = 3;
pub(super) const SECONDS: usize = 4;
pub(super) const PIXELS: usize = 5;

/// How many there are.
pub(super) const COUNT: usize = 6;

/// The columns, by these positions.
pub(super) static COLUMNS: [Needed; COUNT] = [
    Needed::new("ts", Content::Timestamp),
    Needed::new("account_id", Content::Integer),
    Needed::new("sdk_app_id", Content::Integer),
    Needed::optional("meter", Content::Name),
    Needed::optional("seconds", Content::Integer),
    Needed::new("pixels", Content::Integer).with_hint(": write one, null or 0 where there is no video"),
];
