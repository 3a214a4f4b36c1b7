//! TOML text -> a tree whose every value knows where it stands, in file order.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use toml::value::Datetime;

use super::{ConfigError, Problem};

/// Where a key or value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    /// The file as a whole.
    Whole,
    /// The `--set` at this position.
    Set(usize),
    /// This byte of the file.
    At(usize),
}

/// A string: as it was written, and what it means once `${NAME}` is replaced.
///
/// Only `written` may be shown: the other may hold a secret. So there is no `Debug` here.
#[derive(Clone)]
pub(crate) struct Text {
    written: String,
    meaning: Meaning,
}

/// A string whose variables are replaced.
#[derive(Clone)]
pub(crate) struct Expanded {
    /// The whole of it.
    pub text: String,
    /// The variables: name and value.
    pub variables: Vec<(String, String)>,
}

#[derive(Clone)]
enum Meaning {
    AsWritten,
    Expanded(Expanded),
    /// A variable is missing, which is noted already.
    Unknown,
}

impl Text {
    /// What was written, variables not replaced: for messages.
    pub(crate) fn written(&self) -> &str {
        &self.written
    }

    /// What it means: for use, never for messages. None when a variable is missing.
    pub(crate) fn meaning(&self) -> Option<&str> {
        match &self.meaning {
            Meaning::AsWritten => Some(&self.written),
            Meaning::Expanded(expanded) => Some(&expanded.text),
            Meaning::Unknown => None,
        }
    }

    /// Whether a variable was replaced, so that [`Text::meaning`] is a secret.
    pub(crate) fn is_expanded(&self) -> bool {
        !matches!(self.meaning, Meaning::AsWritten)
    }

    /// The variables that were replaced: name and value. None: there are none in it.
    pub(crate) fn variables(&self) -> Option<&[(String, String)]> {
        match &self.meaning {
            Meaning::Expanded(expanded) => Some(&expanded.variables),
            Meaning::AsWritten | Meaning::Unknown => None,
        }
    }

    /// Gives it another meaning than what was written; None: it has none.
    pub(crate) fn expand(&mut self, meaning: Option<Expanded>) {
        self.meaning = meaning.map_or(Meaning::Unknown, Meaning::Expanded);
    }
}

/// A value.
#[derive(Clone)]
pub(crate) enum Value {
    Text(Text),
    /// None: it does not fit 64 bits.
    Integer(Option<i64>),
    /// As written, underscores removed: never through binary floating point.
    Float(String),
    Boolean(bool),
    Datetime(Datetime),
    List(Vec<Node>),
    Table(Table),
}

impl Value {
    /// What it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Boolean(_) => "a boolean",
            Self::Datetime(_) => "a date or time",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
        }
    }
}

/// A value and where it stands.
#[derive(Clone)]
pub(crate) struct Node {
    pub origin: Origin,
    pub value: Value,
}

/// A key with its value.
#[derive(Clone)]
pub(crate) struct Entry {
    pub key: String,
    pub origin: Origin,
    pub node: Node,
}

/// A table, in file order.
#[derive(Clone, Default)]
pub(crate) struct Table {
    pub entries: Vec<Entry>,
}

impl Table {
    /// The entry of this key.
    pub(crate) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The entry of this key.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.entries.iter_mut().find(|entry| entry.key == key)
    }
}

/// The tree of a file.
///
/// # Errors
/// The first place that is no TOML.
pub(crate) fn parse(path: &Path, text: &str) -> Result<Table, ConfigError> {
    match DeTable::parse(text) {
        Ok(root) => Ok(table(root.into_inner(), &Origin::At)),
        Err(error) => Err(ConfigError {
            problems: vec![Problem {
                path: path.to_path_buf(),
                at: error.span().map(|span| line_and_column(text, span.start)),
                message: format!("not valid TOML: {}", error.message()),
                help: None,
            }],
        }),
    }
}

/// The value of the `--set` at position `index`: TOML, else a string.
pub(crate) fn parse_set(text: &str, index: usize) -> Node {
    let origin = Origin::Set(index);
    match DeValue::parse(text) {
        Ok(value) => node(value, &|_| origin),
        Err(_) => Node {
            origin,
            value: Value::Text(as_written(text.to_owned())),
        },
    }
}

/// Line and column (in characters), from 1, of a byte of the text.
pub(crate) fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}

fn as_written(written: String) -> Text {
    Text {
        written,
        meaning: Meaning::AsWritten,
    }
}

/// The toml crate refuses nesting deeper than 80, so the recursion is bounded.
fn table(table: DeTable<'_>, origin: &dyn Fn(usize) -> Origin) -> Table {
    let mut entries: Vec<Entry> = table
        .into_iter()
        .map(|(key, value)| Entry {
            origin: origin(key.span().start),
            key: key.into_inner().into_owned(),
            node: node(value, origin),
        })
        .collect();
    // The crate hands out keys in alphabetical order; people read, and duplicates are told, in file order.
    entries.sort_by_key(|entry| entry.origin);
    Table { entries }
}

fn node(value: Spanned<DeValue<'_>>, origin: &dyn Fn(usize) -> Origin) -> Node {
    let at = origin(value.span().start);
    let value = match value.into_inner() {
        DeValue::String(text) => Value::Text(as_written(text.into_owned())),
        DeValue::Integer(number) => Value::Integer(i64::from_str_radix(number.as_str(), number.radix()).ok()),
        DeValue::Float(number) => Value::Float(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Boolean(flag),
        DeValue::Datetime(at) => Value::Datetime(at),
        DeValue::Array(list) => Value::List(list.into_iter().map(|value| node(value, origin)).collect()),
        DeValue::Table(inner) => Value::Table(table(inner, origin)),
    };
    Node { origin: at, value }
}
