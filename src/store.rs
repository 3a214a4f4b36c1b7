//! URL -> object store. The only place that knows `object_store` and tokio; everything above reads and
//! writes through [`Store`], whose calls block.

mod at_once;
mod connect;
mod directories;
mod list;
mod location;
mod message;
mod read;
mod upload;
mod wait;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

pub use at_once::at_once;
pub use location::Location;

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Path relative to the store's location, `/`-separated.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// The store's version tag without quotes, if it gives one. (Azure lists tags unquoted and answers them quoted.)
    pub etag: Option<String>,
}

impl Object {
    fn new(path: String, meta: &ObjectMeta) -> Self {
        Self {
            path,
            size: meta.size,
            etag: meta.e_tag.as_deref().map(|tag| tag.replace('"', "")),
        }
    }
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
    root: Path,
    objects: Arc<dyn ObjectStore>,
    waiting: wait::Waiting,
}

impl Store {
    /// Opens the store of a location. Credentials come from the environment as usual for each store. A local
    /// directory need not exist: the first object that is put creates it.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the location cannot be a store.
    pub fn open(location: &Location) -> Result<Self, StoreError> {
        let failed = |error: &object_store::Error| StoreError::Failed {
            path: location.to_string(),
            message: location.hide(message::of(error)),
        };
        let objects = connect::connect(location).map_err(|error| failed(&error))?;
        let root = root_of(location).map_err(|error| failed(&error.into()))?;
        let waiting = if location.is_local() {
            wait::Waiting::Inline
        } else {
            wait::Waiting::Runtime
        };
        Ok(Self {
            location: location.clone(),
            root,
            objects,
            waiting,
        })
    }

    /// The store of a location, reached through `objects`: for tests that make a store fail.
    ///
    /// # Errors
    /// [`StoreError::Failed`] when the location cannot be a store.
    pub fn from_object_store(location: &Location, objects: Arc<dyn ObjectStore>) -> Result<Self, StoreError> {
        let root = root_of(location).map_err(|error| StoreError::Failed {
            path: location.to_string(),
            message: location.hide(message::of(&error.into())),
        })?;
        Ok(Self {
            location: location.clone(),
            root,
            objects,
            waiting: wait::Waiting::Runtime,
        })
    }

    /// The objects that a location names: the one file that it is, or every file below it when it is a
    /// directory. The paths are relative to the store that comes with them.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when it names neither.
    pub fn open_objects(location: &Location) -> Result<(Self, Vec<Object>), StoreError> {
        let store = Self::open(location)?;
        if let Some(parent) = location.parent() {
            let name = store.root.filename().unwrap_or_default().to_owned();
            let beside = Self::open(&parent)?;
            if let Some(object) = beside.head(&name)? {
                return Ok((beside, vec![object]));
            }
        }
        let objects = store.list("")?;
        if objects.is_empty() && !location.is_local_directory() {
            return Err(StoreError::NotFound {
                path: location.to_string(),
            });
        }
        Ok((store, objects))
    }

    /// Where it is.
    pub fn location(&self) -> &Location {
        &self.location
    }

