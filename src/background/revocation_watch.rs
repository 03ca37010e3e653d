//! Aborts active transfers that would not be admitted any more: after a revocation here or by another process (a replica,
//! or a command), and when a grant, token or session ends.

use std::time::Duration;

use crate::app::App;
use crate::clock;
use crate::domain::transfer::Interruption;
use crate::ledger::access_cache::AccessCache;
use crate::ledger::commands::admissions::assess;
use crate::store::log;

/// How often the access epoch is looked at. Transfers are aborted within a second of a revocation anywhere.
const EVERY: Duration = Duration::from_millis(200);
/// How long an assessment may take, repeated as often as it fails: with [`EVERY`] and [`REST`] less than the second that is
/// promised.
const DEADLINE: Duration = Duration::from_millis(650);
/// The pause before it is repeated.
const PAUSE: Duration = Duration::from_millis(100);
/// The pause after one, so that many revocations at once cost one assessment and not one each.
const REST: Duration = Duration::from_millis(100);

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
        // No event says that a grant, token or session has reached its end.
        if elsewhere || revoked.has_changed().unwrap_or(false) || app.transfers.has_ended(clock::now()) {
            revoked.mark_unchanged();
            assess_active(&app).await;
            tokio::time::sleep(REST).await;
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            // The ledger outlives this task.
            _ = revoked.changed() => revoked.mark_changed(),
        }
    }
}

/// Aborts the transfers that would not be admitted now; all of them if that can't be found out in time.
async fn assess_active(app: &App) {
    if tokio::time::timeout(DEADLINE, assess_until_done(app)).await.is_err() {
        // What can't be known counts as revoked.
        tracing::error!("active transfers can't be assessed; all are aborted");
        app.transfers.abort_all(Interruption::GateUnavailable);
    }
}

async fn assess_until_done(app: &App) {
    loop {
        let transfers = app.transfers.list();
        if transfers.is_empty() {
            return;
        }
        let now = clock::now();
        let assess_all = move |conn: &mut _| {
            let mut access = AccessCache::default();
            for transfer in &transfers {
                let assessed = assess(conn, &mut access, &transfer.request, now)?;
                match assessed.decision {
                    Ok(()) => transfer.set_end(assessed.ends_at),
                    Err(denial) => transfer.abort(Interruption::AccessEnded(denial)),
                }
            }
            Ok(())
        };
        match app.revocation_reads.read(assess_all).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, "active transfers can't be assessed now"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
