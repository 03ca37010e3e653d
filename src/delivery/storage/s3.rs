//! Files in an S3-compatible bucket.

use std::sync::Arc;

use futures_util::TryStreamExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, RetryConfig};

use super::client::{Connector, HttpClients};
use super::error::{FetchError, StorageError};
use super::object::{BodyStream, ObjectInfo};
use crate::domain::Timestamp;
use crate::domain::path::FilePath;
use crate::domain::text::Secret;
use crate::domain::transfer::FileMismatch;

/// How to reach buckets.
#[derive(Clone, Debug, Default)]
pub struct S3Settings {
    /// The server, unless it is Amazon's.
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// Who asks; without it, nobody: the bucket must be public.
    pub access_key: Option<String>,
    /// The secret that goes with it.
    pub secret_key: Option<Secret>,
}

/// A bucket, and where in it a dataset's files are.
#[derive(Debug)]
pub struct Bucket {
    store: AmazonS3,
    prefix: String,
}

/// An object as a listing shows it.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Its name below the prefix.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

impl Bucket {
    /// At `s3://BUCKET/PREFIX`.
    ///
    /// # Errors
    /// When it is not such an address, or the settings can't be used.
    pub fn at(root: &str, settings: &S3Settings, clients: &Arc<HttpClients>) -> Result<Self, StorageError> {
        let wrong = |why: String| StorageError::Upstream(format!("{root:?}: {why}"));
        let rest = root.strip_prefix("s3://").ok_or_else(|| wrong("must be s3://BUCKET/PREFIX".into()))?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        // Tries again are made where it is known whether a byte has gone out already.
        let never = RetryConfig { max_retries: 0, ..RetryConfig::default() };
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
            .with_retry(never)
            .with_http_connector(Connector(clients.clone()));
        if let Some(endpoint) = &settings.endpoint {
            builder = builder
                .with_endpoint(endpoint.trim_end_matches('/'))
                .with_virtual_hosted_style_request(false)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        builder = match (&settings.access_key, &settings.secret_key) {
            (Some(key), Some(secret)) => builder.with_access_key_id(key).with_secret_access_key(secret.expose()),
            _ => builder.with_skip_signature(true),
        };
        let store = builder.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { store, prefix: prefix.trim_matches('/').to_owned() })
    }

    fn key(&self, name: &str) -> Result<Path, FetchError> {
        let key = if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        Path::parse(key).map_err(|error| FetchError::Permanent(format!("the object can't be asked for: {error}")))
    }

    /// Asks for an object; `range` is the first and the last byte wanted, or everything.
    pub(super) async fn get(
        &self,
        path: &FilePath,
        range: Option<(u64, u64)>,
        pinned_etag: Option<&str>,
    ) -> Result<(ObjectInfo, BodyStream), FetchError> {
        let options = GetOptions {
            range: range.map(|(first, last)| GetRange::Bounded(first..last + 1)),
            if_match: pinned_etag.map(str::to_owned),
            ..GetOptions::default()
        };
        let result = self.store.get_opts(&self.key(path.as_str())?, options).await.map_err(fetch_error)?;
        if range.is_some_and(|(first, last)| result.range != (first..last + 1)) {
            return Err(FetchError::Changed(FileMismatch::Shorter));
        }
        let found = ObjectInfo {
            size: Some(result.meta.size),
            etag: result.meta.e_tag.clone().filter(|tag| tag.starts_with('"')),
            modified_at: Some(Timestamp::from_unix_seconds(result.meta.last_modified.timestamp())),
        };
        Ok((found, BodyStream::bucket(result.into_stream())))
    }

    /// Everything below the prefix, in the order of names. Hidden files (names that begin with a dot) and markers of
    /// folders are left out.
    ///
    /// # Errors
    /// When the bucket can't be listed.
    pub async fn list(&self) -> Result<Vec<Listed>, StorageError> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::parse(&self.prefix)).transpose();
        let prefix = prefix.map_err(|error| StorageError::Upstream(error.to_string()))?;
        let listed = self.store.list(prefix.as_ref()).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(|error| StorageError::Upstream(error.to_string()))?;
        let below = |location: &Path| {
            let name = location.as_ref().strip_prefix(self.prefix.as_str())?.trim_start_matches('/').to_owned();
            let hidden = name.is_empty() || name.split('/').any(|part| part.starts_with('.'));
            (!hidden).then_some(name)
        };
        let mut found: Vec<Listed> = listed
            .iter()
            .filter_map(|object| Some(Listed { name: below(&object.location)?, size: object.size }))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

fn fetch_error(error: object_store::Error) -> FetchError {
    use object_store::Error;
    match error {
        Error::NotFound { .. } => FetchError::Changed(FileMismatch::Gone),
        Error::Precondition { .. } => FetchError::Changed(FileMismatch::Tag),
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => {
            FetchError::Permanent("the bucket does not let us read it".into())
        }
        // The library does not tell the others apart; a retry before the first byte does no harm.
        other => FetchError::Transient(other.to_string()),
    }
}
