//! The catalog: prices, ratios, plans and policies as data.

pub mod book;
mod items;
mod names;
pub mod parse;
mod plans;
mod prices;
mod products;
