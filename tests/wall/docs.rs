//! What docs/ says about the sources is there: tests by their names, files by their paths, decisions by their numbers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The text of every Rust file of src/ and tests/.
fn sources() -> Vec<String> {
    let mut files = Vec::new();
    for directory in ["src", "tests"] {
        rust_files(&Path::new(ROOT).join(directory), &mut files);
    }
    files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
}

/// The names of functions that stand below `#[test]`.
fn tests_in(source: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in source.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            if is_test {
                names.extend(rest.split('(').next());
            }
            is_test = false;
        }
    }
    names
}

/// What stands between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The paragraphs that begin with `Tests:` or `Code:`, by the heading that they stand under.
fn paragraphs<'a>(doc: &'a str, label: &str) -> Vec<(&'a str, &'a str)> {
    let mut heading = "";
    let mut found = Vec::new();
    for paragraph in doc.split("\n\n").map(str::trim) {
        if paragraph.starts_with('#') {
            heading = paragraph;
        } else if let Some(rest) = paragraph.strip_prefix(label) {
            found.push((heading, rest));
        }
    }
    found
}

#[test]
fn rules_name_tests_that_exist() {
    let sources = sources();
    let known: BTreeSet<&str> = sources.iter().flat_map(|source| tests_in(source)).collect();
    let doc = read("docs/rules.md");
    let named: Vec<&str> = paragraphs(&doc, "Tests:")
        .iter()
        .flat_map(|(_, text)| quoted(text))
        .collect();
    assert!(named.len() > 80, "docs/rules.md names tests");
    let missing: Vec<&&str> = named.iter().filter(|name| !known.contains(**name)).collect();
    assert!(
        missing.is_empty(),
        "docs/rules.md names tests that are not there: {missing:?}"
    );
}

/// Every rule of docs/rules.md says where its code is, and which tests pin it.
#[test]
fn rules_name_their_code_and_tests() {
    let doc = read("docs/rules.md");
    let (rules, _) = doc
        .split_once("\n## Worked examples")
        .expect("examples come after the rules");
    let under = |label| -> BTreeSet<&str> { paragraphs(rules, label).iter().map(|(heading, _)| *heading).collect() };
    let (code, tests) = (under("Code:"), under("Tests:"));
    let rules: Vec<&str> = rules.lines().filter(|line| line.starts_with("### ")).collect();
    assert!(rules.len() > 20, "docs/rules.md has rules");
    for rule in rules {
        assert!(
            code.contains(rule) && tests.contains(rule),
            "{rule} names no code, or no test"
        );
    }
}

#[test]
fn docs_name_files_that_exist() {
    let mut count = 0;
    for doc in [
        "docs/rules.md",
        "docs/decisions.md",
        "docs/architecture.md",
        "CHANGELOG.md",
    ] {
        let text = read(doc);
        let code = quoted(&text).filter(|word| !word.contains(char::is_whitespace));
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let links = links.filter(|link| !link.starts_with("http") && !link.starts_with('#'));
        let directory = Path::new(doc).parent().unwrap();
        let linked = links.map(|link| directory.join(link));
        let roots = ["src/", "tests/", "jobs/", "docs/", "sample_data/"];
        let named = code.filter(|word| roots.iter().any(|root| word.starts_with(root)));
        for path in named.map(PathBuf::from).chain(linked) {
            count += 1;
            assert!(Path::new(ROOT).join(&path).exists(), "{doc} names {}", path.display());
        }
    }
    assert!(count > 50, "docs name files");
}

/// Links within docs/rules.md, as GitHub makes anchors of headings.
#[test]
fn rules_link_to_headings_that_exist() {
    let doc = read("docs/rules.md");
    let headings = doc.lines().filter_map(|line| line.strip_prefix("## "));
    let anchor = |heading: &str| -> String {
        let kept = heading
            .chars()
            .filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let anchors: BTreeSet<String> = headings.map(anchor).collect();
    let links: BTreeSet<String> = doc
        .split("](#")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(links, anchors, "the list of contents has every heading");
}

/// Decisions are cited by number: numbers are unique and without gaps, and none is cited that does not exist.
#[test]
fn decisions_are_numbered_and_cited_by_number() {
    let doc = read("docs/decisions.md");
    let items = doc.lines().filter_map(|line| line.strip_prefix("* **"));
    let numbers = items.filter_map(|item| item.split('.').next()?.parse::<usize>().ok());
    let numbers: BTreeSet<usize> = numbers
        .inspect(|number| assert!(*number > 0, "decisions are counted from 1"))
        .collect();
    assert_eq!(numbers.last(), Some(&numbers.len()), "no number is missing");
    let items = doc
        .lines()
        .filter(|line| line.starts_with("* **") && !line.starts_with("* **M"));
    assert_eq!(items.count(), numbers.len(), "no number stands there twice");
    let mut cited = 0;
    for source in sources() {
        for (start, _) in source.match_indices("ecision ") {
            let rest = &source[start + "ecision ".len()..];
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            if let Ok(number) = digits.parse() {
                cited += 1;
                assert!(
                    numbers.contains(&number),
                    "decision {number} is cited and not in docs/decisions.md"
                );
            }
        }
    }
    assert!(cited > 5, "sources cite decisions");
}
