//! The walls inside the crate: imports point one way, and the rules stay pure.

use std::fs;
use std::path::{Path, PathBuf};

mod docs;

/// What the rules must not know: IO, clocks, threads, hash maps, and the libraries that bring them.
const IMPURE: [&str; 24] = [
    "polars",
    "arrow",
    "parquet",
    "object_store",
    "clap",
    "rayon",
    "tokio",
    "futures",
    "serde",
    "tracing",
    "hashbrown",
    "rand",
    "HashMap",
    "HashSet",
    "SystemTime",
    "Utc::now",
    "Local::now",
    "std::fs",
    "std::io",
    "std::env",
    "std::net",
    "std::thread",
    "std::sync",
    "std::time",
];

/// The crates that the rules may use.
const RULES_USE: [&str; 7] = [
    "std",
    "chrono",
    "chrono_tz",
    "rust_decimal",
    "thiserror",
    "crate",
    "super",
];

/// Who may not import whom: cli -> report -> settle -> inputs, rules, ledger -> store.
const FORBIDDEN: [(&str, &[&str]); 12] = [
    (
        "units",
        &[
            "catalog", "cli", "compact", "config", "inputs", "job", "ledger", "report", "rules", "sample", "settle",
            "store",
        ],
    ),
    (
        "config",
        &[
            "catalog", "cli", "compact", "inputs", "job", "ledger", "report", "rules", "sample", "settle", "store",
        ],
    ),
    (
        "inputs/parquet",
        &[
            "catalog", "cli", "compact", "config", "job", "ledger", "report", "rules", "sample", "settle",
        ],
    ),
    (
        "rules",
        &["cli", "settle", "inputs", "ledger", "store", "job", "config", "report"],
    ),
    (
        "catalog",
        &["cli", "settle", "inputs", "ledger", "report", "rules", "job"],
    ),
    (
        "catalog/book",
        &["cli", "settle", "inputs", "ledger", "store", "job", "config", "report"],
    ),
    ("inputs", &["cli", "settle", "ledger", "report"]),
    ("ledger", &["cli", "settle", "report"]),
    ("store", &["cli", "settle", "inputs", "rules", "ledger", "report"]),
    ("settle", &["cli", "report"]),
    ("compact", &["cli", "settle", "ledger", "report"]),
    ("report", &["cli"]),
];

/// Every Rust file of a module, with its text without comments and string contents.
fn sources(module: &str) -> Vec<(PathBuf, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in [src.join(module), src.join(format!("{module}.rs"))] {
        collect(&path, &mut found);
    }
    found
}

fn collect(path: &Path, found: &mut Vec<(PathBuf, String)>) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        entries.iter().for_each(|entry| collect(entry, found));
    } else if path.extension().is_some_and(|extension| extension == "rs") && path.exists() {
        found.push((path.to_owned(), code_of(&fs::read_to_string(path).unwrap())));
    }
}

/// The text without line comments and without what stands between double quotes.
fn code_of(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text.chars().peekable();
    let mut in_string = false;
    while let Some(next) = rest.next() {
        match next {
            '\\' if in_string => {
                rest.next();
            }
            // '"' and '\"' begin no string.
            '\'' if !in_string && matches!(rest.peek(), Some('"' | '\\')) => {
                if rest.next() == Some('\\') {
                    rest.next();
                }
            }
            '"' => in_string = !in_string,
            '/' if !in_string && rest.peek() == Some(&'/') => {
                rest.by_ref().find(|end| *end == '\n');
                code.push('\n');
            }
            _ if in_string => {}
            _ => code.push(next),
        }
    }
    code
}

/// Whether a word stands in code by itself, not as part of a longer one.
fn names(code: &str, word: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(start, _)| {
        let before = code[..start].chars().next_back();
        let after = code[start + word.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

/// The first segments of all paths after `crate::`, in `use` groups too.
fn crate_modules(code: &str) -> Vec<String> {
    let mut modules = Vec::new();
    for (start, _) in code.match_indices("crate::") {
        let rest = &code[start + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut segment = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => modules.push(std::mem::take(&mut segment)),
                    _ if depth == 0 => segment.push(c),
                    _ => {}
                }
            }
            modules.push(segment);
        } else {
            modules.push(rest.to_owned());
        }
    }
    let first = |path: &String| {
        let path = path.trim_start();
        path.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    modules.iter().map(first).filter(|module| !module.is_empty()).collect()
}

/// What code of the rules, and of the units below them, must not name.
fn assert_pure(module: &str, crates: &[&str]) {
    let files = sources(module);
    assert!(files.len() > 2, "src/{module} was found");
    for (path, code) in files {
        for word in IMPURE {
            assert!(!names(&code, word), "{} names {word}", path.display());
        }
        for word in ["f32", "f64"] {
            assert!(!names(&code, word), "{} has floats", path.display());
        }
        for line in code.lines().filter_map(|line| line.trim_start().strip_prefix("use ")) {
            let root: String = line.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(crates.contains(&root.as_str()), "{} uses {root}", path.display());
        }
    }
}

#[test]
fn the_rules_are_pure() {
    assert_pure("rules", &RULES_USE);
}

#[test]
fn the_units_are_pure() {
    assert_pure("units", &[&RULES_USE[..], &["sha2"]].concat());
}

/// Of the rest of the crate the rules know the price book and the units alone.
#[test]
fn the_rules_know_only_the_book() {
    for (path, code) in sources("rules") {
        for module in crate_modules(&code) {
            assert!(
                ["rules", "catalog", "units"].contains(&module.as_str()),
                "{} imports crate::{module}",
                path.display()
            );
        }
        for (start, _) in code.match_indices("catalog::") {
            let rest = &code[start..];
            assert!(
                rest.starts_with("catalog::book"),
                "{} imports more of the catalog than its book",
                path.display()
            );
        }
    }
}

#[test]
fn imports_point_one_way() {
    for (module, forbidden) in FORBIDDEN {
        let files = sources(module);
        assert!(!files.is_empty(), "src/{module} was found");
        for (path, code) in files {
            for imported in crate_modules(&code) {
                assert!(
                    !forbidden.contains(&imported.as_str()),
                    "{} imports crate::{imported}, but {module} stands before it",
                    path.display()
                );
            }
        }
    }
}

/// The vector instructions of the scan need `unsafe`; the reason is beside the code.
#[test]
fn files_with_unsafe_code() {
    let files = sources("").into_iter().filter(|(_, code)| names(code, "unsafe"));
    let mut files: Vec<PathBuf> = files.map(|(path, _)| path).collect();
    files.sort();
    let ids = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/inputs/usage/ids");
    assert_eq!(files, ["vector/avx2.rs", "vector.rs"].map(|file| ids.join(file)));
}

#[test]
fn the_scanner_sees_code_only() {
    let code = code_of(
        "use crate::{a::B, c::{D, e}}; // tokio\nlet x = \"polars \\\" tokio\"; x = '\"'; crate::settle::go();",
    );
    assert!(!names(&code, "tokio") && !names(&code, "polars"), "{code}");
    assert!(names("use tokio::x;", "tokio") && !names("tokio_x", "tokio"));
    assert_eq!(crate_modules(&code), ["a", "c", "settle"]);
}
