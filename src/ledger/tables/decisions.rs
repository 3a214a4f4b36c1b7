//! Rows of the tables that few accounts have rows in: flags, refunds, renewals, and what is carried over.

use arrow::array::ArrayRef;

use crate::rules::account_day::AccountDay;
use crate::rules::facts::{Carried, Renewal};
use crate::rules::flags::Flag;
use crate::units::quantity::{AccountId, OutOfRange};

use super::Table;
use super::builders::{self, push_apps, push_joined};
use super::rows::RowContext;

/// What the column `decision` of `_carried` says.
pub(in crate::ledger) const REFUND: &str = "refund";
/// See [`REFUND`].
pub(in crate::ledger) const REMOVAL: &str = "removal";
/// See [`REFUND`].
pub(in crate::ledger) const RENEWAL: &str = "renewal";

/// Builders of those tables.
#[derive(Default)]
pub(super) struct Decisions {
    flags: builders::Flags,
    refunds: builders::Refunds,
    renewals: builders::Renewals,
    carried: builders::Carried,
}

impl Decisions {
    /// Adds an account's day; accounts come in ascending order.
    pub(super) fn push(
        &mut self,
        context: RowContext<'_>,
        account: AccountId,
        day: &AccountDay<'_>,
    ) -> Result<(), OutOfRange> {
        for flag in &day.flags {
            self.push_flag(context, account, flag);
        }
        let mut refunds: Vec<_> = day.refunds.iter().collect();
        refunds.sort_unstable_by_key(|refund| refund.request.package);
        for refund in refunds {
            let table = &mut self.refunds;
            table.package.append_value(refund.request.package);
            table.account.append_value(account.get());
            table.requested_at.push(Some(refund.request.requested_at));
            table.approved.append_value(refund.outcome.is_ok());
            let amount = refund.outcome.unwrap_or_default();
            table.amount.push("refund", amount.units())?;
            table
                .reason
                .append_option(refund.outcome.err().map(|reason| reason.as_str()));
        }
        let mut renewals: Vec<&Renewal> = day.renewals.iter().collect();
        renewals.sort_unstable_by_key(|renewal| &renewal.id);
        for renewal in renewals {
            let table = &mut self.renewals;
            let plan = context.book.plan(renewal.plan);
            table.package.append_value(&renewal.id);
            table.account.append_value(account.get());
            push_apps(&mut table.apps, &renewal.apps);
            table.plan.append_value(&plan.id);
            table.purchased_at.push(Some(renewal.purchased_at));
            let price = plan.price.expect("what is renewed has a price");
            table.price.push("price", price.units())?;
        }
        self.push_carried(context, account, &day.carried);
        Ok(())
    }

    fn push_flag(&mut self, context: RowContext<'_>, account: AccountId, flag: &Flag) {
        let table = &mut self.flags;
        table.account.append_value(account.get());
        table.app.append_value(flag.app.get());
        table
            .product
            .append_value(&context.book.products[flag.product.index()].id);
        table.flag.append_value(flag.kind.as_str());
        table.since.push(Some(flag.since));
        table.deadline.push(flag.deadline);
        table.stop_rooms_by.push(flag.stop_rooms_by);
        push_joined(&mut table.actions, flag.actions(context.book));
    }

    /// Refunds, removals, renewals: the order of their names.
    fn push_carried(&mut self, context: RowContext<'_>, account: AccountId, carried: &Carried) {
        let table = &mut self.carried;
        let mut refunds: Vec<_> = carried.refunds.iter().collect();
        refunds.sort_unstable_by_key(|refund| &refund.package);
        for refund in refunds {
            table.account.append_value(account.get());
            table.decision.append_value(REFUND);
            table.package.append_value(&refund.package);
            table.at.push(Some(refund.requested_at));
            table.ends_on.append_option(refund.ends_on.map(|day| day.epoch_days()));
            table.apps.append_null();
            table.plan.append_null();
        }
        for removal in &carried.removals {
            table.account.append_value(account.get());
            table.decision.append_value(REMOVAL);
            table.package.append_value("");
            table.at.push(Some(*removal));
            table.ends_on.append_null();
            table.apps.append_null();
            table.plan.append_null();
        }
        let mut renewals: Vec<&Renewal> = carried.renewals.iter().collect();
        renewals.sort_unstable_by_key(|renewal| &renewal.id);
        for renewal in renewals {
            table.account.append_value(account.get());
            table.decision.append_value(RENEWAL);
            table.package.append_value(&renewal.id);
            table.at.push(Some(renewal.purchased_at));
            table.ends_on.append_null();
            push_apps(&mut table.apps, &renewal.apps);
            table.plan.append_value(&context.book.plan(renewal.plan).id);
        }
    }

    /// The tables' arrays.
    pub(super) fn finish(self) -> [(Table, Vec<ArrayRef>); 4] {
        [
            (Table::Flags, self.flags.finish()),
            (Table::Refunds, self.refunds.finish()),
            (Table::Renewals, self.renewals.finish()),
            (Table::Carried, self.carried.finish()),
        ]
    }
}
