//! Distinct users (SPEC 3.7): what an app has above the quotas of its packages.

use crate::catalog::book::Book;

use super::packages::Placed;
use super::quantity::{BillingDay, OutOfRange, SdkAppId};

/// What packages of one account include of monthly active users, while its apps use it up in the order of their ids.
pub(super) struct Quotas<'a> {
    /// Sorted by family.
    packages: Vec<UserQuota<'a>>,
}

/// The users that one package includes.
struct UserQuota<'a> {
    family: &'a str,
    /// The apps that it is bound to; empty: account-wide.
    apps: &'a [SdkAppId],
    /// What is left of it. Apps share only that of account-wide packages.
    left: i64,
}

impl<'a> Quotas<'a> {
    /// The quotas of packages that are valid on a day of the period, neither void nor refunded on it.
    pub(super) fn of_period(book: &'a Book, placed: &[Placed<'a>], (first, last): (BillingDay, BillingDay)) -> Self {
        let mut packages: Vec<UserQuota<'a>> = placed
            .iter()
            .filter(|package| is_valid_within(package, first, last))
            .map(|package| {
                let plan = book.plan(package.package.plan);
                UserQuota {
                    family: &plan.family,
                    apps: package.package.apps,
                    left: plan.mau,
                }
            })
            .filter(|quota| quota.left > 0)
            .collect();
        packages.sort_by_key(|quota| quota.family);
        Self { packages }
    }

    /// How many of an app's users are above its quota; what they take of account-wide packages is gone for the apps after it.
    ///
    /// Of each family the largest quota counts, one that the app does not share before one that it does; families add up
    /// `[T: FAQ, "the resources in each product package are added together"]`.
    ///
    /// # Errors
    /// [`OutOfRange`] when a sum leaves 64 bits.
    pub(super) fn excess(&mut self, app: SdkAppId, users: i64) -> Result<i64, OutOfRange> {
        const WHAT: OutOfRange = OutOfRange { what: "users" };
        let mut excess = users;
        let mut shared = Vec::new();
        for family in self.packages.chunk_by_mut(|one, other| one.family == other.family) {
            let serving = family
                .iter_mut()
                .filter(|quota| quota.apps.is_empty() || quota.apps.binary_search(&app).is_ok());
            let Some(largest) = serving.max_by_key(|quota| (quota.left, !quota.apps.is_empty())) else {
                continue;
            };
            if largest.apps.is_empty() {
                shared.push(&mut largest.left);
            } else {
                excess = excess.checked_sub(largest.left).ok_or(WHAT)?.max(0);
            }
        }
        for left in shared {
            let taken = excess.min(*left);
            *left = left.checked_sub(taken).ok_or(WHAT)?;
            excess = excess.checked_sub(taken).ok_or(WHAT)?;
        }
        Ok(excess)
    }
}

/// Valid on a day from `first` to `last`: on the day of its refund it is not.
fn is_valid_within(package: &Placed<'_>, first: BillingDay, last: BillingDay) -> bool {
    let refunded_before = |day: BillingDay| package.refunded_on.is_some_and(|on| on <= day);
    let from = package.valid_from.max(first);
    let to = package.valid_to.min(last);
    from <= to && !package.void && !refunded_before(from)
}
