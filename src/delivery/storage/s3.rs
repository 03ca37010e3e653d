//! Files in an S3-compatible bucket.

use std::collections::HashSet;
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
    /// Who asks.
    pub credentials: Credentials,
    /// Whether the bucket is a part of the server's name, and not of the path.
    pub virtual_hosted: bool,
}

/// Who asks for objects.
#[derive(Clone, Debug, Default)]
pub enum Credentials {
    /// Nobody: the buckets must be public.
    #[default]
    Anonymous,
    /// The owner of a key.
    Keys {
        /// The key's name.
        access_key: String,
        /// The key itself.
        secret_key: Secret,
        /// What goes with a key that was lent for a time.
        session_token: Option<Secret>,
    },
    /// Whoever the environment says: `AWS_…` variables, a web identity, or the machine's own role.
    Environment,
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
        let from = match settings.credentials {
            Credentials::Environment => AmazonS3Builder::from_env(),
            Credentials::Anonymous | Credentials::Keys { .. } => AmazonS3Builder::new(),
        };
        let mut builder = from
            .with_bucket_name(bucket)
            .with_virtual_hosted_style_request(settings.virtual_hosted)
            .with_retry(never)
            .with_http_connector(Connector(clients.clone()));
        // Without it the environment's counts, or us-east-1.
        if let Some(region) = &settings.region {
            builder = builder.with_region(region);
        }
        if let Some(endpoint) = &settings.endpoint {
            builder = builder
                .with_endpoint(endpoint_of(endpoint, bucket, settings.virtual_hosted))
                .with_allow_http(endpoint.starts_with("http://"));
        }
        builder = match &settings.credentials {
            Credentials::Anonymous => builder.with_skip_signature(true),
            Credentials::Environment => builder,
            Credentials::Keys { access_key, secret_key, session_token } => {
                let builder = builder.with_access_key_id(access_key).with_secret_access_key(secret_key.expose());
                match session_token {
                    Some(token) => builder.with_token(token.expose()),
                    None => builder,
                }
            }
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

    /// The folders directly below the prefix, in the order of their names.
    ///
    /// # Errors
    /// When the bucket can't be listed.
    pub async fn folders(&self) -> Result<Vec<String>, StorageError> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::parse(&self.prefix)).transpose();
        let prefix = prefix.map_err(|error| StorageError::Upstream(error.to_string()))?;
        let listed = self.store.list_with_delimiter(prefix.as_ref()).await.map_err(list_error)?;
        let mut found: Vec<String> =
            listed.common_prefixes.iter().filter_map(|path| path.filename().map(str::to_owned)).collect();
        found.sort();
        Ok(found)
    }

    /// Everything below the prefix, in the order of names. What consoles and sync tools leave to mark folders is left out:
    /// empty objects with the name of a folder, or that end in `_$folder$`.
    ///
    /// # Errors
    /// When the bucket can't be listed.
    pub async fn list(&self) -> Result<Vec<Listed>, StorageError> {
        let prefix = (!self.prefix.is_empty()).then(|| Path::parse(&self.prefix)).transpose();
        let prefix = prefix.map_err(|error| StorageError::Upstream(error.to_string()))?;
        let listed = self.store.list(prefix.as_ref()).try_collect::<Vec<_>>().await;
        let listed = listed.map_err(list_error)?;
        let below = |location: &Path| {
            let name = location.as_ref().strip_prefix(self.prefix.as_str())?.trim_start_matches('/').to_owned();
            (!name.is_empty()).then_some(name)
        };
        let mut found: Vec<Listed> = listed
            .iter()
            .filter_map(|object| Some(Listed { name: below(&object.location)?, size: object.size }))
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        let folders: HashSet<String> = found.iter().flat_map(|object| folders_above(&object.name)).collect();
        found.retain(|object| object.size > 0 || !is_marker(&object.name, &folders));
        Ok(found)
    }
}

/// The server's address; where the bucket is a part of its name, with it.
fn endpoint_of(endpoint: &str, bucket: &str, virtual_hosted: bool) -> String {
    let endpoint = endpoint.trim_end_matches('/');
    match endpoint.split_once("://") {
        Some((scheme, host)) if virtual_hosted => format!("{scheme}://{bucket}.{host}"),
        _ => endpoint.to_owned(),
    }
}

/// The folders that a name lies in.
fn folders_above(name: &str) -> impl Iterator<Item = String> {
    name.match_indices('/').map(|(end, _)| name[..end].to_owned())
}

/// Whether an empty object is there only to mark a folder.
fn is_marker(name: &str, folders: &HashSet<String>) -> bool {
    name.ends_with("_$folder$") || folders.contains(name)
}

/// Why a bucket can't be listed. One key that the library can't read fails the whole list: then it is named, and what to do.
fn list_error(error: object_store::Error) -> StorageError {
    StorageError::Upstream(match error {
        object_store::Error::InvalidPath { source } => {
            format!("a key of the bucket can't be read ({source}): name the files that are wanted in a manifest")
        }
        other => other.to_string(),
    })
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
