//! Tells those who decide that requests still wait, when their days are over.

use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::domain::access_request::deadlines::Nudge;
use crate::ledger::commands::deadlines::nudge_some;
use crate::store::deadlines::reached;

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(2);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    loop {
        due.tick().await;
        // The later one first: whoever hears that a request is overdue needs no reminder any more.
        for nudge in [Nudge::Overdue, Nudge::Reminder] {
            // A look costs no transaction of the ledger's. When the database can't be read, others say so.
            while app
                .reads
                .read(move |conn| reached(conn, nudge, clock::now(), 1))
                .await
                .is_ok_and(|found| !found.is_empty())
            {
                if let Err(error) = app.ledger.run(move |tx| nudge_some(tx, nudge)).await {
                    tracing::warn!(%error, "those who decide can't be told what still waits");
                    break;
                }
            }
        }
    }
}
