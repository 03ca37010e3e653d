//! `[mail]`: how mail leaves.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::domain::text::Secret;
use crate::mail::{MailSettings, MailTransport};
use crate::trusted_roots::TrustedRoots;

section! {
    MailSection, "mail." {
        from: String,
        smtp: Secret,
        smtp_file: PathBuf,
        folder: PathBuf,
    }
}

/// How mail leaves; into a folder of the data folder unless a server is given.
pub(super) fn check(
    form: MailSection,
    url: &Url,
    data_dir: &Path,
    roots: Arc<TrustedRoots>,
) -> Result<MailSettings, ConfigError> {
    let from = form.from.unwrap_or_else(|| format!("Countersign <no-reply@{}>", url.host_str().unwrap_or("localhost")));
    from.parse::<lettre::message::Mailbox>()
        .map_err(|_| key("mail.from", format!("{from:?} is not a sender such as: Data office <data@example.org>")))?;
    let smtp = super::secret(("mail.smtp", form.smtp), ("mail.smtp_file", form.smtp_file))?;
    if let Some(smtp) = &smtp {
        super::check_credentials("mail.smtp", smtp)?;
    }
    let transport = match (smtp, form.folder) {
        (Some(_), Some(_)) => return Err(key("mail.folder", "can't be given together with mail.smtp")),
        (Some(smtp), None) => {
            let scheme = Url::parse(smtp.expose()).map(|url| url.scheme().to_owned()).unwrap_or_default();
            if !matches!(scheme.as_str(), "smtp" | "smtps") {
                return Err(key("mail.smtp", "must begin with smtps:// or smtp://"));
            }
            MailTransport::Smtp(smtp)
        }
        (None, Some(folder)) => MailTransport::Folder(folder),
        (None, None) => MailTransport::Folder(data_dir.join("mail")),
    };
    let host = url.host_str().unwrap_or("localhost").to_owned();
    Ok(MailSettings { from, host, transport, roots })
}
