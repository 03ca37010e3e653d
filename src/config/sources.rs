//! `[[source]]`: places from which files may be published in the browser. Users name a source and a path in it, never a path of
//! this machine.

use std::path::PathBuf;

use serde::Deserialize;

use super::error::{ConfigError, key};
use crate::delivery::storage::is_local;
use crate::domain::import_job::is_http;
use crate::domain::path::FilePath;
use crate::domain::text::Slug;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceSection {
    name: String,
    root: String,
    organisation: Option<String>,
}

/// Where files may be that are published in the browser.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its name.
    pub name: Slug,
    /// A folder of this machine in full, `s3://BUCKET/PREFIX`, or the address of an HTTP server; without a slash at the end.
    pub root: String,
    /// The only organisation that may use it; any where there is none.
    pub organisation: Option<Slug>,
}

impl Source {
    /// Whether an organisation may publish from it.
    pub fn is_open_to(&self, organisation: &Slug) -> bool {
        self.organisation.as_ref().is_none_or(|own| own == organisation)
    }

    /// Where a path in it is. A path never leaves its source: its parts are names, and links are not followed out of it. `None`
    /// where there is no such folder.
    pub fn place(&self, path: &FilePath) -> Option<String> {
        if path.is_root() {
            return Some(self.root.clone());
        }
        if is_http(&self.root) {
            // In an address some names mean another place.
            return Some(format!("{}/{}", self.root, path.to_url()));
        }
        let root = format!("{}/{path}", self.root);
        if !is_local(&root) {
            return Some(root);
        }
        let real = PathBuf::from(&root).canonicalize().ok()?;
        real.starts_with(&self.root).then(|| real.to_str().map(str::to_owned)).flatten()
    }

    /// Whether an organisation may publish from a place because it is in this source.
    pub fn may_hold(&self, organisation: &Slug, root: &str) -> bool {
        let is_below = root.strip_prefix(&self.root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        is_below && self.is_open_to(organisation)
    }
}

pub(super) fn check(sections: Vec<SourceSection>) -> Result<Vec<Source>, ConfigError> {
    let mut sources: Vec<Source> = Vec::with_capacity(sections.len());
    for SourceSection { name, root, organisation } in sections {
        let slug = |text: &str, field| text.parse().map_err(|error| key(field, format!("{text:?} {error}")));
        let name: Slug = slug(&name, "source.name")?;
        if sources.iter().any(|source| source.name == name) {
            return Err(key("source.name", format!("{name} is there twice")));
        }
        let organisation = organisation.map(|text| slug(&text, "source.organisation")).transpose()?;
        let root = if is_local(&root) {
            let folder = PathBuf::from(&root).canonicalize();
            let folder = folder.map_err(|error| key("source.root", format!("{root}: {error}")))?;
            folder.to_str().ok_or_else(|| key("source.root", format!("{root}: the path is not UTF-8")))?.to_owned()
        } else {
            root.trim_end_matches('/').to_owned()
        };
        sources.push(Source { name, root, organisation });
    }
    Ok(sources)
}
