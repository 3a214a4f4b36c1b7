//! One fixture per message.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use nightbill::catalog;
use nightbill::config::ConfigError;
use nightbill::job::{Job, Override};

/// What stands in the first lines of a fixture.
struct Fixture {
    name: String,
    text: String,
    sets: Vec<Override>,
    variables: Vec<(String, String)>,
    expected: String,
}

fn directory(area: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(area)
}

fn fixtures(area: &str) -> Vec<Fixture> {
    let mut paths: Vec<PathBuf> = fs::read_dir(directory(area))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() > 50, "the fixtures of {area} are there");
    paths.iter().map(|path| fixture(path)).collect()
}

fn fixture(path: &Path) -> Fixture {
    let text = fs::read_to_string(path).unwrap();
    let pairs = |prefix: &str| -> Vec<(String, String)> {
        text.lines()
            .filter_map(|line| line.strip_prefix(prefix))
            .map(|pair| pair.split_once('=').unwrap())
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    let expected: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("#| ")).collect();
    Fixture {
        name: path.file_name().unwrap().to_str().unwrap().to_owned(),
        sets: pairs("#$ set ")
            .into_iter()
            .map(|(key, value)| Override { key, value })
            .collect(),
        variables: pairs("#$ env "),
        expected: expected.join("\n"),
        text,
    }
}

/// Compares every message of an area, or rewrites them.
fn check(area: &str, run: impl Fn(&Fixture) -> ConfigError) {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for fixture in fixtures(area) {
        let error = run(&fixture);
        let found = error.to_string();
        for (name, value) in &fixture.variables {
            let shown = format!("{found}\n{error:?}");
            assert!(
                !shown.contains(value.as_str()),
                "{}: shows the value of {name}",
                fixture.name
            );
        }
        assert!(!found.contains("hunter2"), "{}: shows a password", fixture.name);
        if update && found != fixture.expected {
            rewrite(area, &fixture, &run);
        } else if found != fixture.expected {
            wrong.push(format!(
                "{}\nexpected:\n{}\nfound:\n{found}\n",
                fixture.name, fixture.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Puts the message at the top; its own lines move the places that it names, hence twice.
fn rewrite(area: &str, old: &Fixture, run: &impl Fn(&Fixture) -> ConfigError) {
    let path = directory(area).join(&old.name);
    for _ in 0..2 {
        let now = fixture(&path);
        let message = run(&now).to_string();
        let rest = now.text.lines().filter(|line| !line.starts_with("#| "));
        let lines: Vec<String> = message
            .lines()
            .map(|line| format!("#| {line}"))
            .chain(rest.map(str::to_owned))
            .collect();
        fs::write(&path, lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn every_catalog_message_has_a_fixture() {
    check("catalog", |fixture| {
        let result = catalog::parse::parse(Path::new(&fixture.name), &fixture.text);
        result.err().unwrap_or_else(|| panic!("{} is accepted", fixture.name))
    });
}

#[test]
fn every_job_message_has_a_fixture() {
    check("job", |fixture| {
        let variable = |name: &str| {
            let found = fixture.variables.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| OsString::from(value))
        };
        let result = Job::parse(Path::new(&fixture.name), &fixture.text, &fixture.sets, variable);
        result.err().unwrap_or_else(|| panic!("{} is accepted", fixture.name))
    });
}
