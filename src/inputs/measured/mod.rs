//! `relay`, `screenshots` and `logins` (SPEC 2.2, 3.7): samples in, one figure by account and tier out, of a day or a month.
//!
//! What is read has the robustness of usage: it comes through the same bounded pages, and rows that break a rule are
//! rejects. `read` plans and does the passes over the files, `judge` applies the rules that all rows share, and each input
//! has its columns and its sums: `relay` the largest sum over tasks, `screenshots` a sum, `logins` distinct users. What has to
//! be told apart is held in bounded memory, whatever the number of rows (`inputs::distinct`).

mod judge;
mod logins;
mod read;
mod relay;
mod screenshots;
#[cfg(test)]
mod tests;

pub use read::{Figure, Found, Input, MeasuredRequest, partitions_needed, read};
