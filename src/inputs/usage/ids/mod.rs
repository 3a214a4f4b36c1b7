//! Row groups summed on dictionary ids: the fast way through a usage file.
//!
//! A row group has few distinct accounts, apps, meters, seconds and resolutions. What SPEC 2.1 says about a value is
//! found out once per distinct value; rows are counted by id, in plain arrays, runs at once. From the outside in:
//! `read` drives a row group, `rows` puts its columns together, `cells` counts rows in `lines` and hands sums to `sink`;
//! `keys` and `classes` are the columns, `values` says what a value is worth, `cursor` opens pages, `hybrid`, `delta` and
//! `plain` decode them, `vector` has what vector instructions do.
//!
//! # One row on its way
//!
//! A row group's dictionaries are `account_id` = [7, 9], `sdk_app_id` = [1400, 1500], `pixels` = [0, 921600]. The row
//! `account_id` 9, `sdk_app_id` 1500, `meter` absent, `seconds` absent, `pixels` 921600 goes through these steps:
//!
//! | word | what it is | of this row |
//! | --- | --- | --- |
//! | entry | a value of a column chunk's dictionary | 9 |
//! | index | where the entry stands in the dictionary, as the page has it bit-packed | 1 |
//! | id | a number for a distinct account or app of the row group, across pages and dictionaries (`keys`) | account 1, app 1 |
//! | worth | what an entry means for the bill, found out once an entry (`values`): a day, a row of the tier table, a column of it | 921600 is worth column 1: up to 921,600 pixels |
//! | class | entries of the same worth: their rows need not be told apart (`classes`) | all of 1 to 921,600 pixels |
//! | usual, others | the worth that most rows of a block have, and the few rows that have another (`Sparse`) | `meter` absent is the usual one |
//! | place | where a tier stands in the table meters x resolutions | row 0 + column 1 = 1 |
//! | code | a small number for a tier that the row group has met, from 1 | 1: the first tier met |
//! | line, cell | an app's 16 counters, and one of them (`lines`) | line 1: cell 0 says account 1, cell 1 goes from 0 to 1 |
//! | put | what a block's rows have in each column: one value for all (`Here::Same`) or one a row | all of it above |
//! | flush | a cell's count x the usual seconds goes to `sink` under (account 9, app 1500, `av.hd`, period) | 1 row, 1 s |
//!
//! # Giving up
//!
//! The fast way never decides against a row: what it does not know, or does not like, makes it give up the whole row
//! group, corrupt bytes too. Where sums have gone to the sink already, it reads the row group once more up to the same
//! place with `Sign::TakeBack`, which takes every one of them back. Then the row group is read by value (`row_group`),
//! row by row, to name what is wrong.

mod cells;
mod classes;
mod columns;
mod cursor;
mod delta;
mod hybrid;
mod keys;
mod lines;
mod plain;
mod read;
mod rows;
mod sink;
mod stop;
mod values;
mod vector;

pub(super) use read::{Outcome, Scratch, read};
