//! Tells the holders of grants that end soon.

use std::time::Duration;

use crate::app::App;
use crate::ledger::commands;

/// How often grants that end soon are looked for.
const EVERY: Duration = Duration::from_mins(15);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    loop {
        due.tick().await;
        if let Err(error) = app.ledger.run(commands::grants::notify_ending).await {
            tracing::warn!(%error, "grants that end soon can't be looked for");
        }
    }
}
