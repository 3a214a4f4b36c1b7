//! The same explanation for one app.

use crate::rules::quantity::{Amount, SdkAppId};

use super::story::{Explanation, LineStory};

/// Leaves out lines of other apps, and bills and grants that have to do with those alone. Account-rounded lines (app 0) stay where
/// the app is part of them. Balance and comparison are the account's, whole.
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
    let lines = &explanation.lines;
    explanation.grants.retain(|grant| {
        lines
            .iter()
            .filter_map(|line| line.how.duration())
            .any(|duration| duration.steps.iter().any(|step| step.grant == grant.grant))
    });
}

fn concerns(line: &LineStory, app: SdkAppId) -> bool {
    let is_part = line
        .how
        .duration()
        .is_some_and(|duration| duration.parts.iter().any(|part| part.app == app));
    line.app == app || (line.app == SdkAppId::ACCOUNT_WIDE && is_part)
}
