//! Ids: what they may look like, who defines them, who refers to them; and the numbers beside them.

use std::collections::BTreeMap;

use crate::config::document::Origin;
use crate::config::fields::Field;
use crate::config::words::{nearest, quoted, shorten};
use crate::units::quantity::BadNumber;

/// Longest id. They stand in every row of the outputs.
const LONGEST: usize = 64;

/// The ids of one kind and their positions, which fit the `u16` of the book.
pub(super) struct Names {
    /// What they name: "item", "price list", …
    what: &'static str,
    /// Whether `.` is allowed: not where ids are joined by it ("item.tier").
    dots: bool,
    positions: BTreeMap<String, (u16, Origin)>,
}

impl Names {
    /// No names yet; ids may hold a `.`.
    pub(super) fn new(what: &'static str) -> Self {
        Self {
            what,
            dots: true,
            positions: BTreeMap::new(),
        }
    }

    /// No names yet; ids hold no `.`.
    pub(super) fn without_dots(what: &'static str) -> Self {
        Self {
            dots: false,
            ..Self::new(what)
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.positions.len()
    }

    /// The position of a new id. A second definition is noted.
    pub(super) fn define(&mut self, field: &Field<'_>) -> Option<u16> {
        let (position, is_new) = self.define_or_find(field)?;
        if !is_new {
            let id = field.meaning()?;
            let (_, first) = self.positions.get(id)?;
            let place = field.notes().place(*first);
            field.fail_with(
                format!("{} {} is defined twice", self.what, quoted(id)),
                format!("the first one is {place}"),
            );
            return None;
        }
        Some(position)
    }

    /// The position of an id, and whether this is its first definition.
    pub(super) fn define_or_find(&mut self, field: &Field<'_>) -> Option<(u16, bool)> {
        let id = id(field, self.dots)?;
        if let Some((position, _)) = self.positions.get(id) {
            return Some((*position, false));
        }
        let position = u16::try_from(self.positions.len()).ok().filter(|free| *free < u16::MAX);
        let Some(position) = position else {
            field.fail(format!("more than {} {}s", u16::MAX, self.what));
            return None;
        };
        self.positions.insert(id.to_owned(), (position, field.origin()));
        Some((position, true))
    }

    /// The position of the id that the value names.
    pub(super) fn resolve(&self, field: &Field<'_>) -> Option<u16> {
        self.resolve_id(field, field.meaning()?)
    }

    /// The position of `id`, which is a part of the value.
    pub(super) fn resolve_id(&self, field: &Field<'_>, id: &str) -> Option<u16> {
        let found = self.position(id);
        if found.is_none() {
            let what = format!("no {} is named {}", self.what, quoted(id));
            match nearest(id, self.positions.keys().map(String::as_str)) {
                Some(near) => field.fail_with(what, format!("did you mean \"{near}\"?")),
                None => field.fail(what),
            }
        }
        found
    }

    /// The position of an id.
    pub(super) fn position(&self, id: &str) -> Option<u16> {
        self.positions.get(id).map(|(position, _)| *position)
    }
}

/// An id: it goes into file names, `;`-joined lists and bill ids (`<account>/<day>/<item>`), so it holds
/// none of their separators.
fn id<'a>(field: &Field<'a>, dots: bool) -> Option<&'a str> {
    let text = field.meaning()?;
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || (dots && byte == b'.');
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(good) {
        let marks = if dots { "`.`, `_` and `-`" } else { "`_` and `-`" };
        field.fail_with(
            format!("{} is not an id", quoted(text)),
            format!("use 1 to {LONGEST} of A-Z, a-z, 0-9, {marks}"),
        );
        return None;
    }
    Some(text)
}

/// An id that nothing else refers to, such as a family or an action.
pub(super) fn free_id(field: &Field<'_>) -> Option<String> {
    id(field, true).map(str::to_owned)
}

/// The values of an array, in order; the same one twice is noted.
pub(super) fn distinct<T: PartialEq>(field: &Field<'_>, read: impl Fn(&Field<'_>) -> Option<T>) -> Option<Vec<T>> {
    let mut values = Vec::new();
    let mut complete = true;
    for element in field.list()? {
        match read(&element) {
            Some(value) if values.contains(&value) => {
                let shown = element.meaning().map(shorten).unwrap_or_default();
                element.fail(format!("\"{shown}\" stands there twice"));
                complete = false;
            }
            Some(value) => values.push(value),
            None => complete = false,
        }
    }
    complete.then_some(values)
}

/// A decimal number in a string. TOML's own floats are binary, and money never is.
pub(super) fn decimal<T>(field: &Field<'_>, parse: impl Fn(&str) -> Result<T, BadNumber>) -> Option<T> {
    let text = field.meaning()?;
    match parse(text) {
        Ok(number) => Some(number),
        Err(error) => {
            let why = match error {
                BadNumber::NotANumber => "is not a decimal number".to_owned(),
                BadNumber::TooManyDecimals { max } => format!("has more than {max} decimals"),
                BadNumber::TooLarge => "is too large".to_owned(),
            };
            field.fail(format!("{} {why}", quoted(text)));
            None
        }
    }
}

/// All of them, if none is missing.
pub(super) fn all<T>(values: Vec<Option<T>>) -> Option<Vec<T>> {
    values.into_iter().collect()
}
