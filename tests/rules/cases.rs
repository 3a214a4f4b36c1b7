//! Tables of cases for entitlement, prices, facts in time, grants and balance.
