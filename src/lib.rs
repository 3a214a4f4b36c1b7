//! nightbill settles a night of usage-billed real-time communication: per-second usage Parquet in, exact bills out.
//!
//! The night, from left to right: [`job`] and [`catalog`] say what to do, [`inputs`] reads usage and dimensions,
//! [`rules`] (pure) turn one account's day into lines, deductions and bills, [`ledger`] posts them, and [`settle`]
//! drives all of it. [`report`] tells what was posted. [`units`] are the quantities, days and digests that
//! all of them speak in. [`store`] is the only door to files and buckets, [`cli`] the only one to people.

#![warn(unreachable_pub)]

pub mod catalog;
pub mod cli;
pub mod compact;
pub mod config;
pub mod inputs;
pub mod job;
pub mod ledger;
pub mod report;
pub mod rules;
pub mod sample;
pub mod settle;
pub mod store;
pub mod units;
