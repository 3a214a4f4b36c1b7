//! Whose a row is: the account and the app, as all inputs that name them are judged (SPEC 2.1, 2.2).

use crate::inputs::parquet::decode::Int;
use crate::inputs::rejects::Reason;
use crate::units::quantity::SdkAppId;

/// How many accounts a reader remembers; a power of two.
pub(in crate::inputs) const CACHED_ACCOUNTS: usize = 4_096;

/// Which accounts there are.
pub trait KnownAccounts: Sync {
    /// The position of an account in account order; None when it is not known at the day's billing time.
    fn position(&self, account_id: i64) -> Option<u32>;
}

/// Whose a row is: the account's position and the app.
///
/// # Errors
/// The first rule that the row breaks.
pub(in crate::inputs) fn owner(
    account_id: Int,
    sdk_app_id: Int,
    accounts: &mut AccountCache<'_>,
) -> Result<(u32, SdkAppId), Reason> {
    if account_id == Int::Null || sdk_app_id == Int::Null {
        return Err(Reason::NullKey);
    }
    let account_id = account_id.value().filter(|id| *id > 0).ok_or(Reason::BadKey)?;
    let app = sdk_app_id.value().and_then(SdkAppId::new).ok_or(Reason::BadKey)?;
    let account = accounts.position(account_id).ok_or(Reason::UnknownAccount)?;
    Ok((account, app))
}

/// Remembers where accounts are: most rows are of few.
pub(in crate::inputs) struct AccountCache<'a> {
    accounts: &'a dyn KnownAccounts,
    /// As many as a power of two.
    slots: Vec<(i64, Option<u32>)>,
}

impl<'a> AccountCache<'a> {
    /// A cache of `slots` accounts, a power of two.
    pub(in crate::inputs) fn new(accounts: &'a dyn KnownAccounts, slots: usize) -> Self {
        assert!(slots.is_power_of_two() && slots > 1, "{slots} slots");
        // No account is 0.
        Self {
            accounts,
            slots: vec![(0, None); slots],
        }
    }

    /// Where an account is; None when it is not known.
    pub(in crate::inputs) fn position(&mut self, account_id: i64) -> Option<u32> {
        // Fibonacci hashing: neighbouring and round numbers alike spread over the slots.
        let hash = account_id.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let slot = usize::try_from(hash >> (64 - self.slots.len().ilog2())).expect("fewer bits than slots have");
        let (id, position) = &mut self.slots[slot];
        if *id != account_id {
            *position = self.accounts.position(account_id);
            *id = account_id;
        }
        *position
    }
}
