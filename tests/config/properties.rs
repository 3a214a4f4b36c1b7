//! Whatever a file holds, reading it ends in a job, a book or messages: never in a panic.

use std::path::Path;
use std::sync::LazyLock;

use nightbill::catalog;
use nightbill::job::{Job, Override};
use proptest::prelude::*;

static CATALOG: LazyLock<String> = LazyLock::new(|| shipped("jobs/catalog/trtc.toml"));
static JOB: LazyLock<String> = LazyLock::new(|| shipped("jobs/nightly.toml"));

fn shipped(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// One change: at a part of the text (in thousandths), this many characters become that.
#[derive(Debug, Clone)]
struct Change {
    at: usize,
    delete: usize,
    insert: String,
}

fn change() -> impl Strategy<Value = Change> {
    let insert = prop_oneof![
        ".{0,6}",
        "[-0-9.\"'=,{}\\[\\]\n]{1,4}",
        prop::sample::select(vec![
            "\"\"",
            "[]",
            "{}",
            "-1",
            "0",
            "nan",
            "1e9",
            "true",
            "2024-02-30",
            "99999999999999999999",
            "id = \"x\"\n",
            "\"${HOME}\"",
            "[[item]]\n",
            "[[plan]]\n",
            "[[price_list]]\n",
            "base = \"list\"\n",
            "inputs.usage.url",
        ])
        .prop_map(str::to_owned),
    ];
    (0..1000_usize, 0..30_usize, insert).prop_map(|(at, delete, insert)| Change { at, delete, insert })
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for change in changes {
        let start = chars.len() * change.at / 1000;
        let end = (start + change.delete).min(chars.len());
        chars.splice(start..end, change.insert.chars());
    }
    chars.into_iter().collect()
}

/// Swaps whole lines, drops some and gives others another value: the text mostly stays TOML, and the reader gets on.
fn reworked(text: &str, swaps: &[(usize, usize)], drops: &[usize], values: &[(usize, String)]) -> String {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (one, other) in swaps {
        let count = lines.len();
        lines.swap(one % count, other % count);
    }
    for (line, value) in values {
        let position = line % lines.len();
        if let Some((key, _)) = lines[position].split_once(" = ") {
            lines[position] = format!("{key} = {value}");
        }
    }
    for line in drops {
        lines.remove(line % lines.len());
    }
    lines.join("\n")
}

fn value() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "\"\"",
        "[]",
        "{}",
        "-1",
        "0",
        "7",
        "nan",
        "1.5",
        "true",
        "2024-02-29",
        "10:00",
        "99999999999999999999",
        "\"list\"",
        "\"av\"",
        "\"av.hd\"",
        "\"0.1234567\"",
        "\"-1\"",
        "[\"audio\", \"audio\"]",
        "[1]",
        "[[]]",
        "{ css = 1 }",
        "{ months = 1 }",
        "{ days = 0 }",
        "{ \"av.hd\" = \"1\" }",
        "\"peak\"",
        "\"monthly\"",
        "\"${X}\"",
        "\"file:x\"",
        "\"s3://u:p@b/x\"",
        "\"5min\"",
        "{ url = \"x\", shape = \"daily\" }",
    ])
    .prop_map(str::to_owned)
}

prop_compose! {
    fn rework()(
        swaps in prop::collection::vec((any::<usize>(), any::<usize>()), 0..2),
        drops in prop::collection::vec(any::<usize>(), 0..3),
        values in prop::collection::vec((any::<usize>(), value()), 0..4),
    ) -> (Vec<(usize, usize)>, Vec<usize>, Vec<(usize, String)>) {
        (swaps, drops, values)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_changed_catalog_never_panics(
        (swaps, drops, values) in rework(),
        changes in prop::collection::vec(change(), 0..2),
    ) {
        let text = changed(&reworked(&CATALOG, &swaps, &drops, &values), &changes);
        if let Err(error) = catalog::parse::parse(Path::new("x.toml"), &text) {
            prop_assert!(!error.problems.is_empty());
        }
    }

    #[test]
    fn a_changed_job_never_panics(
        (swaps, drops, values) in rework(),
        changes in prop::collection::vec(change(), 0..2),
        sets in prop::collection::vec(("[a-z_.]{0,12}|inputs.[a-z]{1,5}.url|name", ".{0,12}"), 0..3),
        value in ".{0,12}",
    ) {
        let text = changed(&reworked(&JOB, &swaps, &drops, &values), &changes);
        let sets: Vec<Override> = sets.into_iter().map(|(key, value)| Override { key, value }).collect();
        if let Err(error) = Job::parse(Path::new("x.toml"), &text, &sets, |_| Some(value.clone().into())) {
            prop_assert!(!error.problems.is_empty());
        }
    }

    #[test]
    fn arbitrary_text_never_panics(text in ".{0,200}") {
        catalog::parse::parse(Path::new("x.toml"), &text).unwrap_err();
        Job::parse(Path::new("x.toml"), &text, &[], |_| None).unwrap_err();
    }
}
