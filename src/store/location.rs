//! Where a store is.

use std::fmt;

use url::Url;

/// A URL that a job names: `file:`, `s3://`, `gs://`, `az://`. Printed without credentials or query.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    url: Url,
    /// How it is printed, when that is not the URL.
    shown: Option<String>,
    /// Environment variables whose values are in the URL: name and value.
    secrets: Vec<(String, String)>,
}

/// A shorter value than this is no secret, and taking it out of a message would leave a riddle.
const SHORTEST_SECRET: usize = 3;

impl Location {
    /// The location of an absolute URL of a known scheme, without user info.
    pub fn from_url(url: Url) -> Option<Self> {
        let known = matches!(url.scheme(), "file" | "s3" | "gs" | "az");
        let clean = url.username().is_empty() && url.password().is_none();
        (known && clean).then_some(Self {
            url,
            shown: None,
            secrets: Vec::new(),
        })
    }

    /// The same location, printed as `text`: what the job file says, where the URL holds the values of environment
    /// variables. `variables` are their names and values.
    pub fn shown_as(self, text: &str, variables: &[(String, String)]) -> Self {
        Self {
            shown: Some(text.to_owned()),
            secrets: variables.to_vec(),
            ..self
        }
    }

    /// The message with the values of the location's variables taken out: what a store says may name bucket and path.
    pub fn hide(&self, message: String) -> String {
        let long = self.secrets.iter().filter(|(_, value)| value.len() >= SHORTEST_SECRET);
        long.fold(message, |message, (name, value)| {
            message.replace(value.as_str(), &format!("${{{name}}}"))
        })
    }

    /// How messages name it: a plain path where it is one, else as it is printed. A location that is not printed as its URL
    /// may hold the value of a secret, which its path would show.
    pub fn readable(&self) -> String {
        let local = (self.shown.is_none() && self.is_local())
            .then(|| self.url.to_file_path().ok())
            .flatten();
        local.map_or_else(|| self.to_string(), |path| path.display().to_string())
    }

    /// Whether one of the two holds the other, or they are the same.
    pub fn overlaps(&self, other: &Self) -> bool {
        let directory = |url: &Url| format!("{}/", url.as_str().trim_end_matches('/'));
        let (one, two) = (directory(&self.url), directory(&other.url));
        one.starts_with(&two) || two.starts_with(&one)
    }

    /// The same location as the disk has it: links in the part of the path that is there are followed. Buckets have none.
    #[must_use]
    pub fn resolved(&self) -> Self {
        let followed = || {
            let path = self.is_local().then(|| self.url.to_file_path().ok()).flatten()?;
            let (there, real) = path
                .ancestors()
                .find_map(|there| Some((there, there.canonicalize().ok()?)))?;
            Url::from_file_path(real.join(path.strip_prefix(there).ok()?)).ok()
        };
        let url = followed().unwrap_or_else(|| self.url.clone());
        Self { url, ..self.clone() }
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
        Some(Self {
            url,
            shown,
            secrets: self.secrets.clone(),
        })
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
