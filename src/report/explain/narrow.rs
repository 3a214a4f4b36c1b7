//! The same explanation for one app.

use crate::units::quantity::{Amount, SdkAppId};

use super::story::{Explanation, LineStory, QuantityStory};

/// Leaves out lines of other apps, and bills and grants that have to do with those alone. Lines of the whole account (app 0)
/// stay where the app is part of them, or may be: of peaks and counts the ledger does not keep whose they are. Flags of other apps
/// go too. All else is the account's, whole.
pub(super) fn to_app(explanation: &mut Explanation, app: SdkAppId) {
    let others: Vec<LineStory> = explanation.lines.extract_if(.., |line| !concerns(line, app)).collect();
    for bill in &mut explanation.bills {
        let of_bill = others.iter().filter(|line| line.bill_id == bill.bill_id);
        bill.other_lines = of_bill.clone().count();
        bill.lines -= bill.other_lines;
        let mut amounts = of_bill.map(|line| line.amount);
        bill.other_amount = amounts
            .try_fold(Amount::ZERO, Amount::plus)
            .expect("the bill's sum fits, and these are a part of it");
    }
    explanation.bills.retain(|bill| bill.lines > 0);
    let of_app = |other: SdkAppId| other == app || other == SdkAppId::ACCOUNT_WIDE;
    explanation.flags.retain(|flag| of_app(flag.app));
    let lines = &explanation.lines;
    explanation.grants.retain(|grant| {
        lines
            .iter()
            .filter_map(|line| line.how.duration())
            .any(|duration| duration.steps.iter().any(|step| step.grant == grant.grant))
    });
}

fn concerns(line: &LineStory, app: SdkAppId) -> bool {
    let serves = |apps: &[SdkAppId]| apps.is_empty() || apps.contains(&app);
    let is_part = match &line.how {
        QuantityStory::Duration(duration) => duration.parts.iter().any(|part| part.app == app),
        QuantityStory::Purchase(purchase) => purchase.packages.iter().any(|package| serves(&package.apps)),
        QuantityStory::Refund(refund) => serves(&refund.apps),
        QuantityStory::Measured(_) => true,
    };
    line.app == app || (line.app == SdkAppId::ACCOUNT_WIDE && is_part)
}
