//! Tells the holders of grants that end soon, or stop because there is something to sign.

use std::time::Duration;

use crate::app::App;
use crate::ledger::commands;
use crate::ledger::commands::agreements::REMINDED_AT_A_TIME;

/// How often they are looked for.
const EVERY: Duration = Duration::from_mins(1);
/// The pause after it: many changes at once cost one look.
const REST: Duration = Duration::from_secs(1);

/// Runs for ever.
pub async fn run(app: App) {
    let mut due = tokio::time::interval(EVERY);
    let mut changed = app.ledger.signals().access_changed.subscribe();
    loop {
        // Who has to sign something new hears of it at once.
        let is_due = tokio::select! {
            _ = due.tick() => true,
            // The ledger outlives this task.
            _ = changed.changed() => false,
        };
        if is_due && let Err(error) = app.ledger.run(commands::grants::notify_ending).await {
            tracing::warn!(%error, "grants that end soon can't be looked for");
        }
        loop {
            match app.ledger.run(commands::agreements::remind_to_sign).await {
                // There are more: other work has its turn between.
                Ok(people) if people >= REMINDED_AT_A_TIME => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "people who have to sign new versions can't be looked for");
                    break;
                }
            }
        }
        tokio::time::sleep(REST).await;
    }
}
