//! Enforces the timeouts of connections and of transfers that share one.

use crate::app::App;
use crate::delivery::connection::abort::TICK;

/// Runs for ever.
pub async fn run(app: App) {
    loop {
        tokio::time::sleep(TICK).await;
        app.connections.tick();
        app.transfers.abort_stalled();
    }
}
