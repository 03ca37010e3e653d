//! Reading what the log says about the downloads of a dataset.

use rayon::prelude::*;

use super::archive_files::LogArchive;
use super::blocks::BlockRow;
use super::search::{Blocks, Filter};
use crate::domain::text::Slug;
use crate::log::download_fact::DownloadFact;
use crate::log::holdings::{Holding, Holdings, HoldingsFilter};
use crate::store::columns::unsigned;
use crate::store::connection::AnyConnection;
use crate::store::error::Result;
use crate::store::snapshot::in_snapshot;

/// Blocks read at a time.
const BLOCKS: i64 = 512;

/// Who was sent what of a dataset. Blocks are unpacked and read on all cores, while the next ones are fetched.
///
/// # Errors
/// When the database fails, or a file of the archive can't be read.
pub fn holdings(
    conn: &mut AnyConnection,
    archive: &LogArchive,
    dataset: &Slug,
    filter: HoldingsFilter,
) -> Result<Vec<Holding>> {
    let of_dataset = Filter { dataset: Some(dataset.to_string()), ..Filter::default() };
    in_snapshot(conn, |conn| {
        let mut blocks = Blocks::oldest_first(&of_dataset, 0, i64::MAX);
        let mut holdings = Holdings::new(filter);
        let mut page = blocks.next(conn, BLOCKS)?;
        while let Some(rows) = page {
            let read = || rows.par_iter().map(|row| facts(row, archive, dataset)).collect::<Vec<_>>();
            let (facts, following) = rayon::join(read, || blocks.next(conn, BLOCKS));
            for fact in facts {
                fact?.into_iter().for_each(|fact| holdings.add(fact));
            }
            page = following?;
        }
        Ok(holdings.finish())
    })
}

fn facts(row: &BlockRow, archive: &LogArchive, dataset: &Slug) -> Result<Vec<DownloadFact>> {
    let block = row.open(archive)?;
    let bodies = (unsigned(block.first)..).zip(block.bodies.split('\n'));
    Ok(bodies.filter_map(|(index, body)| DownloadFact::about(dataset, index, body)).collect())
}
