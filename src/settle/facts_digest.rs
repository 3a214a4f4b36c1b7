//! `accounts.facts`: 8 bytes of a digest over an account's dated facts, by which a later run sees what a batch did
//! not know (SPEC 4, 5).

use crate::catalog::book::Book;
use crate::rules::facts::{Account, Package, RefundRequest};
use crate::units::digest::Hasher;
use crate::units::quantity::Instant;

/// The digest of what was known at `known_at`: registration, violation, purchases with refunds, refund requests.
///
/// Undated columns (price list, payg, …) are left out: a change of them reaches back only on demand. The order of
/// packages and requests does not matter to callers: both come sorted from the dimensions.
pub(crate) fn digest(
    book: &Book,
    account: &Account<'_>,
    packages: &[Package<'_>],
    requests: &[RefundRequest<'_>],
    known_at: Instant,
) -> i64 {
    let mut facts = FactsHasher(Hasher::default());
    facts.instant(account.registered_at);
    facts.optional_instant(account.violation_at.filter(|at| *at <= known_at));
    for package in packages.iter().filter(|package| package.purchased_at <= known_at) {
        facts.text("package");
        facts.text(package.id);
        facts.text(&book.plan(package.plan).id);
        facts.instant(package.purchased_at);
        facts.number(i64::from(package.gift));
        facts.number(package.apps.len() as i64);
        for app in package.apps {
            facts.number(app.get());
        }
        let refund = package.refunded_at.filter(|at| *at <= known_at);
        facts.optional_instant(refund);
        facts.number(refund.map_or(0, |_| package.refunded_amount.units()));
    }
    for request in requests.iter().filter(|request| request.requested_at <= known_at) {
        facts.text("request");
        facts.text(request.package);
        facts.instant(request.requested_at);
    }
    facts.finish()
}

/// A hash over values of known length, so that no two lists of facts share their bytes.
struct FactsHasher(Hasher);

impl FactsHasher {
    fn number(&mut self, value: i64) {
        self.0.update(value.to_le_bytes());
    }

    fn instant(&mut self, at: Instant) {
        self.number(at.micros());
    }

    fn optional_instant(&mut self, at: Option<Instant>) {
        self.number(i64::from(at.is_some()));
        self.number(at.map_or(0, Instant::micros));
    }

    fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> i64 {
        let digest = self.0.finish();
        let mut first = [0_u8; 8];
        first.copy_from_slice(&digest[..8]);
        i64::from_be_bytes(first)
    }
}
