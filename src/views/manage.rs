//! The datasets of the organisations that somebody runs, and those that are offered to them.

use std::collections::{BTreeSet, HashMap};

use super::datasets::{OfferChanges, offer_changes};
use crate::domain::committee::Committee;
use crate::domain::dataset::{Dataset, Missing, missing};
use crate::domain::ids::{DatasetId, OrganisationId};
use crate::domain::import_job::ImportJob;
use crate::domain::localised::Localised;
use crate::domain::organisation::{ManageScope, Officer, Organisation, OrganisationRole};
use crate::domain::person::Person;
use crate::domain::release::Release;
use crate::domain::text::Slug;
use crate::store::cursor::page_or_first;
use crate::store::dataset_lists::{self, DatasetQuery};
use crate::store::{
    AnyConnection, Cursor, PageOf, Result, agreements, committees, datasets, forms, import_jobs, offers, organisations,
    releases,
};

/// Who reads: an account, with its roles in organisations.
#[derive(Clone, Debug)]
pub struct Manager {
    /// The account.
    pub person: Person,
    /// The organisations that it runs, with its role in each.
    pub roles: Vec<(OrganisationId, OrganisationRole)>,
}

impl Manager {
    /// The account, with its role in an organisation.
    pub fn officer(&self, organisation: OrganisationId) -> Officer<'_> {
        let role = self.roles.iter().find(|(id, _)| *id == organisation).map(|(_, role)| *role);
        Officer { person: &self.person, role }
    }
}

/// A dataset as those see it who run its organisation.
#[derive(Clone, Debug)]
pub struct ManagedDataset {
    /// The dataset.
    pub dataset: Dataset,
    /// The organisation that it belongs to.
    pub organisation: Organisation,
    /// Whether the reader may suspend it, or let it be delivered again.
    pub changes: OfferChanges,
    /// Whether the reader may offer it to another organisation.
    pub may_hand_over: bool,
    /// The organisation that it is offered to.
    pub offered_to: Option<Organisation>,
}

/// A page of the datasets that somebody looks for among those of organisations, each with its organisation's name in addresses.
///
/// # Errors
/// When the database fails.
pub fn listed(
    conn: &mut AnyConnection,
    wanted: &DatasetQuery,
    after: Option<&Cursor>,
) -> Result<PageOf<(Dataset, Slug)>> {
    let PageOf { rows, next } = dataset_lists::search(conn, wanted, after)?;
    let ids: BTreeSet<OrganisationId> = rows.iter().map(|dataset| dataset.organisation).collect();
    let holders = organisations::by_ids(conn, &ids.into_iter().collect::<Vec<_>>())?;
    let slugs: HashMap<OrganisationId, Slug> = holders.into_iter().map(|holder| (holder.id, holder.slug)).collect();
    let with_holder = |dataset: Dataset| Some((slugs.get(&dataset.organisation)?.clone(), dataset));
    let rows = rows.into_iter().filter_map(with_holder).map(|(slug, dataset)| (dataset, slug)).collect();
    Ok(PageOf { rows, next })
}

/// The same, with what the reader may do with each.
///
/// # Errors
/// When the database fails.
pub fn managed(
    conn: &mut AnyConnection,
    wanted: &DatasetQuery,
    reader: &Manager,
    after: Option<&Cursor>,
) -> Result<PageOf<ManagedDataset>> {
    let PageOf { rows, next } = page_or_first(after, |after| dataset_lists::search(conn, wanted, after))?;
    let several = organisations::are_several(conn)?;
    let mut found = Vec::with_capacity(rows.len());
    for dataset in rows {
        found.extend(managed_dataset(conn, dataset, reader, several)?);
    }
    Ok(PageOf { rows: found, next })
}

fn managed_dataset(
    conn: &mut AnyConnection,
    dataset: Dataset,
    reader: &Manager,
    several: bool,
) -> Result<Option<ManagedDataset>> {
    let Some(organisation) = organisations::by_id(conn, dataset.organisation)? else { return Ok(None) };
    let officer = reader.officer(dataset.organisation);
    let offered_to = match offers::of_dataset(conn, dataset.id)? {
        Some(to) => organisations::by_id(conn, to)?,
        None => None,
    };
    let changes = offer_changes(&dataset, officer);
    let may_hand_over = several && officer.may_own();
    Ok(Some(ManagedDataset { dataset, organisation, changes, may_hand_over, offered_to }))
}

/// A dataset that is offered to an organisation which the reader owns.
#[derive(Clone, Debug)]
pub struct OfferedDataset {
    /// The dataset.
    pub dataset: Dataset,
    /// The organisation that it is offered to.
    pub to: Organisation,
    /// The committees of that one, of which one is to decide about it.
    pub committees: Vec<Committee>,
}

