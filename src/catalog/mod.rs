//! The catalog: prices, ratios, plans and policies as data.

pub mod book;
pub mod parse;
pub mod read;
