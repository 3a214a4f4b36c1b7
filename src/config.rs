//! What is wrong with a job or catalog file, and where.
//!
//! `document` turns TOML text into a tree whose every value knows where it stands; `fields` reads typed
//! values out of it and notes what is wrong, so that one run shows every mistake of a file.

pub(crate) mod document;
pub(crate) mod fields;
pub(crate) mod notes;
pub(crate) mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Everything that is wrong with one configuration file (exit 2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// At least one problem, in file order.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Line and column, from 1; None when the problem is the file as a whole, or a `--set`.
    pub at: Option<(usize, usize)>,
    /// What is wrong, lower case.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl ConfigError {
    /// One problem of the file as a whole.
    pub(crate) fn whole(path: &Path, message: String) -> Self {
        let problem = Problem {
            path: path.to_path_buf(),
            at: None,
            message,
            help: None,
        };
        Self {
            problems: vec![problem],
        }
    }
}

/// The text of a job or catalog file on this machine.
///
/// # Errors
/// [`ConfigError`] when it cannot be read or is not UTF-8.
pub fn read(path: &Path) -> Result<String, ConfigError> {
    let bytes = fs::read(path).map_err(|error| ConfigError::whole(path, format!("cannot be read: {error}")))?;
    decode(path, bytes)
}

/// The text of a job or catalog file that was read elsewhere. `path` stands in messages.
///
/// # Errors
/// [`ConfigError`] when it is not UTF-8.
pub fn decode(path: &Path, bytes: Vec<u8>) -> Result<String, ConfigError> {
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default()).into_owned();
        let mut broken = ConfigError::whole(path, "not UTF-8".to_owned());
        for problem in &mut broken.problems {
            problem.at = Some(document::line_and_column(&before, good));
            problem.help = Some("save the file as UTF-8".to_owned());
        }
        broken
    })
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    /// `jobs/nightly.toml:4:1: unknown key …`, one problem a line, each followed by its help.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some((line, column)) = self.at {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}
