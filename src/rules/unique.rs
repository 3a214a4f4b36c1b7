//! Distinct users (SPEC 3.7): what an app has above the quotas of its packages.

use std::cmp::Reverse;

use crate::catalog::book::Book;

use super::packages::Placed;
use crate::units::quantity::{BillingDay, OutOfRange, SdkAppId};

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
        packages.sort_by_key(|quota| (quota.family, !quota.apps.is_empty(), Reverse(quota.left)));
        // A family gives the account one quota to share, the largest: a renewal within the month does not double it.
        packages.dedup_by(|next, kept| next.family == kept.family && next.apps.is_empty() && kept.apps.is_empty());
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

/// Valid on a day from `first` to `last`: on the day of its refund or of the account's removal it is not.
fn is_valid_within(package: &Placed<'_>, first: BillingDay, last: BillingDay) -> bool {
    let from = package.valid_from.max(first);
    from <= last && from < package.ends_on
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::facts::Package;
    use crate::rules::testing::{book, day, plan};
    use crate::units::quantity::{Cents, Instant};

    /// Packages as `plan mau apps first last` (apps `-`: account-wide; `ends=<day>`, of a refund or removal), a line each; the
    /// apps' users in October, and how many of them are above the quota.
    fn check(packages: &str, users: &[(i64, i64)], expected: &[i64]) {
        let lines: Vec<Vec<&str>> = packages
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .filter(|words| !words.is_empty())
            .collect();
        // Every package is of a plan of its own, so that each has its users.
        let mut book = book();
        let mut apps = Vec::new();
        for words in &lines {
            let mut plan = book.plan(plan(&book, words[0])).clone();
            plan.mau = words[1].parse().unwrap();
            book.plans.push(plan);
            let app = |word: &str| SdkAppId::new(word.parse().unwrap()).unwrap();
            apps.push(match words[2] {
                "-" => Vec::new(),
                some => some.split(';').map(app).collect::<Vec<_>>(),
            });
        }
        let first_plan = book.plans.len() - lines.len();
        let bought: Vec<Package<'_>> = apps
            .iter()
            .enumerate()
            .map(|(position, apps)| Package {
                id: "p",
                apps,
                plan: crate::catalog::book::PlanId(u16::try_from(first_plan + position).unwrap()),
                purchased_at: Instant::from_micros(0),
                gift: false,
                auto_renew: false,
                refunded_at: None,
                refunded_amount: Cents::ZERO,
            })
            .collect();
        let placed: Vec<Placed<'_>> = lines
            .iter()
            .zip(&bought)
            .map(|(words, package)| {
                let ends = words.iter().find_map(|word| word.strip_prefix("ends="));
                Placed::at(*package, (day(words[3]), day(words[4])), ends.map(day))
            })
            .collect();
        let october = (day("2024-10-01"), day("2024-10-31"));
        let mut quotas = Quotas::of_period(&book, &placed, october);
        let excess: Vec<i64> = users
            .iter()
            .map(|(app, users)| quotas.excess(SdkAppId::new(*app).unwrap(), *users).unwrap())
            .collect();
        assert_eq!(excess, expected, "{packages}");
    }

    const ALL_OF_IT: &str = "2024-10-01 2024-10-31";

    #[test]
    fn without_a_package_every_user_is_above_the_quota() {
        check("", &[(1, 5), (2, 0)], &[5, 0]);
    }

    /// `[T]` FAQ: 10,000 of Live Standard and 5,000 of Call 1v1 are 15,000.
    #[test]
    fn families_add_up() {
        let packages = format!("engine.lite 10000 1 {ALL_OF_IT}\ncall.trial 5000 1 {ALL_OF_IT}");
        check(&packages, &[(1, 15_001), (2, 7)], &[1, 7]);
    }

    #[test]
    fn of_a_family_the_largest_counts() {
        let packages =
            format!("engine.lite 100 1 {ALL_OF_IT}\nengine.pro 300 1 {ALL_OF_IT}\nengine.lite 200 1;2 {ALL_OF_IT}");
        check(&packages, &[(1, 301), (2, 201), (3, 1)], &[1, 1, 1]);
    }

    #[test]
    fn apps_share_an_account_wide_quota_in_the_order_of_their_ids() {
        check(
            &format!("engine.lite 100 - {ALL_OF_IT}"),
            &[(1, 60), (2, 30), (3, 30), (4, 1)],
            &[0, 0, 20, 1],
        );
    }

    /// App 1 has more of its own than is left for all; app 2 has less. Shared ones are taken in the order of families.
    #[test]
    fn an_own_quota_stands_beside_a_shared_one_of_its_family() {
        let packages = format!(
            "engine.lite 100 - {ALL_OF_IT}\nengine.pro 150 1 {ALL_OF_IT}\nengine.pro 30 2 {ALL_OF_IT}\ncall.trial 10 - {ALL_OF_IT}"
        );
        check(&packages, &[(1, 155), (2, 95), (3, 20)], &[0, 0, 10]);
    }

    #[test]
    fn valid_on_one_day_of_the_month_is_enough() {
        check("engine.lite 9 1 2024-09-02 2024-10-01", &[(1, 10)], &[1]);
        check("engine.lite 9 1 2024-10-31 2024-11-30", &[(1, 10)], &[1]);
        check("engine.lite 9 1 2024-09-01 2024-09-30", &[(1, 10)], &[10]);
        check("engine.lite 9 1 2024-11-01 2024-11-30", &[(1, 10)], &[10]);
    }

    /// By a refund, or the account's removal.
    #[test]
    fn packages_that_were_ended_count_while_they_were_valid() {
        let cases = [
            ("2024-09-15 2024-10-14 ends=2024-10-02", 1),
            ("2024-09-15 2024-10-14 ends=2024-10-01", 10),
            ("2024-10-15 2024-11-14 ends=2024-10-15", 10),
            ("2024-10-15 2024-11-14 ends=2024-10-16", 1),
        ];
        for (days, excess) in cases {
            check(&format!("engine.lite 9 1 {days}"), &[(1, 10)], &[excess]);
        }
    }
}
