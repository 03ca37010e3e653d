//! `[s3]`: how to reach buckets.

use std::path::PathBuf;

use url::Url;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::delivery::storage::S3Settings;
use crate::domain::text::Secret;

section! {
    S3Section, "s3." {
        endpoint: String,
        region: String,
        access_key: String,
        secret_file: PathBuf,
        secret_key: Secret,
    }
}

pub(super) fn check(form: S3Section) -> Result<S3Settings, ConfigError> {
    if let Some(endpoint) = &form.endpoint
        && !Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        return Err(key("s3.endpoint", "must begin with https:// or http://"));
    }
    let secret_key = match (form.secret_file, form.secret_key) {
        (Some(_), Some(_)) => return Err(key("s3.secret_key", "can't be given together with s3.secret_file")),
        (Some(file), None) => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| key("s3.secret_file", format!("{}: {error}", file.display())))?;
            Some(Secret::new(text.trim().to_owned()))
        }
        (None, secret) => secret,
    };
    if form.access_key.is_some() != secret_key.is_some() {
        return Err(key("s3.access_key", "goes with s3.secret_file or s3.secret_key, and they with it"));
    }
    Ok(S3Settings { endpoint: form.endpoint, region: form.region, access_key: form.access_key, secret_key })
}
