//! Aborts active transfers that would not be admitted any more, after a revocation here or by another process: a replica,
//! or a command.

use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::domain::transfer::Interruption;
use crate::ledger::access_cache::AccessCache;
use crate::ledger::commands::admissions::assess;
use crate::store::{self, log};

/// How often the access epoch is looked at. Transfers are aborted within a second of a revocation anywhere.
const EVERY: Duration = Duration::from_millis(300);
/// How often one assessment is tried. All tries together take less than the second that is promised.
const TRIES: u32 = 3;
/// How long one try may take.
const TRY: Duration = Duration::from_millis(250);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Runs for ever.
pub async fn run(app: App) {
    let mut revoked = app.ledger.signals().access_changed.subscribe();
    let mut last_epoch = None;
    loop {
        // When the database can't be read, nothing can be seen here; admissions fail by themselves.
        let elsewhere = app.revocation_reads.read(log::access_epoch).await.is_ok_and(|epoch| {
            let before = last_epoch.replace(epoch);
            before.is_some_and(|before| before != epoch)
        });
        if elsewhere || revoked.has_changed().unwrap_or(false) {
            revoked.mark_unchanged();
            assess_active(&app).await;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            // The ledger outlives this task.
            _ = revoked.changed() => revoked.mark_changed(),
        }
    }
}

/// Aborts the transfers that would not be admitted now; all of them if that can't be found out.
async fn assess_active(app: &App) {
    for attempt in 1..=TRIES {
        let transfers = app.transfers.list();
        if transfers.is_empty() {
            return;
        }
        let now = clock::now();
        let assess_all = move |conn: &mut _| {
            let mut access = AccessCache::default();
            for transfer in &transfers {
                if let Err(denial) = assess(conn, &mut access, &transfer.request, now)?.decision {
                    transfer.abort(Interruption::AccessEnded(denial));
                }
            }
            Ok(())
        };
        let assessed = tokio::time::timeout(TRY, app.revocation_reads.read(assess_all)).await;
        match assessed.unwrap_or(Err(store::Error::TimedOut)) {
            Ok(()) => return,
            Err(error) if attempt == TRIES => {
                // What can't be known counts as revoked.
                tracing::error!(%error, "active transfers can't be assessed; all are aborted");
                app.transfers.abort_all(Interruption::GateUnavailable);
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}
