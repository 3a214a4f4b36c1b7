//! Typed values out of a [`super::document`] tree. What is wrong is noted, and reading goes on.

use std::fmt::Display;

use chrono::{NaiveDate, NaiveTime};

use super::document::{Node, Origin, Table, Text, Value};
use super::notes::Notes;
use super::words::{nearest, parse_date, parse_time, quoted, shorten};
use crate::units::calendar::start_of_date;
use crate::units::quantity::BillingDay;

/// A table whose keys are known.
pub(crate) struct Fields<'a> {
    notes: &'a Notes<'a>,
    table: &'a Table,
    origin: Origin,
    path: String,
}

impl<'a> Fields<'a> {
    /// The whole file, which may hold the `known` keys.
    pub(crate) fn root(notes: &'a Notes<'a>, table: &'a Table, known: &[&str]) -> Self {
        Self::checked(notes, table, Origin::Whole, String::new(), known)
    }

    fn checked(notes: &'a Notes<'a>, table: &'a Table, origin: Origin, path: String, known: &[&str]) -> Self {
        for entry in &table.entries {
            if !known.contains(&entry.key.as_str()) {
                let help = nearest(&entry.key, known.iter().copied())
                    .map(|key| format!("did you mean `{key}`?"))
                    .unwrap_or_else(|| format!("known keys: {}", known.join(", ")));
                let key = join(&path, &entry.key);
                let (prefix, name) = match entry.origin {
                    Origin::Set(_) => (key.as_str(), "unknown key".to_owned()),
                    _ => ("", format!("unknown key `{}`", shorten(&key))),
                };
                notes.add(entry.origin, prefix, name, Some(help));
            }
        }
        Self {
            notes,
            table,
            origin,
            path,
        }
    }

    /// The value of a key, if it is there.
    pub(crate) fn get(&self, key: &str) -> Option<Field<'a>> {
        self.table.get(key).map(|entry| Field {
            notes: self.notes,
            node: &entry.node,
            path: join(&self.path, key),
        })
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&self, key: &str) -> Option<Field<'a>> {
        let field = self.get(key);
        if field.is_none() {
            self.fail(format!("missing key `{}`", join(&self.path, key)));
        }
        field
    }

    /// The value of a key, or its default when the key is absent. None: it is there and wrong, which is noted.
    pub(crate) fn or<T>(&self, key: &str, default: T, read: impl FnOnce(&Field<'a>) -> Option<T>) -> Option<T> {
        match self.get(key) {
            Some(field) => read(&field),
            None => Some(default),
        }
    }

    /// The value of a key, `Some(None)` when the key is absent. None: it is there and wrong, which is noted.
    pub(crate) fn optional<T>(&self, key: &str, read: impl FnOnce(&Field<'a>) -> Option<T>) -> Option<Option<T>> {
        self.or(key, None, |field| read(field).map(Some))
    }

    /// The tables of an array of tables, `[[key]]`; none when it is absent. Each may hold the `known` keys.
    pub(crate) fn tables(&self, key: &str, known: &[&str]) -> Vec<Fields<'a>> {
        let Some(field) = self.get(key) else {
            return Vec::new();
        };
        if let Value::Table(_) = field.node.value {
            field.fail_with(
                "expected an array of tables, found a table",
                format!("write [[{}]]", field.path),
            );
            return Vec::new();
        }
        field
            .list()
            .unwrap_or_default()
            .iter()
            .filter_map(|field| field.table(known))
            .collect()
    }

    /// Where the table stands.
    pub(crate) fn origin(&self) -> Origin {
        self.origin
    }

    /// The file's notes.
    pub(crate) fn notes(&self) -> &'a Notes<'a> {
        self.notes
    }

    /// Notes a problem of the table as a whole.
    pub(crate) fn fail(&self, what: impl Display) {
        self.notes.add(self.origin, "", what, None);
    }

    /// Notes a problem of the table as a whole, and what to do.
    pub(crate) fn fail_with(&self, what: impl Display, help: impl Into<String>) {
        self.notes.add(self.origin, "", what, Some(help.into()));
    }
}

/// A value, with its dotted path.
#[derive(Clone)]
pub(crate) struct Field<'a> {
    notes: &'a Notes<'a>,
    node: &'a Node,
    path: String,
}

impl<'a> Field<'a> {
    /// Where the value stands.
    pub(crate) fn origin(&self) -> Origin {
        self.node.origin
    }

    /// The file's notes.
    pub(crate) fn notes(&self) -> &'a Notes<'a> {
        self.notes
    }

    /// Notes that the value is wrong.
    pub(crate) fn fail(&self, what: impl Display) {
        self.notes.add(self.node.origin, &self.path, what, None);
    }

    /// Notes that the value is wrong, and what to do.
    pub(crate) fn fail_with(&self, what: impl Display, help: impl Into<String>) {
        self.notes.add(self.node.origin, &self.path, what, Some(help.into()));
    }

