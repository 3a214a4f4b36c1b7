//! Where a store is.

use std::fmt;

use url::Url;

/// A URL that a job names: `file:`, `s3://`, `gs://`, `az://`. Printed without credentials or query.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    url: Url,
}

impl Location {
    /// The location of an absolute URL of a known scheme, without user info.
    pub fn from_url(url: Url) -> Option<Self> {
        let known = matches!(url.scheme(), "file" | "s3" | "gs" | "az");
        let clean = url.username().is_empty() && url.password().is_none();
        (known && clean).then_some(Self { url })
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn is_local(&self) -> bool {
        self.url.scheme() == "file"
    }

    pub(super) fn is_local_directory(&self) -> bool {
        self.is_local() && self.url.to_file_path().is_ok_and(|path| path.is_dir())
    }

    /// The directory around a location that may be a file's.
    pub(super) fn parent(&self) -> Option<Self> {
        if self.url.path().ends_with('/') || self.url.path().is_empty() {
            return None;
        }
        self.url.join(".").ok().map(|url| Self { url })
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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
