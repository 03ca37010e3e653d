//! `[site]`: who runs the gateway, as pages and mail say it.

use std::path::PathBuf;

use bytes::Bytes;
use url::Url;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::domain::text::{Email, one_line};

section! {
    SiteSection, "site." {
        name: String,
        logo: PathBuf,
        contact: String,
        privacy_url: String,
        help_url: String,
    }
}

/// Who runs the gateway.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Site {
    /// Their name.
    pub name: Option<String>,
    /// Their logo.
    pub logo: Option<Logo>,
    /// Where to write to.
    pub contact: Option<Contact>,
    /// Their privacy notice.
    pub privacy_url: Option<Url>,
    /// Their help.
    pub help_url: Option<Url>,
}

/// An image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logo {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its media type.
    pub media_type: &'static str,
}

/// Where to write to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Contact {
    /// A page.
    Page(Url),
    /// An e-mail address.
    Email(Email),
}

impl Contact {
    /// Where its link leads.
    pub fn href(&self) -> String {
        match self {
            Self::Page(url) => url.to_string(),
            Self::Email(email) => format!("mailto:{email}"),
        }
    }
}

/// The largest logo, in bytes.
const LOGO_MAX: usize = 256 * 1024;

/// Checks the section.
pub(super) fn check(form: SiteSection) -> Result<Site, ConfigError> {
    let name = form.name.map(|name| one_line(&name, 100).map_err(|error| key("site.name", error.to_string())));
    let page = |name: &'static str, text: Option<String>| {
        let wrong = || key(name, "must begin with https:// or http://");
        text.map(|text| page_address(&text).ok_or_else(wrong)).transpose()
    };
    let contact = form.contact.map(|text| {
        let contact = page_address(&text).map(Contact::Page).or_else(|| text.parse().ok().map(Contact::Email));
        let wrong = || key("site.contact", format!("{text:?} is neither an e-mail address nor that of a page"));
        contact.ok_or_else(wrong)
    });
    Ok(Site {
        name: name.transpose()?,
        logo: form.logo.map(|file| logo(&file)).transpose()?,
        contact: contact.transpose()?,
        privacy_url: page("site.privacy_url", form.privacy_url)?,
        help_url: page("site.help_url", form.help_url)?,
    })
}

fn page_address(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn logo(file: &std::path::Path) -> Result<Logo, ConfigError> {
    let wrong = |why: String| key("site.logo", format!("{}: {why}", file.display()));
    let media_type = match file.extension().and_then(|end| end.to_str()) {
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        _ => return Err(wrong("must be an .svg or .png file".into())),
    };
    let bytes = std::fs::read(file).map_err(|error| wrong(error.to_string()))?;
    if bytes.len() > LOGO_MAX {
        return Err(wrong("is larger than 256 KiB".into()));
    }
    Ok(Logo { bytes: bytes.into(), media_type })
}
