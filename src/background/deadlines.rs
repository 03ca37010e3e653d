//! Tells those who decide that requests still wait, when their days are over.

use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::domain::access_request::deadlines::Nudge;
use crate::ledger::commands::deadlines::nudge as tell;
use crate::store::deadlines::reached;

/// How often they are looked for.
const EVERY: Duration = Duration::from_secs(2);
/// How many are taken up at a time, each by a command of its own: one that can't be read keeps no other back.
const AT_A_TIME: i64 = 20;

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    loop {
        due.tick().await;
        // The later one first: whoever hears that a request is overdue needs no reminder any more.
        for nudge in [Nudge::Overdue, Nudge::Reminder] {
            // A look costs no transaction of the ledger's. When the database can't be read, others say so.
            let found = app.reads.read(move |conn| reached(conn, nudge, clock::now(), AT_A_TIME)).await;
            for request in found.unwrap_or_default() {
                if let Err(error) = app.ledger.run(move |tx| tell(tx, request, nudge)).await {
                    tracing::warn!(%error, %request, "those who decide can't be told that a request still waits");
                }
            }
        }
    }
}
