//! Deletes files that were handed in and have not become part of a request in time.

use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::ledger::commands::uploads::{delete_left_behind, left_behind};

/// How often such files are looked for.
const EVERY: Duration = Duration::from_secs(10);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    loop {
        due.tick().await;
        // A look costs no transaction of the ledger's. When the database can't be read, others say so.
        let left = app.reads.read(move |conn| left_behind(conn, clock::now())).await;
        if left.map_or(true, |left| left.is_empty()) {
            continue;
        }
        if let Err(error) = app.ledger.run(delete_left_behind).await {
            tracing::warn!(%error, "files that belong to no request can't be deleted");
        }
    }
}
