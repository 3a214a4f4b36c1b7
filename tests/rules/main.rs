//! The rules as a library: the guide's worked examples, tables of cases, and the laws as properties.

mod book;
mod cases;
mod dunning;
mod examples;
mod flags;
mod laws;
mod order;
mod refunds;
mod steps;
mod subscriptions;
mod world;
