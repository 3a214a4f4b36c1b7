//! `--set KEY=VALUE`: puts values into a job's tree, over what the file says.

use super::Override;
use crate::config::document::{Entry, Node, Origin, Table, Value, parse_set};
use crate::config::notes::Notes;

/// Puts every override in, in order: the last one of a key wins. Whether the key is known is not asked here.
pub(super) fn apply(table: &mut Table, overrides: &[Override], notes: &Notes<'_>) {
    for (index, set) in overrides.iter().enumerate() {
        let keys: Vec<&str> = set.key.split('.').map(str::trim).collect();
        if keys.iter().any(|key| key.is_empty()) {
            let help = "write --set KEY=VALUE, with a key such as inputs.usage.url".to_owned();
            notes.add(Origin::Set(index), "", "not a key", Some(help));
            continue;
        }
        put(table, "", &keys, parse_set(&set.value, index), notes);
    }
}

/// Puts `value` at `keys` below `table`, which is at `path`; makes the tables on the way.
fn put(table: &mut Table, path: &str, keys: &[&str], value: Node, notes: &Notes<'_>) {
    let Some((key, deeper)) = keys.split_first() else {
        return;
    };
    let origin = value.origin;
    if table.get(key).is_none() {
        table.entries.push(Entry {
            key: (*key).to_owned(),
            origin,
            node: Node {
                origin,
                value: Value::Table(Table::default()),
            },
        });
    }
    let entry = table.get_mut(key).expect("it was there or has just been made");
    if deeper.is_empty() {
        entry.origin = origin;
        entry.node = value;
        return;
    }
    // An input may be a bare string, which means { url = … }: setting its other keys keeps the URL.
    if path == "inputs" && matches!(entry.node.value, Value::Text(_)) {
        spell_out(entry);
    }
    let path = if path.is_empty() {
        (*key).to_owned()
    } else {
        format!("{path}.{key}")
    };
    match &mut entry.node.value {
        Value::Table(inner) => put(inner, &path, deeper, value, notes),
        other => {
            let what = format!("`{path}` is {}, not a table", other.kind());
            notes.add(origin, "", what, None);
        }
    }
}

/// `"file:x"` becomes `{ url = "file:x" }`.
fn spell_out(entry: &mut Entry) {
    let origin = entry.node.origin;
    let url = Entry {
        key: "url".to_owned(),
        origin,
        node: entry.node.clone(),
    };
    entry.node.value = Value::Table(Table { entries: vec![url] });
}
