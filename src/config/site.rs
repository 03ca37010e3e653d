//! `[site]`: who runs the gateway, as pages and mail say it.

use std::path::PathBuf;

use url::Url;

use super::error::{ConfigError, key};
use super::keys::section;
use crate::domain::text::one_line;

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
    /// Where to write to: an e-mail address, or the address of a page.
    pub contact: Option<String>,
    /// Their privacy notice.
    pub privacy_url: Option<String>,
    /// Their help.
    pub help_url: Option<String>,
}

/// An image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logo {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub media_type: &'static str,
}

impl Site {
    /// Where the contact's link leads.
    pub fn contact_href(&self) -> Option<String> {
        let contact = self.contact.as_ref()?;
        Some(if contact.contains("://") { contact.clone() } else { format!("mailto:{contact}") })
    }
}

/// The largest logo, in bytes.
const LOGO_MAX: usize = 256 * 1024;

/// Checks the section.
pub(super) fn check(form: SiteSection) -> Result<Site, ConfigError> {
    let name = form.name.map(|name| one_line(&name, 100).map_err(|error| key("site.name", error.to_string())));
    let page = |name: &'static str, text: Option<String>| match text {
        Some(text) if !is_page(&text) => Err(key(name, "must begin with https:// or http://")),
        text => Ok(text),
    };
    let contact = form.contact;
    if let Some(text) = contact.as_deref().filter(|text| !is_page(text) && text.parse::<lettre::Address>().is_err()) {
        return Err(key("site.contact", format!("{text:?} is neither an e-mail address nor that of a page")));
    }
    Ok(Site {
        name: name.transpose()?,
        logo: form.logo.map(|file| logo(&file)).transpose()?,
        contact,
        privacy_url: page("site.privacy_url", form.privacy_url)?,
        help_url: page("site.help_url", form.help_url)?,
    })
}

fn is_page(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
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
    Ok(Logo { bytes, media_type })
}
