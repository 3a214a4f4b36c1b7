//! `${NAME}` in string values of a job.

use std::ffi::OsString;

use crate::config::document::{Expanded, Node, Table, Text, Value};
use crate::config::notes::Notes;

/// Gives the value of an environment variable.
pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Replaces `${NAME}` in every string of the table; what is missing is noted.
///
/// What it puts in is kept apart from what was written: a value may be a secret, and messages show only the latter.
pub(super) fn expand(table: &mut Table, notes: &Notes<'_>, variable: Lookup<'_>) {
    expand_table(table, "", notes, variable);
}

fn expand_table(table: &mut Table, path: &str, notes: &Notes<'_>, variable: Lookup<'_>) {
    for entry in &mut table.entries {
        let path = if path.is_empty() {
            entry.key.clone()
        } else {
            format!("{path}.{}", entry.key)
        };
        expand_node(&mut entry.node, &path, notes, variable);
    }
}

fn expand_node(node: &mut Node, path: &str, notes: &Notes<'_>, variable: Lookup<'_>) {
    match &mut node.value {
        Value::Text(text) if text.written().contains("${") => match replace(text, variable) {
            Ok(meaning) => text.expand(Some(meaning)),
            Err((what, help)) => {
                text.expand(None);
                notes.add(node.origin, path, what, Some(help));
            }
        },
        Value::List(nodes) => nodes
            .iter_mut()
            .for_each(|node| expand_node(node, path, notes, variable)),
        Value::Table(table) => expand_table(table, path, notes, variable),
        Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// The text with its variables replaced, or what is wrong and what to do.
fn replace(text: &Text, variable: Lookup<'_>) -> Result<Expanded, (String, String)> {
    let mut meaning = String::new();
    let mut variables = Vec::new();
    let mut rest = text.written();
    while let Some((before, after)) = rest.split_once("${") {
        meaning.push_str(before);
        let name = after.split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
        let Some(name) = name else {
            let help = "write ${NAME}: letters, digits and _, not beginning with a digit".to_owned();
            return Err(("`${` begins no environment variable".to_owned(), help));
        };
        let Some(value) = variable(name) else {
            let what = format!("environment variable {name} is not set");
            return Err((what, format!("set {name}, or write the value here")));
        };
        let Ok(value) = value.into_string() else {
            let what = format!("environment variable {name} is not UTF-8");
            return Err((what, format!("set {name} to UTF-8 text")));
        };
        meaning.push_str(&value);
        variables.push((name.to_owned(), value));
        rest = after.get(name.len() + 1..).unwrap_or_default();
    }
    meaning.push_str(rest);
    Ok(Expanded {
        text: meaning,
        variables,
    })
}

fn is_name(text: &str) -> bool {
    let word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    word && text.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
}
