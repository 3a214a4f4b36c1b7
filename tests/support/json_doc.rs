//! Holds JSON documents against docs/json-output.md: every field that is printed is documented with its type, and every
//! documented field is printed.

use std::collections::BTreeMap;

use serde_json::Value;

const DOC: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json-output.md"));

/// Checks a document against the table of fields under the heading `## <section>`.
///
/// # Panics
/// When the document and its documentation differ, with every difference.
pub(crate) fn check(section: &str, json: &str) {
    let value: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("not JSON: {error}\n{json}"));
    let fields = documented(section);
    let mut faults = Vec::new();
    walk(&value, "", &fields, &mut faults);
    assert!(
        faults.is_empty(),
        "docs/json-output.md, {section}:\n{}\n{json}",
        faults.join("\n")
    );
}

/// Checks every JSON example of the documentation against the table of its own section, and counts them.
///
/// # Panics
/// When an example is not as documented.
pub(crate) fn check_examples() -> usize {
    let mut section = "";
    let mut example: Option<String> = None;
    let mut count = 0;
    for line in DOC.lines() {
        match (&mut example, line) {
            (None, "```json") => example = Some(String::new()),
            (None, line) => section = line.strip_prefix("## ").unwrap_or(section),
            (Some(json), "```") => {
                check(section, json);
                example = None;
                count += 1;
            }
            (Some(json), line) => {
                json.push_str(line);
                json.push('\n');
            }
        }
    }
    count
}

/// Path and types of every field in a section's table.
fn documented(section: &str) -> BTreeMap<String, Vec<String>> {
    let heading = format!("## {section}");
    let fields: BTreeMap<String, Vec<String>> = DOC
        .lines()
        .skip_while(|line| **line != heading)
        .skip(1)
        .take_while(|line| !line.starts_with("## "))
        .filter_map(|line| line.strip_prefix("| `"))
        .map(|row| {
            let (path, rest) = row.split_once("` | ").expect("| `path` | type | meaning |");
            let types = rest.split(" | ").next().unwrap_or_default();
            (path.to_owned(), types.split(" or ").map(str::to_owned).collect())
        })
        .collect();
    assert!(!fields.is_empty(), "docs/json-output.md has no fields under {heading}");
    fields
}

fn walk(value: &Value, path: &str, fields: &BTreeMap<String, Vec<String>>, faults: &mut Vec<String>) {
    if !path.is_empty() {
        match fields.get(path) {
            None => faults.push(format!("{path} is not documented")),
            Some(types) if !types.iter().any(|name| name == type_of(value)) => {
                faults.push(format!(
                    "{path} is {}, documented as {}",
                    type_of(value),
                    types.join(" or ")
                ));
            }
            Some(_) => {}
        }
    }
    match value {
        Value::Object(map) => {
            let prefix = if path.is_empty() {
                String::new()
            } else {
                format!("{path}.")
            };
            let is_map = fields.contains_key(&format!("{prefix}*"));
            for (key, child) in map {
                let key = if is_map { "*" } else { key };
                walk(child, &format!("{prefix}{key}"), fields, faults);
            }
            for key in children(fields, &prefix).filter(|key| *key != "*" && !map.contains_key(*key)) {
                faults.push(format!("{prefix}{key} is documented but missing"));
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(item, &format!("{path}[]"), fields, faults);
            }
        }
        _ => {}
    }
}

/// The keys that are documented directly below a prefix.
fn children<'a>(fields: &'a BTreeMap<String, Vec<String>>, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    fields
        .keys()
        .filter_map(move |path| path.strip_prefix(prefix))
        .filter(|rest| !rest.contains('.') && !rest.contains('['))
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