    /// Whether it is a string (and not a table, say).
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.node.value, Value::Text(_))
    }

    /// A string. None also when a variable in it is missing, which is noted already.
    pub(crate) fn text(&self) -> Option<&'a Text> {
        match &self.node.value {
            Value::Text(text) => text.meaning().map(|_| text),
            _ => {
                self.expected("a string");
                None
            }
        }
    }

    /// A string without `${NAME}` in it (a catalog knows no variables), or with them replaced.
    pub(crate) fn meaning(&self) -> Option<&'a str> {
        self.text().and_then(Text::meaning)
    }

    /// An integer from `min` to `max`.
    pub(crate) fn integer(&self, min: i64, max: i64) -> Option<i64> {
        self.bounded(min, max, None)
    }

    /// An integer from `min` to `max`, whose bounds need an explanation.
    pub(crate) fn integer_because(&self, min: i64, max: i64, help: &str) -> Option<i64> {
        self.bounded(min, max, Some(help))
    }

    fn bounded(&self, min: i64, max: i64, help: Option<&str>) -> Option<i64> {
        match self.node.value {
            Value::Integer(Some(number)) if (min..=max).contains(&number) => Some(number),
            Value::Integer(number) => {
                let found = number.map_or("a larger number".to_owned(), |number| number.to_string());
                let what = format!("must be from {min} to {max}, not {found}");
                self.notes
                    .add(self.node.origin, &self.path, what, help.map(str::to_owned));
                None
            }
            _ => {
                self.expected("an integer");
                None
            }
        }
    }

    /// An integer from `min` to `max`, as a type that holds all of them.
    pub(crate) fn integer_as<T: TryFrom<i64>>(&self, min: i64, max: i64) -> Option<T> {
        self.integer(min, max).and_then(|number| T::try_from(number).ok())
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self) -> Option<bool> {
        match self.node.value {
            Value::Boolean(flag) => Some(flag),
            _ => {
                self.expected("true or false");
                None
            }
        }
    }

    /// A date, as TOML writes it or as a string `YYYY-MM-DD`, within the calendar.
    pub(crate) fn day(&self) -> Option<BillingDay> {
        let date = match &self.node.value {
            Value::Datetime(at) if at.time.is_none() => at
                .date
                .and_then(|date| NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())),
            Value::Text(text) => parse_date(text.meaning()?),
            Value::Datetime(_) => None,
            _ => {
                self.expected("a date");
                return None;
            }
        };
        let Some(date) = date else {
            self.fail_with(format!("{}is not a date", self.shown()), "write it as 2024-10-12");
            return None;
        };
        let day = BillingDay::from_date(date);
        // The range is the calendar's own; which zone it is asked for does not matter.
        if let Err(outside) = start_of_date(chrono_tz::UTC, day) {
            self.fail(format!("{}is {outside}", self.shown()));
            return None;
        }
        Some(day)
    }

    /// A time of day, as TOML writes it or as a string `HH:MM` or `HH:MM:SS`.
    pub(crate) fn time(&self) -> Option<NaiveTime> {
        let time = match &self.node.value {
            Value::Datetime(at) if at.date.is_none() => at
                .time
                .filter(|time| time.nanosecond.unwrap_or(0) == 0)
                .and_then(|time| {
                    NaiveTime::from_hms_opt(time.hour.into(), time.minute.into(), time.second.unwrap_or(0).into())
                }),
            Value::Text(text) => parse_time(text.meaning()?),
            Value::Datetime(_) => None,
            _ => {
                self.expected("a time of day");
                return None;
            }
        };
        if time.is_none() {
            let help = "write HH:MM or HH:MM:SS, from 00:00 to 23:59:59";
            self.fail_with(format!("{}is not a time of day", self.shown()), help);
        }
        time
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, words: &[(&str, T)]) -> Option<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| Some(*word) == text.meaning());
        if found.is_none() {
            let known: Vec<String> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.fail_with(
                format!("unknown value {}", quoted(text.written())),
                format!("one of {}", known.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// The elements of an array.
    pub(crate) fn list(&self) -> Option<Vec<Field<'a>>> {
        match &self.node.value {
            Value::List(nodes) => Some(
                nodes
                    .iter()
                    .map(|node| Field {
                        notes: self.notes,
                        node,
                        path: self.path.clone(),
                    })
                    .collect(),
            ),
            _ => {
                self.expected("an array");
                None
            }
        }
    }

    /// A table that may hold the `known` keys.
    pub(crate) fn table(&self, known: &[&str]) -> Option<Fields<'a>> {
        match &self.node.value {
            Value::Table(table) => Some(Fields::checked(
                self.notes,
                table,
                self.node.origin,
                self.path.clone(),
                known,
            )),
            _ => {
                self.expected("a table");
                None
            }
        }
    }

    /// A table whose keys are free: each with its name and its value.
    pub(crate) fn entries(&self) -> Option<Vec<(&'a str, Field<'a>)>> {
        match &self.node.value {
            Value::Table(table) => Some(
                table
                    .entries
                    .iter()
                    .map(|entry| {
                        let path = join(&self.path, &entry.key);
                        (
                            entry.key.as_str(),
                            Field {
                                notes: self.notes,
                                node: &entry.node,
                                path,
                            },
                        )
                    })
                    .collect(),
            ),
            _ => {
                self.expected("a table");
                None
            }
        }
    }

    /// Whether it is a table.
    pub(crate) fn is_table(&self) -> bool {
        matches!(self.node.value, Value::Table(_))
    }

    /// The digits of a number: an integer or a float, as written.
    pub(crate) fn number(&self) -> Option<String> {
        match &self.node.value {
            Value::Integer(Some(number)) => Some(number.to_string()),
            Value::Float(number) => Some(number.clone()),
            _ => {
                self.expected("a number");
                None
            }
        }
    }

    /// Notes that the value is of another type.
    pub(crate) fn expected(&self, what: &str) {
        let message = format!("expected {what}, found {}", self.node.value.kind());
        match self.node.value {
            Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) if what == "a string" => {
                self.fail_with(message, "put it in quotes");
            }
            _ => self.fail(message),
        }
    }

    /// The value before a verb, when it is a string.
    fn shown(&self) -> String {
        match &self.node.value {
            Value::Text(text) => format!("{} ", quoted(text.written())),
            Value::Datetime(at) => format!("{at} "),
            _ => String::new(),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
