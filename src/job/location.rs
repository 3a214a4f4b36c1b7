//! Where an input, the catalog or the ledger is: a path, a `file:` URL or an object store's URL.

use std::path::{Component, Path, PathBuf};

use url::Url;

use crate::config::document::Text;
use crate::config::fields::Field;
use crate::store::Location;

/// What is wrong with a location, and what to do. Never holds the text: it may contain a secret.
struct Refusal {
    what: String,
    help: &'static str,
}

/// Reads a location; relative paths and relative `file:` URLs begin in `directory`, which is absolute.
pub(super) fn read(field: &Field<'_>, directory: &Path) -> Option<Location> {
    let text = field.text()?;
    match resolve(text, directory) {
        Ok(location) => Some(location),
        Err(Refusal { what, help }) => {
            field.fail_with(what, help);
            None
        }
    }
}

fn resolve(text: &Text, directory: &Path) -> Result<Location, Refusal> {
    let meaning = text.meaning().unwrap_or_default();
    if meaning.is_empty() {
        return Err(refuse("is empty", "write a path or a URL"));
    }
    if meaning.chars().any(char::is_control) {
        return Err(refuse("holds a control character", "write a path or a URL on one line"));
    }
    let url = match scheme(meaning) {
        None => path_url(&directory.join(meaning)),
        Some(scheme) => match scheme.to_ascii_lowercase().as_str() {
            "file" => file_url(meaning, directory)?,
            "s3" | "gs" | "az" => bucket_url(meaning)?,
            _ => return Err(unknown_scheme(scheme, text)),
        },
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "a URL must not hold user info",
            "give credentials through the store's usual environment variables",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse(
            "a URL must not hold a query or a fragment",
            "write ? as %3F and # as %23; give credentials through the environment",
        ));
    }
    let location = Location::from_url(url).expect("scheme and user info are checked above");
    Ok(match text.variables() {
        Some(variables) => location.shown_as(text.written(), variables),
        None => location,
    })
}

/// What stands before the first `:`, if that is how a URL begins.
fn scheme(text: &str) -> Option<&str> {
    let (scheme, _) = text.split_once(':')?;
    let begins = scheme.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let goes_on = scheme
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (begins && goes_on).then_some(scheme)
}

/// The URL of an absolute path, `.` and `..` resolved as URLs do: by their letters, without a look at links.
fn path_url(path: &Path) -> Url {
    let mut clean = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                clean.pop();
            }
            Component::CurDir => {}
            other => clean.push(other),
        }
    }
    Url::from_file_path(clean).expect("a path below an absolute directory is absolute")
}

fn file_url(text: &str, directory: &Path) -> Result<Url, Refusal> {
    let base = Url::from_directory_path(directory).expect("the directory is absolute");
    let url = base.join(text).map_err(|error| not_a_url(&error))?;
    if url.has_host() {
        // file://out/x names the machine `out`, which is never what is meant.
        return Err(refuse(
            "a file URL must not name a host",
            "write file:out for a relative path, file:///out for an absolute one",
        ));
    }
    Ok(url)
}

fn bucket_url(text: &str) -> Result<Url, Refusal> {
    let url = Url::parse(text).map_err(|error| not_a_url(&error))?;
    if url.host_str().is_none_or(str::is_empty) {
        return Err(refuse("the URL names no bucket", "write s3://bucket/path"));
    }
    Ok(url)
}

fn not_a_url(error: &url::ParseError) -> Refusal {
    refuse(&format!("not a URL: {error}"), "write a path or a URL")
}

/// Names the scheme only where it is one: `KEY:SECRET@bucket` begins with a name of quite another sort.
fn unknown_scheme(scheme: &str, text: &Text) -> Refusal {
    let is_scheme = text
        .written()
        .strip_prefix(scheme)
        .is_some_and(|rest| rest.starts_with("://"));
    let what = if is_scheme && !text.is_expanded() {
        format!("unknown URL scheme `{scheme}`")
    } else {
        "unknown URL scheme".to_owned()
    };
    refuse(&what, "use a path, file:, s3://, gs:// or az://")
}

fn refuse(what: &str, help: &'static str) -> Refusal {
    Refusal {
        what: what.to_owned(),
        help,
    }
}
