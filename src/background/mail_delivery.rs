//! Delivers the outbox: takes messages that are due, sends them, and records what became of each.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::watch;

use crate::app::App;
use crate::clock;
use crate::domain::notice::Notice;
use crate::ledger::commands::mail::Retry;
use crate::ledger::{self, commands};
use crate::mail::compose;
use crate::store;
use crate::store::mail::{OutboxMail, due};

/// How often the outbox is looked into when no commit has announced mail.
const EVERY: Duration = Duration::from_secs(5);
/// Messages that are sent at the same time.
const AT_A_TIME: usize = 5;

/// Why the outbox can't be worked off now.
#[derive(Debug, thiserror::Error)]
enum OutboxError {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
}

/// Runs until `stop` says so; what is being sent then is sent to its end. Several messages are sent at a time, so that a
/// server that is slow to take one holds up nobody else.
pub async fn run(app: App, mut stop: watch::Receiver<bool>) {
    let mut sending = FuturesUnordered::new();
    loop {
        let mut claimed = Vec::new();
        if let Err(error) = take_due(&app, AT_A_TIME - sending.len(), &mut claimed).await {
            tracing::warn!(%error, "the outbox can't be worked off now");
        }
        sending.extend(claimed.into_iter().map(|message| deliver(&app, message)));
        tokio::select! {
            Some(()) = sending.next() => {}
            () = app.ledger.signals().mail.notified() => {}
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => break,
        }
    }
    while sending.next().await.is_some() {}
}

/// Claims up to so many messages that are due. What was claimed before an error is in the list too.
async fn take_due(app: &App, most: usize, claimed: &mut Vec<OutboxMail>) -> Result<(), OutboxError> {
    if most == 0 {
        return Ok(());
    }
    let (now, most) = (clock::now(), i64::try_from(most).unwrap_or(1));
    for message in app.reads.read(move |conn| due(conn, now, most)).await? {
        let wanted = message.clone();
        if app.ledger.run(move |tx| commands::mail::claim(tx, &wanted)).await? {
            claimed.push(message);
        }
    }
    Ok(())
}

async fn deliver(app: &App, message: OutboxMail) {
    let outcome = send(app, &message).await;
    if let Err((error, _)) = &outcome {
        tracing::warn!(mail = %message.id, kind = message.kind, %error, "mail could not be sent");
    }
    let recorded = app
        .ledger
        .run(move |tx| match outcome {
            Ok(()) => commands::mail::sent(tx, &message),
            Err((error, retry)) => commands::mail::failed(tx, &message, &error, retry),
        })
        .await;
    if let Err(error) = recorded {
        // It stays claimed and is tried again: better twice than never.
        tracing::warn!(%error, "what became of a message can't be recorded");
    }
}

async fn send(app: &App, message: &OutboxMail) -> Result<(), (String, Retry)> {
    let broken = |error: String| (error, Retry::Never);
    let notice: Notice = serde_json::from_str(&message.message).map_err(|error| broken(error.to_string()))?;
    let composed = compose(&notice, message.language, app.config.base(), app.config.site.name.as_deref())
        .map_err(|error| broken(error.to_string()))?;
    app.mail_transport.send(message.id, &message.recipient, &composed).await.map_err(|error| {
        let retry = if error.is_permanent() { Retry::Never } else { Retry::Later };
        (error.to_string(), retry)
    })
}
