//! A location's client, configured from the environment as usual for each store.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};

use super::Location;

/// One request may take this long, unless `AWS_TIMEOUT`, `AZURE_TIMEOUT` or `GOOGLE_TIMEOUT` says otherwise: object_store's 30 s
/// are too few for a large part over a slow line.
const REQUEST_TIMEOUT: &str = "300s";

/// Retries for up to this long, and then the try under way (5 s to connect): a night can wait out a hiccup, and cron
/// tells people of an outage within a minute.
const RETRY_TIMEOUT: Duration = Duration::from_secs(45);

/// The time alone bounds the retries. object_store's ten are over within seconds, as its pauses hardly grow.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(5),
        base: 3.0,
    },
    max_retries: 1000,
    retry_timeout: RETRY_TIMEOUT,
};

pub(super) fn connect(location: &Location) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut bare = location.url().clone();
    bare.set_query(None);
    bare.set_fragment(None);
    let url = bare.as_str();
    let default_timeout = |variable: &str| std::env::var_os(variable).is_none();
    Ok(match bare.scheme() {
        "s3" => {
            let mut builder = AmazonS3Builder::from_env().with_url(url).with_retry(RETRY);
            if default_timeout("AWS_TIMEOUT") {
                builder = builder.with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT);
            }
            Arc::new(builder.build()?)
        }
        "gs" => {
            let mut builder = GoogleCloudStorageBuilder::from_env().with_url(url).with_retry(RETRY);
            if default_timeout("GOOGLE_TIMEOUT") {
                builder = builder.with_config(GoogleConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT);
            }
            Arc::new(builder.build()?)
        }
        "az" => {
            let mut builder = MicrosoftAzureBuilder::from_env().with_url(url).with_retry(RETRY);
            if default_timeout("AZURE_TIMEOUT") {
                builder = builder.with_config(AzureConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIMEOUT);
            }
            Arc::new(builder.build()?)
        }
        _ if bare.to_file_path().is_err() => {
            return Err(object_store::Error::NotSupported {
                source: "a file URL must name an absolute path on this machine".into(),
            });
        }
        // The commit is a promise, so files and directories are synced.
        _ => Arc::new(LocalFileSystem::new().with_fsync(true)),
    })
}
