//! `[s3]`: how to reach buckets.

use std::path::PathBuf;

use url::Url;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::delivery::storage::{Credentials, S3Settings};
use crate::domain::text::Secret;

section! {
    S3Section, "s3." {
        endpoint: String,
        region: String,
        access_key: String,
        secret_file: PathBuf,
        secret_key: Secret,
        session_token: Secret,
        session_token_file: PathBuf,
        credentials: String,
        virtual_hosted: bool,
    }
}

pub(super) fn check(form: S3Section) -> Result<S3Settings, ConfigError> {
    if let Some(endpoint) = &form.endpoint
        && !Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        return Err(key("s3.endpoint", "must begin with https:// or http://"));
    }
    let secret_key = super::secret(("s3.secret_key", form.secret_key), ("s3.secret_file", form.secret_file))?;
    let session_token = ("s3.session_token", form.session_token);
    let session_token = super::secret(session_token, ("s3.session_token_file", form.session_token_file))?;
    let credentials = match (form.access_key, secret_key, form.credentials.as_deref()) {
        (Some(access_key), Some(secret_key), None) => Credentials::Keys { access_key, secret_key, session_token },
        (None, None, None | Some("anonymous")) => Credentials::Anonymous,
        (None, None, Some("environment")) => Credentials::Environment,
        (None, None, Some(_)) => return Err(key("s3.credentials", "must be anonymous or environment")),
        (Some(_), Some(_), Some(_)) => {
            return Err(key("s3.credentials", "is for where no s3.access_key is given"));
        }
        (Some(_), None, _) | (None, Some(_), _) => {
            return Err(key("s3.access_key", "goes with s3.secret_file or s3.secret_key, and they with it"));
        }
    };
    let virtual_hosted = form.virtual_hosted.unwrap_or(false);
    Ok(S3Settings { endpoint: form.endpoint, region: form.region, credentials, virtual_hosted })
}