    /// Every object below `prefix` (the path of a directory, or empty for all), sorted by path. None below a
    /// directory that does not exist. Empty objects that stand for a directory are left out.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub fn list(&self, prefix: &str) -> Result<Vec<Object>, StoreError> {
        let below = self.full(prefix)?;
        let metas = self
            .waiting
            .wait(list::list(self.objects.as_ref(), &below, self.is_remote()))
            .map_err(|error| self.error(prefix, &error))?;
        let mut objects: Vec<Object> = metas
            .iter()
            .filter_map(|meta| Some(Object::new(self.relative(&meta.location)?, meta)))
            .collect();
        objects.sort_by(|a, b| a.path.cmp(&b.path));
        let markers: Vec<bool> = objects.iter().map(|object| is_marker(object, &objects)).collect();
        let mut markers = markers.into_iter();
        objects.retain(|_| markers.next() == Some(false));
        Ok(objects)
    }

    /// The object at `path`, None when there is none.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not answer.
    pub fn head(&self, path: &str) -> Result<Option<Object>, StoreError> {
        let full = self.full(path)?;
        match self.waiting.wait(self.objects.head(&full)) {
            Ok(meta) => Ok(Some(Object::new(path.to_owned(), &meta))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.error(path, &error)),
        }
    }

    /// A whole object.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or a failure.
    pub fn get(&self, path: &str) -> Result<Bytes, StoreError> {
        let full = self.full(path)?;
        self.waiting
            .wait(async { self.objects.get(&full).await?.bytes().await })
            .map_err(|error| self.error(path, &error))
    }

    /// Writes an object, replacing one that is there.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not take it.
    pub fn put(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.put_with(path, bytes, PutMode::Overwrite)
    }

    /// Writes an object that must not exist yet.
    ///
    /// # Errors
    /// [`StoreError::AlreadyExists`] when it seems to.
    pub fn put_new(&self, path: &str, bytes: Bytes) -> Result<(), StoreError> {
        self.put_with(path, bytes, PutMode::Create)
    }

    fn put_with(&self, path: &str, bytes: Bytes, mode: PutMode) -> Result<(), StoreError> {
        let full = self.full(path)?;
        let put = self
            .objects
            .put_opts(&full, PutPayload::from(bytes), PutOptions::from(mode));
        self.waiting
            .wait(put)
            .map(|_| ())
            .map_err(|error| self.error(path, &error))
    }

    /// Makes sure that [`Store::put_new`] does what it says here, by putting `probe` twice and deleting it.
    ///
    /// # Errors
    /// [`StoreError::Failed`] on a store without create-only put: a ledger on it could be posted twice.
    pub fn check_create_only(&self, probe: &str) -> Result<(), StoreError> {
        self.put_new(probe, Bytes::from_static(b"1"))?;
        let second = self.put_new(probe, Bytes::from_static(b"2"));
        self.delete(probe)?;
        match second {
            Err(StoreError::AlreadyExists { .. }) => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(StoreError::Failed {
                path: self.location.to_string(),
                message: "the store ignores create-only put (If-None-Match), so two runs could post one day twice; \
                          use a store that has it"
                    .to_owned(),
            }),
        }
    }

    /// Copies an object within the store to a path where none is yet (a local file is linked, so that nothing is
    /// written twice).
    ///
    /// # Errors
    /// [`StoreError::NotFound`] without a source, [`StoreError::AlreadyExists`] where a local store has a target.
    pub fn copy(&self, from: &str, to: &str) -> Result<(), StoreError> {
        let (source, target) = (self.full(from)?, self.full(to)?);
        // Local copies that overwrite go through a second link, which stays behind when the target is a link to the
        // same file; buckets overwrite with the same bytes, which is harmless.
        let done = if self.location.is_local() {
            self.waiting.wait(self.objects.copy_if_not_exists(&source, &target))
        } else {
            self.waiting.wait(self.objects.copy(&source, &target))
        };
        done.map_err(|error| match error {
            object_store::Error::NotFound { .. } => self.error(from, &error),
            _ => self.error(to, &error),
        })
    }

    /// Deletes an object; one that is gone already is fine.
    ///
    /// # Errors
    /// [`StoreError`] when the store does not do it.
    pub fn delete(&self, path: &str) -> Result<(), StoreError> {
        let full = self.full(path)?;
        match self.waiting.wait(self.objects.delete(&full)) {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.error(path, &error)),
        }
    }

    /// The path of an object as people see it.
    pub fn shown(&self, path: &str) -> String {
        let base = self.location.to_string();
        self.location.hide(format!("{}/{path}", base.trim_end_matches('/')))
    }

    fn full(&self, path: &str) -> Result<Path, StoreError> {
        let joined = match (self.root.as_ref(), path) {
            ("", path) => Path::parse(path),
            (_, "") => Ok(self.root.clone()),
            (root, path) => Path::parse(format!("{root}/{path}")),
        };
        joined.map_err(|error| self.error(path, &error.into()))
    }

    fn relative(&self, location: &Path) -> Option<String> {
        let path = location.as_ref().strip_prefix(self.root.as_ref())?;
        let path = path.strip_prefix('/').unwrap_or(path);
        (!path.is_empty()).then(|| path.to_owned())
    }

    fn error(&self, path: &str, error: &object_store::Error) -> StoreError {
        let path = if path.is_empty() {
            self.location.to_string()
        } else {
            self.shown(path)
        };
        match error {
            object_store::Error::NotFound { .. } => StoreError::NotFound { path },
            object_store::Error::AlreadyExists { .. } => StoreError::AlreadyExists { path },
            _ => StoreError::Failed {
                path,
                message: self.location.hide(message::of(error)),
            },
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.location)
    }
}

/// The path within its bucket, or on the machine, that a location names. What it percent-encodes is decoded;
/// object_store's own paths are taken as they are.
fn root_of(location: &Location) -> Result<Path, object_store::path::Error> {
    let segments: Vec<&str> = location
        .url()
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .collect();
    Path::from_url_path(segments.join("/"))
}

/// Consoles and Hadoop tools put an empty object where a directory begins.
fn is_marker(object: &Object, sorted: &[Object]) -> bool {
    if object.size > 0 {
        return false;
    }
    let below = format!("{}/", object.path);
    let next = sorted.partition_point(|other| other.path < below);
    sorted.get(next).is_some_and(|other| other.path.starts_with(&below))
}

#[cfg(test)]
mod tests;
