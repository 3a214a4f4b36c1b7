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

/// Swaps whole lines, which keeps the text valid TOML more often.
fn shuffled(text: &str, swaps: &[(usize, usize)]) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    for (one, other) in swaps {
        let count = lines.len();
        lines.swap(one % count, other % count);
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_changed_catalog_never_panics(
        changes in prop::collection::vec(change(), 1..4),
        swaps in prop::collection::vec((any::<usize>(), any::<usize>()), 0..3),
    ) {
        let text = changed(&shuffled(&CATALOG, &swaps), &changes);
        if let Err(error) = catalog::parse::parse(Path::new("x.toml"), &text) {
            prop_assert!(!error.problems.is_empty());
        }
    }

    #[test]
    fn a_changed_job_never_panics(
        changes in prop::collection::vec(change(), 0..4),
        swaps in prop::collection::vec((any::<usize>(), any::<usize>()), 0..3),
        sets in prop::collection::vec(("[a-z_.]{0,12}|inputs.[a-z]{1,5}.url|name", ".{0,12}"), 0..3),
        value in ".{0,12}",
    ) {
        let text = changed(&shuffled(&JOB, &swaps), &changes);
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
