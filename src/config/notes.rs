//! What is found wrong with a file while it is read.

use std::cell::RefCell;
use std::fmt::Display;
use std::path::Path;

use super::document::{Origin, line_and_column};
use super::{ConfigError, Problem};

/// The file that is being read and what was found wrong with it.
pub(crate) struct Notes<'a> {
    path: &'a Path,
    text: &'a str,
    /// The keys of the `--set`s, by position.
    sets: Vec<&'a str>,
    problems: RefCell<Vec<(Origin, Problem)>>,
}

impl<'a> Notes<'a> {
    /// Nothing wrong so far.
    pub(crate) fn new(path: &'a Path, text: &'a str, sets: Vec<&'a str>) -> Self {
        Self {
            path,
            text,
            sets,
            problems: RefCell::default(),
        }
    }

    /// Notes that `key` (a dotted path, empty for none) is wrong.
    pub(crate) fn add(&self, origin: Origin, key: &str, what: impl Display, help: Option<String>) {
        let message = match origin {
            Origin::Set(index) => {
                let set = self.sets[index];
                if key.is_empty() || key == set {
                    format!("--set {set}: {what}")
                } else {
                    format!("--set {set}: {key}: {what}")
                }
            }
            _ if key.is_empty() => what.to_string(),
            _ => format!("{key}: {what}"),
        };
        let at = match origin {
            Origin::At(offset) => Some(line_and_column(self.text, offset)),
            Origin::Whole | Origin::Set(_) => None,
        };
        let problem = Problem {
            path: self.path.to_path_buf(),
            at,
            message,
            help,
        };
        self.problems.borrow_mut().push((origin, problem));
    }

    /// `value` when nothing was wrong.
    ///
    /// # Errors
    /// Everything that was noted, in file order.
    ///
    /// # Panics
    /// When there is neither a value nor a note: a value was dropped in silence.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigError> {
        let mut problems = self.problems.into_inner();
        if problems.is_empty() {
            return Ok(value.expect("whatever gives no value notes why"));
        }
        problems.sort_by_key(|(origin, _)| *origin);
        Err(ConfigError {
            problems: problems.into_iter().map(|(_, problem)| problem).collect(),
        })
    }

    /// Where it stands, for "the first one is …".
    pub(crate) fn place(&self, origin: Origin) -> String {
        match origin {
            Origin::Whole => "in the file".to_owned(),
            Origin::Set(index) => format!("in --set {}", self.sets[index]),
            Origin::At(offset) => format!("on line {}", line_and_column(self.text, offset).0),
        }
    }
}
