//! The job beside a sample, so that the next command can settle it.

use std::path::PathBuf;

use super::dimensions::{Format, size_of_file};
use super::monthly;
use super::spec::{JobFile, SampleError, SampleSpec};
use super::tables::tables;

/// The TRTC catalog that ships with nightbill.
const TRTC_CATALOG: &str = include_str!("../../jobs/catalog/trtc.toml");

/// Writes what the spec asks for. The job file, if it does, and the bytes of both files.
pub(super) fn write_job(spec: &SampleSpec) -> Result<(Option<PathBuf>, u64), SampleError> {
    let (catalog, copy) = match &spec.job {
        JobFile::None => return Ok((None, 0)),
        JobFile::WithTrtcCatalog => ("catalog.toml", Some(spec.out.join("catalog.toml"))),
        JobFile::WithCatalog(location) => (location.as_str(), None),
    };
    let mut bytes = 0;
    if let Some(path) = copy {
        std::fs::write(&path, TRTC_CATALOG).map_err(|error| SampleError::io(&path, error))?;
        bytes += size_of_file(&path)?;
    }
    let path = spec.out.join("job.toml");
    std::fs::write(&path, job_text(spec, catalog)).map_err(|error| SampleError::io(&path, error))?;
    bytes += size_of_file(&path)?;
    Ok((Some(path), bytes))
}

fn job_text(spec: &SampleSpec, catalog: &str) -> String {
    let zone = spec.zone.name();
    let catalog = toml::Value::from(catalog);
    let extension = Format::of(spec.accounts).extension();
    let mut text = format!(
        "# Made by `nightbill sample`, seed {seed}. Settle its first day:\n\
         #   nightbill settle job.toml --day {from}\n\
         name = \"sample\"\n\
         timezone = \"{zone}\"\n\
         billing_time = \"10:00\"\n\
         catalog = {catalog}\n\
         output = \"file:out\"\n\
         {suspensions}\n\
         [inputs]\n\
         usage = {{ url = \"file:usage\", shape = \"seconds\", partition_timezone = \"{zone}\" }}\n",
        seed = spec.seed,
        from = spec.from,
        suspensions = max_new_suspensions(spec),
    );
    let monthly = monthly::INPUTS.iter().filter(|_| spec.monthly_inputs);
    for input in monthly {
        text.push_str(&format!(
            "{input} = {{ url = \"file:{input}\", partition_timezone = \"{zone}\" }}\n"
        ));
    }
    for table in tables(spec.stories) {
        text.push_str(&format!("{table} = \"file:{table}.{extension}\"\n"));
    }
    text
}

/// One account in 25 does not cover what it owes: of many accounts more are suspended in a night than jobs allow by default.
fn max_new_suspensions(spec: &SampleSpec) -> String {
    if spec.accounts <= 1_000 {
        return String::new();
    }
    format!("max_new_suspensions = {}\n", spec.accounts / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_job_is_toml_whatever_the_catalog_is_called() {
        let spec = SampleSpec::new("unused");
        for catalog in ["catalog.toml", r#"C:\price "book".toml"#, "s3://bucket/trtc.toml"] {
            let job: toml::Table = job_text(&spec, catalog).parse().expect("valid TOML");
            assert_eq!(job["catalog"].as_str(), Some(catalog));
            assert_eq!(
                job["inputs"]["opening_grants"].as_str(),
                Some("file:opening_grants.csv")
            );
        }
    }
}
