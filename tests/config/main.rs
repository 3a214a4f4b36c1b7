//! Job and catalog files: every message has a fixture in `tests/config/`, every key is accepted, nothing panics.
//!
//! A fixture is a file that is wrong. Its first lines say how it is read and what must be said of it:
//! `#$ set KEY=VALUE`, `#$ env NAME=VALUE`, and `#| ` before each line of the exact message, in which the file is
//! called by its bare name. With `UPDATE_EXPECT=1` the messages are rewritten: read the difference.

mod book;
mod fixtures;
mod job;
mod prices;
mod properties;
mod shipped;
