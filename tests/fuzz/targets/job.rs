//! Job files, with `${NAME}` in them.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use nightbill::job::Job;

const SECRET: &str = "hunter2hunter2";

fuzz_target!(|text: &str| {
    let variable = |name: &str| (name == "SECRET").then(|| SECRET.into());
    let shown = match Job::parse(Path::new("/jobs/job.toml"), text, &[], variable) {
        Ok(job) => {
            let locations = job.inputs.locations();
            locations
                .iter()
                .map(|(_, location)| location.to_string())
                .collect::<Vec<_>>()
                .join("\n")
        }
        Err(error) => {
            assert!(!error.problems.is_empty(), "a refusal says why");
            error.to_string()
        }
    };
    assert!(
        text.contains(SECRET) || !shown.contains(SECRET),
        "a variable's value is shown: {shown}"
    );
});
