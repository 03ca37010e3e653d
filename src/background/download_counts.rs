//! Counts the downloads that the log has, day by day, for those who look at an overview. Nothing waits for it.

use std::time::Duration;

use crate::app::App;
use crate::store::{download_counts, log};

/// How often it is looked whether there are more.
const EVERY: Duration = Duration::from_secs(5);
/// How long it rests between two steps through a long log.
const REST: Duration = Duration::from_millis(20);
/// How long it waits where something is wrong, such as an archive that is not there.
const AFTER_FAILURE: Duration = Duration::from_mins(1);

/// Runs for ever.
pub async fn run(app: App) {
    loop {
        let rest = match step(&app).await {
            Ok(true) => REST,
            Ok(false) => EVERY,
            Err(error) => {
                tracing::warn!(%error, "downloads can't be counted now: overviews show those before");
                AFTER_FAILURE
            }
        };
        tokio::time::sleep(rest).await;
    }
}

/// Counts the next events; says whether there may be more.
async fn step(app: &App) -> Result<bool, Box<dyn std::error::Error + Send + Sync>> {
    let archive = app.log_archive.clone();
    let read = move |conn: &mut _| {
        let from = download_counts::position(conn)?;
        log::download_counts(conn, &archive, from)
    };
    let Some(part) = app.reads.read(read).await? else { return Ok(false) };
    let is_full = part.is_full;
    app.ledger.run(move |tx| Ok(download_counts::add(tx.conn, &part)?)).await?;
    Ok(is_full)
}
