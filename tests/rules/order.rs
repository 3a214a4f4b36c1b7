//! Which grant serves first.
