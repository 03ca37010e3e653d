//! Counts the downloads that the log has, day by day, for those who look at an overview. Nothing waits for it.

use std::time::Duration;

use crate::app::App;
use crate::store::{self, download_counts, log};

/// How often it is looked whether there are more.
const EVERY: Duration = Duration::from_secs(5);
/// How long it rests between two steps through a long log.
const REST: Duration = Duration::from_millis(20);

/// Runs for ever.
pub async fn run(app: App) {
    loop {
        let rest = match step(&app).await {
            Ok(true) => REST,
            Ok(false) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "downloads can't be counted now");
                EVERY
            }
        };
        tokio::time::sleep(rest).await;
    }
}

/// Counts the next events; says whether there may be more.
async fn step(app: &App) -> store::Result<bool> {
    let archive = app.log_archive.clone();
    let read = move |conn: &mut _| {
        let from = download_counts::position(conn)?;
        Ok(log::download_counts(conn, &archive, from)?.map(|(counts, until)| ((from, until), counts)))
    };
    let Some((counted, counts)) = app.reads.read(read).await? else { return Ok(false) };
    // Where it can't be written now, it is counted again later.
    Ok(app.ledger.run(move |tx| Ok(download_counts::add(tx.conn, counted, &counts)?)).await.is_ok())
}
