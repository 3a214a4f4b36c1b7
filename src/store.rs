//! URL -> object store. The only place that knows `object_store` and tokio; everything above reads and
//! writes through [`Store`], whose calls block.

use std::fmt;
use std::ops::Range;

use bytes::Bytes;
use url::Url;

/// A URL that a job names: `file:`, `s3://`, `gs://`, `az://`. Printed without credentials or query.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    url: Url,
    /// How it is printed, when that is not the URL.
    shown: Option<String>,
}

impl Location {
    /// The location of an absolute URL of a known scheme, without user info.
    pub fn from_url(url: Url) -> Option<Self> {
        let known = matches!(url.scheme(), "file" | "s3" | "gs" | "az");
        let clean = url.username().is_empty() && url.password().is_none();
        (known && clean).then_some(Self { url, shown: None })
    }

    /// The same location, printed as `text`: what the job file says, where the URL holds the value of an
    /// environment variable, which may be a secret.
    pub fn shown_as(self, text: &str) -> Self {
        Self {
            shown: Some(text.to_owned()),
            ..self
        }
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.shown {
            return f.write_str(text);
        }
        let mut shown = self.url.clone();
        shown.set_query(None);
        shown.set_fragment(None);
        f.write_str(shown.as_str())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Path relative to the store's location, `/`-separated.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// The store's version tag, if it gives one.
    pub etag: Option<String>,
}

/// What a store could not do (exit 5, unless the caller knows better).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such object.
    #[error("{path}: not found")]
    NotFound {
        /// Full path for people.
        path: String,
    },
    /// A create-only put met an existing object. A hint only: read back before believing.
    #[error("{path}: exists already")]
    AlreadyExists {
        /// Full path for people.
        path: String,
    },
    /// The object is not the one that was listed: its size or etag differs.
    #[error("{path}: changed while it was being read")]
    Changed {
        /// Full path for people.
        path: String,
    },
    /// Anything else.
    #[error("{path}: {message}")]
    Failed {
        /// Full path for people.
        path: String,
        /// What the store said, without credentials.
        message: String,
    },
}

/// A directory in an object store.
#[derive(Clone)]
pub struct Store {
    location: Location,
}

impl Store {
    /// Opens the store of a location. Credentials come from the environment as usual for each store.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the location cannot be a store.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let _ = location;
        todo!("ledger helper")
    }

    /// The objects that a location names: the one file that it is, or every file below it when it is a
    /// directory. The paths are relative to the store that comes with them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it names neither.
    pub fn open_objects(location: &Location) -> Result<(Self, Vec<Object>), StoreError> {
        let _ = location;
        todo!("ledger helper")
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Every object below `prefix` (a path, or empty for all), sorted by path.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let _ = prefix;
        todo!("ledger helper")
    }

    /// The object at `path`, None when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub fn head(&self, path: &str) -> Result<Option<Object>, StoreError> {
        let _ = path;
        todo!("ledger helper")
    }

    /// A whole object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or a failure.
    pub fn get(&self, path: &str) -> Result<Bytes, StoreError> {
        let _ = path;
        todo!("ledger helper")
    }

    /// A byte range of a listed object; size and etag of the answer must be those of the listing.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when they are not, [`StoreError::NotFound`] when it is gone.
    pub fn get_range(&self, object: &Object, range: Range<u64>) -> Result<Bytes, StoreError> {
        let _ = (object, range);
        todo!("ledger helper")
    }

    /// Writes an object, replacing one that is there.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not take it.
    pub fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        let _ = (path, bytes);
        todo!("ledger helper")
    }

    /// Writes an object that must not exist yet.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when it seems to.
    pub fn put_new(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        let _ = (path, bytes);
        todo!("ledger helper")
    }

    /// Copies an object within the store to a path where none is yet.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not do it.
    pub fn copy(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let _ = (from, to);
        todo!("ledger helper")
    }

    /// Deletes an object; one that is gone already is fine.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not do it.
    pub fn delete(&self, path: &str) -> Result<(), StoreError> {
        let _ = path;
        todo!("ledger helper")
    }
}
