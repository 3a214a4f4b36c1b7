//! Telling apart more ids than memory holds: tasks of a relay, users that log in.
//!
//! `key` makes 128 bits of what tells two of them apart. `shards` keeps entries by such keys in a fixed number of parts of
//! bounded memory; parts that do not fit wait for another pass over the files.

pub(in crate::inputs) mod key;
pub(in crate::inputs) mod shards;
