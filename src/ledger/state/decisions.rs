//! What earlier batches decided: rows of `flags` and `_carried`, read back.

use std::collections::HashMap;

use arrow::array::{Array, StringArray};

use crate::catalog::book::{Book, PlanId, ProductId};
use crate::rules::facts::{Carried, DecidedRefund, ExhaustedApp, Renewal};
use crate::rules::flags::FlagKind;
use crate::units::quantity::{BillingDay, Instant, SdkAppId};

use super::super::batch::LedgerError;
use super::super::read::{Columns, damaged};
use super::super::tables::{REFUND, REMOVAL, RENEWAL};

/// Rows with their accounts.
type Decoded<T> = Result<Vec<(i64, T)>, LedgerError>;

/// A row of `flags`; of all flags only `free_exhausted` depends on what was before.
pub(super) struct FlagRow;

impl FlagRow {
    pub(super) const COLUMNS: &'static [&'static str] = &["account_id", "sdk_app_id", "product", "flag", "since"];

    /// Reads the rows of `free_exhausted`. A product that the book no longer has can raise no flag either.
    pub(super) fn reader(book: &Book) -> impl Fn(&Columns<'_>) -> Decoded<ExhaustedApp> + Send + 'static {
        let products: HashMap<String, ProductId> = (0_u16..)
            .zip(&book.products)
            .map(|(at, product)| (product.id.clone(), ProductId(at)))
            .collect();
        move |columns| {
            let (accounts, apps) = (columns.int64("account_id")?, columns.int64("sdk_app_id")?);
            let (names, flags) = (columns.text("product")?, columns.text("flag")?);
            let since = columns.instants("since")?;
            let is_exhausted = |row: &usize| flags.value(*row) == FlagKind::FreeExhausted.as_str();
            let app = |row: usize| {
                let product = *products.get(names.value(row))?;
                let exhausted = ExhaustedApp {
                    app: SdkAppId::new(apps.value(row))?,
                    product,
                    since: since.at(row)?,
                };
                Some((accounts.value(row), exhausted))
            };
            Ok((0..accounts.len()).filter(is_exhausted).filter_map(app).collect())
        }
    }
}

/// A row of `_carried`.
pub(super) enum CarriedRow {
    Removal(Instant),
    Refund(DecidedRefund),
    Renewal(Renewal),
}

impl CarriedRow {
    pub(super) const COLUMNS: &'static [&'static str] =
        &["account_id", "decision", "package_id", "at", "ends_on", "apps", "plan"];

    /// Reads the rows.
    pub(super) fn reader(book: &Book) -> impl Fn(&Columns<'_>) -> Decoded<Self> + Send + 'static {
        let plans: HashMap<String, PlanId> = (0_u16..)
            .zip(&book.plans)
            .map(|(at, plan)| (plan.id.clone(), PlanId(at)))
            .collect();
        move |columns| {
            let accounts = columns.int64("account_id")?;
            (0..accounts.len())
                .map(|row| Ok((accounts.value(row), Self::read(columns, row, &plans)?)))
                .collect()
        }
    }

    fn read(columns: &Columns<'_>, row: usize, plans: &HashMap<String, PlanId>) -> Result<Self, LedgerError> {
        let broken = |what: &str| damaged(columns.path, format!("row {row} of the account's decisions: {what}"));
        let at = columns.instants("at")?.at(row).ok_or_else(|| broken("has no time"))?;
        let package = || columns.text("package_id").map(|ids| ids.value(row).to_owned());
        match columns.text("decision")?.value(row) {
            REMOVAL => Ok(Self::Removal(at)),
            REFUND => {
                let ends = columns.dates_or_null("ends_on")?;
                let ends_on = ends.is_valid(row).then(|| BillingDay::from_epoch_days(ends.value(row)));
                Ok(Self::Refund(DecidedRefund {
                    package: package()?,
                    requested_at: at,
                    ends_on: ends_on.flatten(),
                }))
            }
            RENEWAL => {
                let (names, apps) = (columns.text_or_null("plan")?, columns.text_or_null("apps")?);
                let plan = text_at(names, row);
                let plan = *plans.get(plan).ok_or_else(|| {
                    broken(&format!(
                        "renews the plan {plan:?}, which the catalog lacks; put it back"
                    ))
                })?;
                let apps = text_at(apps, row);
                Ok(Self::Renewal(Renewal {
                    id: package()?,
                    apps: parse_apps(apps).ok_or_else(|| broken(&format!("{apps:?} are no apps")))?,
                    plan,
                    purchased_at: at,
                }))
            }
            other => Err(broken(&format!("{other:?} is no decision"))),
        }
    }

    /// Adds the row to an account's decisions.
    pub(super) fn add_to(self, carried: &mut Carried) {
        match self {
            Self::Removal(at) => carried.removals.push(at),
            Self::Refund(refund) => carried.refunds.push(refund),
            Self::Renewal(renewal) => carried.renewals.push(renewal),
        }
    }
}

/// The text in a row; empty where it is null.
fn text_at(column: &StringArray, row: usize) -> &str {
    if column.is_valid(row) { column.value(row) } else { "" }
}

/// `;`-joined apps; none for the empty text.
fn parse_apps(text: &str) -> Option<Vec<SdkAppId>> {
    let apps = text.split(';').filter(|app| !app.is_empty());
    apps.map(|app| SdkAppId::new(app.parse().ok()?)).collect()
}
