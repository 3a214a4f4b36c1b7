//! A catalog's text, from wherever the job says it is.

use std::path::PathBuf;

use crate::config::{ConfigError, Problem};
use crate::store::{Location, Store, StoreError};
use crate::units::digest::sha256_hex;

/// The largest catalog that is read, in bytes.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// A catalog file, unparsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Where it came from, for messages.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Lowercase hex SHA-256 of the text.
    pub sha256: String,
}

/// Why a catalog could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is no catalog (exit 2).
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store failed (exit 5).
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads a catalog's text.
///
/// # Errors
/// [`ReadError::Config`] when there is no such file or it is no UTF-8 text of at most 16 MiB.
pub fn read(location: &Location) -> Result<Source, ReadError> {
    let path = PathBuf::from(location.readable());
    let wrong = |message: &str, help: &str| {
        let problem = Problem {
            path: path.clone(),
            at: None,
            message: message.to_owned(),
            help: Some(help.to_owned()),
        };
        ReadError::Config(ConfigError {
            problems: vec![problem],
        })
    };
    let missing = || {
        wrong(
            "there is no such catalog",
            "the job's key `catalog` names it, relative to the job file",
        )
    };
    let (store, objects) = match Store::open_objects(location) {
        Err(StoreError::NotFound { .. }) => return Err(missing()),
        other => other?,
    };
    let object = match objects.as_slice() {
        // A file is an object of the directory around it; what is listed below the location itself makes it one.
        [object] if store.location() != location => object,
        _ => return Err(wrong("is a directory", "the job's key `catalog` names one TOML file")),
    };
    if object.size > MAX_BYTES {
        return Err(wrong(
            "is larger than 16 MiB",
            "the job's key `catalog` names one TOML file",
        ));
    }
    let bytes = store.get_range(object, 0..object.size)?;
    let sha256 = sha256_hex(&bytes);
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| wrong("is not UTF-8 text", "save it as UTF-8"))?;
    Ok(Source { path, text, sha256 })
}
