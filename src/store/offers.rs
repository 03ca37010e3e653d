//! Datasets that are offered to another organisation.

use diesel::prelude::*;

use super::columns::parse;
use super::connection::AnyConnection;
use super::datasets::texts;
use super::error::Result;
use super::schema::{dataset_agreements, dataset_offers, datasets};
use crate::domain::Timestamp;
use crate::domain::dataset::Dataset;
use crate::domain::ids::{DatasetId, OrganisationId};

/// The organisation that a dataset is offered to.
///
/// # Errors
/// When the database fails.
pub fn of_dataset(conn: &mut AnyConnection, dataset: DatasetId) -> Result<Option<OrganisationId>> {
    let to: Option<String> = dataset_offers::table
        .find(dataset.to_string())
        .select(dataset_offers::organisation_id)
        .first(conn)
        .optional()?;
    to.map(|id| parse("organisation id", &id)).transpose()
}

/// The datasets that are offered to these organisations, with the one that each is offered to.
///
/// # Errors
/// When the database fails.
pub fn to_organisations(
    conn: &mut AnyConnection,
    organisations: &[OrganisationId],
) -> Result<Vec<(DatasetId, OrganisationId)>> {
    const MOST: i64 = 100;
    let rows: Vec<(String, String)> = dataset_offers::table
        .filter(dataset_offers::organisation_id.eq_any(texts(organisations)))
        .order((dataset_offers::offered_at, dataset_offers::dataset_id))
        .limit(MOST)
        .select((dataset_offers::dataset_id, dataset_offers::organisation_id))
        .load(conn)?;
    rows.iter().map(|(dataset, to)| Ok((parse("dataset id", dataset)?, parse("organisation id", to)?))).collect()
}

/// Offers a dataset to an organisation, in place of an earlier offer.
///
/// # Errors
/// When the database fails.
pub fn put(conn: &mut AnyConnection, dataset: DatasetId, to: OrganisationId, now: Timestamp) -> Result<()> {
    remove(conn, dataset)?;
    diesel::insert_into(dataset_offers::table)
        .values((
            dataset_offers::dataset_id.eq(dataset.to_string()),
            dataset_offers::organisation_id.eq(to.to_string()),
            dataset_offers::offered_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends an offer.
///
/// # Errors
/// When the database fails.
pub fn remove(conn: &mut AnyConnection, dataset: DatasetId) -> Result<()> {
    diesel::delete(dataset_offers::table.find(dataset.to_string())).execute(conn)?;
    Ok(())
}

/// Whether another dataset asks for an agreement or the form of this one.
///
/// # Errors
/// When the database fails.
pub fn shares_terms(conn: &mut AnyConnection, dataset: &Dataset) -> Result<bool> {
    let ids: Vec<String> = dataset.agreements.iter().map(ToString::to_string).collect();
    let by_agreement: i64 = dataset_agreements::table
        .filter(dataset_agreements::agreement_id.eq_any(ids))
        .filter(dataset_agreements::dataset_id.ne(dataset.id.to_string()))
        .count()
        .get_result(conn)?;
    let Some(form) = dataset.form else { return Ok(by_agreement > 0) };
    let by_form: i64 = datasets::table
        .filter(datasets::form_id.eq(form.to_string()))
        .filter(datasets::id.ne(dataset.id.to_string()))
        .count()
        .get_result(conn)?;
    Ok(by_agreement + by_form > 0)
}
