//! Delivers the outbox: takes messages that are due, sends them, and records what became of each.

use std::time::Duration;

use tokio::sync::watch;

use crate::app::App;
use crate::clock;
use crate::domain::notice::Notice;
use crate::ledger::{self, commands};
use crate::mail::compose;
use crate::store;
use crate::store::mail::{OutboxMail, due};

/// How often the outbox is looked into when no commit has announced mail.
const EVERY: Duration = Duration::from_secs(5);
/// Messages taken at a time.
const BATCH: i64 = 20;

/// Why the outbox can't be worked off now.
#[derive(Debug, thiserror::Error)]
enum OutboxError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// Runs until `stop` says so. It stops between messages; one that is being sent is sent to its end.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = deliver_due(&app, &stop).await {
            tracing::warn!(%error, "the outbox can't be worked off now");
        }
        tokio::select! {
            () = app.ledger.signals().mail.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => return,
        }
    }
}

async fn deliver_due(app: &App, stop: &watch::Receiver<bool>) -> Result<(), OutboxError> {
    loop {
        let now = clock::now();
        let messages = app.reads.read(move |conn| due(conn, now, BATCH)).await?;
        if messages.is_empty() {
            return Ok(());
        }
        for message in messages {
            if *stop.borrow() {
                return Ok(());
            }
            deliver(app, message).await?;
        }
    }
}

async fn deliver(app: &App, message: OutboxMail) -> Result<(), ledger::Error> {
    let claimed = message.clone();
    if !app.ledger.run(move |tx| commands::mail::claim(tx, &claimed)).await? {
        return Ok(());
    }
    let outcome = send(app, &message).await;
    if let Err(error) = &outcome {
        tracing::warn!(mail = %message.id, kind = message.kind, %error, "mail could not be sent");
    }
    let recorded = app
        .ledger
        .run(move |tx| match outcome {
            Ok(()) => commands::mail::sent(tx, &message),
            Err(error) => commands::mail::failed(tx, &message, &error),
        })
        .await;
    if let Err(error) = recorded {
        // It stays claimed and is tried again: better twice than never.
        tracing::warn!(%error, "what became of a message can't be recorded");
    }
    Ok(())
}

async fn send(app: &App, message: &OutboxMail) -> Result<(), String> {
    let notice: Notice = serde_json::from_str(&message.message).map_err(|error| error.to_string())?;
    let composed = compose(&notice, message.language, app.config.base()).map_err(|error| error.to_string())?;
    app.mail_transport.send(message.id, &message.recipient, &composed).await.map_err(|error| error.to_string())
}
