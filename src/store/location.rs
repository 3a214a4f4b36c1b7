//! Where a store is.

use std::fmt;

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
        let url = self.url.join(".").ok()?;
        // A variable may hold several segments of the path: then what is written has no parent of its own.
        let shown = self.shown.as_deref().map(|text| match text.rsplit_once('/') {
            Some((before, last)) if !last.contains("${") => format!("{before}/"),
            _ => text.to_owned(),
        });
        Some(Self { url, shown })
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
