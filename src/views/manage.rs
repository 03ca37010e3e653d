//! The datasets of the organisations that somebody runs, and those that are offered to them.

use super::datasets::{SuspensionChanges, suspension_changes};
use crate::domain::committee::Committee;
use crate::domain::dataset::Dataset;
use crate::domain::ids::{DatasetId, OrganisationId};
use crate::domain::organisation::{ManageScope, Officer, Organisation, OrganisationRole};
use crate::domain::person::Person;
use crate::store::{AnyConnection, Cursor, PageOf, Result, committees, datasets, offers, organisations};

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
    pub suspension: SuspensionChanges,
    /// Whether the reader may offer it to another organisation.
    pub may_hand_over: bool,
    /// The organisation that it is offered to.
    pub offered_to: Option<Organisation>,
}

/// A page of the datasets that somebody sees, in the catalogue's order.
///
/// # Errors
/// When the database fails.
pub fn managed(
    conn: &mut AnyConnection,
    scope: &ManageScope,
    reader: &Manager,
    after: &Cursor,
) -> Result<PageOf<ManagedDataset>> {
    let PageOf { rows, next } = datasets::managed(conn, scope, after)?;
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
    let suspension = suspension_changes(&dataset, officer);
    let may_hand_over = several && officer.may_own();
    Ok(Some(ManagedDataset { dataset, organisation, suspension, may_hand_over, offered_to }))
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
