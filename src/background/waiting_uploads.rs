//! Deletes files that were handed in and have not become part of a request in time.

use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::ledger::commands::uploads::{give_up, left_behind};

/// How often such files are looked for.
const EVERY: Duration = Duration::from_secs(10);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    loop {
        due.tick().await;
        // One after the other, so that other jobs come between. When the database can't be read, others say so.
        while let Ok(Some(id)) = app.reads.read(move |conn| left_behind(conn, clock::now())).await {
            if let Err(error) = app.ledger.run(move |tx| give_up(tx, id)).await {
                tracing::warn!(%error, "a file that belongs to no request can't be deleted");
                break;
            }
        }
    }
}
