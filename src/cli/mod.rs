//! The command line: arguments, one file per command, and what people and scripts get to see. Prints, decides nothing.

mod args;
mod check;
mod check_catalog;
mod check_report;
mod check_text;
mod compact;
mod completions;
mod explain;
mod explain_grants;
mod explain_life;
mod explain_text;
mod failure;
mod format;
mod memory;
mod progress;
mod run;
mod sample;
mod schema;
mod settle;
mod settle_report;
mod terminal;
mod timeline;
mod verify;

pub use run::run;

#[cfg(test)]
#[expect(dead_code, reason = "the examples are checked by tests/cli/main.rs")]
#[path = "../../tests/support/json_doc.rs"]
mod json_doc;
