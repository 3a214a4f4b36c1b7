//! The rules as a library: the guide's worked examples, tables of cases, and the laws as properties.

mod book;
mod cases;
mod examples;
mod laws;
mod order;
mod world;
