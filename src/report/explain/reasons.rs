//! Reasons of the rules, as codes for programs and words for people.

use crate::report::numbers::plain;
use crate::rules::recorder::PassedOver;
use crate::units::quantity::SdkAppId;

use super::grant_story::Reason;
use super::steps::{ToldFate, ToldRest};
use super::story::RestStory;

/// The line that a grant was looked at for, and the apps that the grant is bound to.
pub(super) struct Looked<'a> {
    pub app: SdkAppId,
    /// `av.hd`.
    pub tier: &'a str,
    pub bound_to: &'a [SdkAppId],
}

/// Why a grant was passed over.
pub(super) fn passed_over(reason: PassedOver, looked: &Looked<'_>) -> Reason {
    let (code, words, all_day) = match reason {
        PassedOver::Void => ("void", "void since the account's removal".to_owned(), true),
        PassedOver::Refunded { on } => ("refunded", format!("refunded on {on}"), true),
        PassedOver::Queued { from } => (
            "queued",
            format!("queued behind an earlier package: starts on {from}"),
            true,
        ),
        PassedOver::NotYetValid { from } => ("not_yet_valid", format!("bought later: valid from {from}"), true),
        PassedOver::Expired { on } => ("expired", format!("expired: its last day was {on}"), true),
        PassedOver::OutOfScope => ("out_of_scope", out_of_scope(looked), false),
        PassedOver::TierNotDeductible => (
            "tier_not_deductible",
            format!("does not deduct {}: its ratios do not name it", looked.tier),
            false,
        ),
        PassedOver::BalanceBelowRatio { balance, ratio } => (
            "balance_below_ratio",
            format!(
                "{} left, one minute of {} takes {}",
                plain(&balance.to_string()),
                looked.tier,
                plain(&ratio.to_string())
            ),
            false,
        ),
    };
    Reason { code, words, all_day }
}

fn out_of_scope(looked: &Looked<'_>) -> String {
    let apps: Vec<String> = looked.bound_to.iter().map(ToString::to_string).collect();
    let serves = match apps.as_slice() {
        [only] => format!("serves app {only} alone"),
        several => format!("serves apps {} alone", several.join(", ")),
    };
    if looked.app == SdkAppId::ACCOUNT_WIDE {
        format!("{serves}, and this line is of the whole account")
    } else {
        serves
    }
}

/// What became of the minutes that grants left.
pub(super) fn rest(rest: &ToldRest, app: SdkAppId) -> RestStory {
    let whose = if app == SdkAppId::ACCOUNT_WIDE {
        "the account"
    } else {
        "the app"
    };
    let (billed, reason, because) = match &rest.fate {
        ToldFate::PaygOn => (true, "payg_on", "pay-as-you-go is on for the account".to_owned()),
        ToldFate::PaidPackage(package) => (
            true,
            "paid_package",
            format!("the paid package {package} of {whose} is valid and unlocks pay-as-you-go"),
        ),
        ToldFate::PaygOff => (false, "payg_off", "pay-as-you-go is off for the account".to_owned()),
        ToldFate::NoPaidPackage => (
            false,
            "no_paid_package",
            match app {
                SdkAppId::ACCOUNT_WIDE => {
                    "no paid package of the account is valid, so pay-as-you-go is locked".to_owned()
                }
                _ => "no paid package bound to the app or the account is valid, so pay-as-you-go is locked".to_owned(),
            },
        ),
        ToldFate::NoPrice => (false, "no_price", "the tier has no price".to_owned()),
    };
    RestStory {
        minutes: rest.minutes,
        billed,
        reason,
        because,
    }
}
