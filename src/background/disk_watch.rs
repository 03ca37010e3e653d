//! Notices when the disk is so full that what is left is kept for people who are known.

use std::time::Duration;

use crate::app::App;

/// How often the disk is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Runs for ever.
pub async fn run(app: App) {
    loop {
        app.look_at_disk();
        tokio::time::sleep(EVERY).await;
    }
}
