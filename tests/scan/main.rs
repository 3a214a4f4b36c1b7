//! The usage scan against a row-by-row reference: files of every kind, of other writers, and hostile ones.

mod compact;
mod files;
mod foreign;
mod hostile;
mod kinds;
mod memory;
mod reading;
mod reference;
mod remote;
mod rules;
mod sample;
mod ways;
mod world;
