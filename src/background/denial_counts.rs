//! Records how many denied requests of the last minute were counted instead of recorded one by one.

use std::time::Duration;

use crate::app::App;
use crate::ledger::commands::admissions::record_counted_denials;

/// How often the counts are recorded whose minute is over.
const EVERY: Duration = Duration::from_mins(1);

/// Runs for ever.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = app.ledger.run(record_counted_denials).await {
            tracing::warn!(%error, "counted denials can't be recorded now");
        }
    }
}
