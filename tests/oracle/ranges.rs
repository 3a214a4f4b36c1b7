//! SPEC 5: days settled one by one, in chunks or at once are the same table files, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::compare::{directory, order};
use super::files::write_world;
use super::posted::run;
use super::rows::TABLES;
use super::scenario::World;
use super::toml::job_file;

/// Settles the world three ways, each into its own output.
pub fn assert_the_same_files(world: &World) {
    let mut world = world.clone();
    // What comes to a file late, or changes in it, is what a range cannot repeat.
    world.lives.iter_mut().for_each(|life| life.changes.clear());
    for payment in world.lives.iter_mut().flat_map(|life| &mut life.payments) {
        payment.from_night = 0;
        payment.until_night = None;
    }
    world.setting.max_new_suspensions = 1_000_000;
    let directory = directory();
    let directory = directory.path();
    write_world(directory, &world);
    let last = world.setting.nights - 1;
    let one_by_one: Vec<(usize, usize)> = (0..=last).map(|night| (night, night)).collect();
    let middle = last / 3;
    let in_chunks = if middle < last {
        vec![(0, middle), (middle + 1, last)]
    } else {
        vec![(0, last)]
    };
    let days = settled(directory, &world, "days", &one_by_one);
    let chunks = settled(directory, &world, "chunks", &in_chunks);
    let range = settled(directory, &world, "range", &[(0, last)]);
    assert!(!days.0.is_empty(), "{}", world.name);
    for (name, other) in [("chunks", chunks), ("a range", range)] {
        assert_eq!(days.1, other.1, "{}: errors, one by one and in {name}", world.name);
        let paths = |files: &Files| files.keys().cloned().collect::<Vec<String>>();
        assert_eq!(
            paths(&days.0),
            paths(&other.0),
            "{}: files, one by one and in {name}",
            world.name
        );
        for (path, bytes) in &days.0 {
            assert!(other.0[path] == *bytes, "{}: {path} differs in {name}", world.name);
        }
    }
}

/// Bytes by path.
type Files = BTreeMap<String, Vec<u8>>;

/// The table files of an output, and why the run ended early if it did.
fn settled(directory: &Path, world: &World, output: &str, ranges: &[(usize, usize)]) -> (Files, Option<String>) {
    let job = directory.join(format!("{output}.toml"));
    fs::write(&job, job_file(&world.setting, output)).expect("a job file");
    let mut error = None;
    for (from, to) in ranges {
        if let Err(stopped) = run(&job, &order(world, *from, *to)) {
            error = Some(stopped.to_string());
            break;
        }
    }
    let mut files = Files::new();
    for (table, _) in TABLES {
        read_all(&directory.join(output), &directory.join(output).join(table), &mut files);
    }
    (files, error)
}

fn read_all(output: &Path, directory: &Path, files: &mut Files) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(output, &path, files);
        } else {
            let name = path
                .strip_prefix(output)
                .expect("below the output")
                .display()
                .to_string();
            files.insert(name, fs::read(&path).expect("a table file"));
        }
    }
}
