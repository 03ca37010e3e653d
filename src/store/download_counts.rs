//! Downloads by dataset and day, counted from the log.

use diesel::prelude::*;

use super::columns::{signed, unsigned};
use super::connection::AnyConnection;
use super::error::Result;
use super::log::CountedPart;
use super::schema::{download_count_position, download_counts};

/// Up to which entry of the log downloads are counted.
///
/// # Errors
/// When the database fails.
pub fn position(conn: &mut AnyConnection) -> Result<u64> {
    Ok(unsigned(download_count_position::table.select(download_count_position::entries).first(conn)?))
}

/// Adds what was counted in a part of the log. Does nothing where another process has counted it.
///
/// # Errors
/// When the database fails.
pub fn add(conn: &mut AnyConnection, part: &CountedPart) -> Result<()> {
    let CountedPart { from, until, counts, .. } = part;
    if position(conn)? != *from {
        return Ok(());
    }
    diesel::update(download_count_position::table)
        .set(download_count_position::entries.eq(signed(*until)))
        .execute(conn)?;
    for ((dataset, day), count) in counts {
        let (admitted, bytes) = (signed(count.admitted), signed(count.bytes));
        let of_day = download_counts::table.find((dataset, day));
        let added = diesel::update(of_day)
            .set((
                download_counts::admitted.eq(download_counts::admitted + admitted),
                download_counts::bytes.eq(download_counts::bytes + bytes),
            ))
            .execute(conn)?;
        if added == 0 {
            diesel::insert_into(download_counts::table)
                .values((
                    download_counts::dataset.eq(dataset),
                    download_counts::day.eq(day),
                    download_counts::admitted.eq(admitted),
                    download_counts::bytes.eq(bytes),
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}