/// The datasets that are offered to organisations which somebody owns.
///
/// # Errors
/// When the database fails.
pub fn offered(conn: &mut AnyConnection, reader: &Manager) -> Result<Vec<OfferedDataset>> {
    let owned: Vec<OrganisationId> =
        reader.roles.iter().map(|(id, _)| *id).filter(|id| reader.officer(*id).may_own()).collect();
    let mut found = Vec::new();
    for (dataset, to) in offers::to_organisations(conn, &owned)? {
        found.extend(offered_dataset(conn, dataset, to)?);
    }
    Ok(found)
}

fn offered_dataset(conn: &mut AnyConnection, id: DatasetId, to: OrganisationId) -> Result<Option<OfferedDataset>> {
    let (Some(dataset), Some(to)) = (datasets::by_id(conn, id)?, organisations::by_id(conn, to)?) else {
        return Ok(None);
    };
    let committees = committees::of_organisation(conn, to.id)?;
    Ok(Some(OfferedDataset { dataset, to, committees }))
}

/// A dataset with everything that is done with it.
#[derive(Clone, Debug)]
pub struct DatasetDesk {
    /// The dataset.
    pub managed: ManagedDataset,
    /// Whether the reader may change it.
    pub may_change: bool,
    /// What a draft lacks before it can be published.
    pub missing: Vec<Missing>,
    /// Its newest releases.
    pub releases: Vec<Release>,
    /// Its imports, the newest first.
    pub imports: Vec<ImportJob>,
}

impl DatasetDesk {
    /// The import that goes on.
    pub fn open_import(&self) -> Option<&ImportJob> {
        self.imports.iter().find(|job| job.state.is_open())
    }
}

/// A dataset, which may be a draft, with everything that is done with it; `None` where the reader sees nothing of it.
///
/// # Errors
/// When the database fails.
pub fn desk(
    conn: &mut AnyConnection,
    (slug, scope): (&Slug, &ManageScope),
    reader: &Manager,
) -> Result<Option<DatasetDesk>> {
    let Some(found) = datasets::any_by_slug(conn, slug)?.filter(|dataset| scope.covers(dataset.organisation)) else {
        return Ok(None);
    };
    // Imports first: where one is done, the dataset as it is read afterwards has its release.
    let imports = import_jobs::of_dataset(conn, found.id)?;
    let Some(dataset) = datasets::by_id(conn, found.id)?.filter(|dataset| scope.covers(dataset.organisation)) else {
        return Ok(None);
    };
    let (id, missing) = (dataset.id, missing(&dataset));
    let may_change = reader.officer(dataset.organisation).may_steward();
    let several = organisations::are_several(conn)?;
    let Some(managed) = managed_dataset(conn, dataset, reader, several)? else { return Ok(None) };
    let releases = releases::of_dataset(conn, id, &Cursor::newest())?.rows;
    Ok(Some(DatasetDesk { managed, may_change, missing, releases, imports }))
}

/// What a dataset of an organisation can name.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Agreements: names and titles.
    pub agreements: Vec<(Slug, Localised)>,
    /// Forms.
    pub forms: Vec<(Slug, Localised)>,
    /// Committees.
    pub committees: Vec<(Slug, Localised)>,
}

/// What a dataset of an organisation can name.
///
/// # Errors
/// When the database fails.
pub fn choices(conn: &mut AnyConnection, organisation: OrganisationId) -> Result<Choices> {
    let committees = committees::of_organisation(conn, organisation)?;
    Ok(Choices {
        agreements: agreements::of_organisation(conn, organisation)?,
        forms: forms::of_organisation(conn, organisation)?,
        committees: committees.into_iter().map(|committee| (committee.slug, committee.name)).collect(),
    })
}

/// What a dataset's description names, and its place in the catalogue.
#[derive(Clone, Debug)]
pub struct Named {
    /// Its agreements.
    pub agreements: Vec<Slug>,
    /// Its form.
    pub form: Option<Slug>,
    /// Its committee.
    pub committee: Option<Slug>,
    /// Its place in the catalogue.
    pub position: i64,
}

/// What a dataset's description names.
///
/// # Errors
/// When the database fails.
pub fn named(conn: &mut AnyConnection, dataset: &Dataset) -> Result<Named> {
    let committee = dataset.committee.map_or(Ok(None), |id| committees::by_id(conn, id))?;
    Ok(Named {
        agreements: agreements::titles(conn, &dataset.agreements)?.into_iter().map(|(slug, _)| slug).collect(),
        form: dataset.form.map_or(Ok(None), |id| forms::slug_of(conn, id))?,
        committee: committee.map(|committee| committee.slug),
        position: datasets::position(conn, dataset.id)?,
    })
}
