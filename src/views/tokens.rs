//! A person's tokens, and the grants that new ones can use.

use std::collections::BTreeMap;

use crate::domain::ids::{PersonId, ProjectId};
use crate::domain::localised::Localised;
use crate::domain::path::FilePath;
use crate::domain::text::Slug;
use crate::domain::token::{Authorization, DataAction, TokenRecord};
use crate::domain::{TimeSpan, Timestamp};
use crate::store::{AnyConnection, Cursor, PageOf, Result, datasets, files, grants, projects, tokens};

/// A token in a list.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Its record.
    pub record: TokenRecord,
    /// The title of the project whose grants it uses, if it uses those of one alone.
    pub project: Option<String>,
    /// Whether it works, as far as the token itself decides.
    pub live: bool,
    /// Whether its owner may revoke it.
    pub may_revoke: bool,
}

/// A dataset that a person has active grants on.
#[derive(Clone, Debug)]
pub struct GrantedDataset {
    /// Its address.
    pub slug: Slug,
    /// Its title.
    pub title: Localised,
    /// The titles of the projects that the grants are for.
    pub projects: Vec<String>,
    /// When the last of the grants ends.
    pub until: Timestamp,
}

/// The tokens page.
#[derive(Clone, Debug)]
pub struct TokensView {
    /// The datasets that a new token can be for.
    pub datasets: Vec<GrantedDataset>,
    /// The projects that a new token can be for, with their titles.
    pub projects: Vec<(ProjectId, String)>,
    /// The person's tokens.
    pub tokens: PageOf<TokenRow>,
}

/// How long tokens that ended are still listed.
pub const LISTED_AFTER_END: TimeSpan = TimeSpan::days(30);

/// A person's tokens, newest first.
///
/// # Errors
/// When the database fails.
pub fn of_person(conn: &mut AnyConnection, person: PersonId, after: &Cursor, now: Timestamp) -> Result<TokensView> {
    let PageOf { rows, next } = tokens::of_person(conn, person, now - LISTED_AFTER_END, after)?;
    let active = grants::active_of(conn, person, now)?;
    let titles = titles(conn, rows.iter().flat_map(|record| &record.details).filter_map(|entry| entry.project))?;
    let row = |record: TokenRecord| TokenRow {
        live: record.is_live(now),
        may_revoke: record.decide_revoke(person, now).is_ok(),
        project: record.details.iter().find_map(|entry| entry.project).and_then(|id| titles.get(&id).cloned()),
        record,
    };
    let mut datasets: Vec<GrantedDataset> = Vec::new();
    for line in &active {
        if datasets.last().is_none_or(|last| last.slug != line.dataset) {
            let (slug, title, until) = (line.dataset.clone(), line.title.clone(), line.grant.ends_at);
            datasets.push(GrantedDataset { slug, title, projects: Vec::new(), until });
        }
        let Some(dataset) = datasets.last_mut() else { continue };
        dataset.until = dataset.until.max(line.grant.ends_at);
        dataset.projects.extend(line.project_title.clone());
    }
    let named = active.iter().filter_map(|line| line.grant.project.zip(line.project_title.clone()));
    let mut projects: Vec<_> = named.collect();
    projects.sort();
    projects.dedup();
    Ok(TokensView { datasets, projects, tokens: PageOf { rows: rows.into_iter().map(row).collect(), next } })
}

/// What the projects are called.
fn titles(conn: &mut AnyConnection, ids: impl Iterator<Item = ProjectId>) -> Result<BTreeMap<ProjectId, String>> {
    let mut titles = BTreeMap::new();
    for id in ids {
        if !titles.contains_key(&id)
            && let Some(project) = projects::by_id(conn, id)?
        {
            titles.insert(id, project.description.title);
        }
    }
    Ok(titles)
}

/// A dataset that a token covers, and a file of it to show how the token is used.
///
/// # Errors
/// When the database fails.
pub fn example(conn: &mut AnyConnection, details: &[Authorization]) -> Result<Option<(Slug, Option<FilePath>)>> {
    /// Files looked at for one that the token's paths cover.
    const LOOKED_AT: i64 = 1_000;
    let Some(first) = details.first() else { return Ok(None) };
    let Some(dataset) = datasets::by_slug(conn, &first.identifier)? else { return Ok(None) };
    let entries = files::all(conn, dataset.release(), "", LOOKED_AT)?;
    let covered = entries.into_iter().map(|entry| entry.path).find(|path| first.covers(DataAction::Read, path));
    Ok(Some((dataset.slug, covered)))
}
