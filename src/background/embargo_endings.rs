//! Makes releases public when their embargo ends.

use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::ledger::commands::releases::end_embargoes;
use crate::store::releases::embargoes_ended;

/// How often embargoes that have ended are looked for.
const EVERY: Duration = Duration::from_secs(1);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    loop {
        due.tick().await;
        // A look costs no transaction of the ledger's. When the database can't be read, others say so.
        let ended = app.reads.read(move |conn| embargoes_ended(conn, clock::now(), 1)).await;
        if ended.map_or(true, |ended| ended.is_empty()) {
            continue;
        }
        if let Err(error) = app.ledger.run(end_embargoes).await {
            tracing::warn!(%error, "releases whose embargo has ended can't be made public");
        }
    }
}
