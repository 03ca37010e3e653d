//! Carries the outbox out: takes what is due, sends it, notes what became of it. Runs until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Transport, compose};
use crate::domain::Instant;
use crate::domain::notice::Notice;
use crate::ledger;
use crate::ledger::{Ledger, commands};
use crate::store::ReadPool;
use crate::store::mail::{OutboxMail, due};

/// How often the outbox is looked into when nothing says that there is something new.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How often grants that end soon are looked for.
const ENDINGS_EVERY: Duration = Duration::from_mins(15);
/// Messages taken at a time.
const BATCH: i64 = 20;

/// What the worker needs.
pub struct Postman {
    /// To note what became of messages.
    pub ledger: Ledger,
    /// To find them.
    pub reads: ReadPool,
    /// To send them.
    pub transport: Arc<Transport>,
    /// The public address without a slash at the end.
    pub base: String,
}

impl Postman {
    /// Works until `stop` says so.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut endings = tokio::time::interval(ENDINGS_EVERY);
        loop {
            // Between messages it can be stopped; one that is being sent is sent to its end.
            if let Err(error) = self.deliver_due(&stop).await {
                tracing::warn!(%error, "the outbox can't be worked off now");
            }
            tokio::select! {
                () = self.ledger.signals().mail.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = endings.tick() => {
                    if let Err(error) = self.ledger.run(commands::grants::notify_ending).await {
                        tracing::warn!(%error, "grants that end soon can't be looked for");
                    }
                }
                _ = stop.changed() => return,
            }
        }
    }

    async fn deliver_due(
        &self,
        stop: &watch::Receiver<bool>,
    ) -> std::result::Result<(), Box<dyn std::error::Error + Send + Sync>> {
        loop {
            let now = Instant::now();
            let messages = self.reads.read(move |conn| due(conn, now, BATCH)).await?;
            if messages.is_empty() {
                return Ok(());
            }
            for message in messages {
                if *stop.borrow() {
                    return Ok(());
                }
                self.deliver(message).await?;
            }
        }
    }

    async fn deliver(&self, message: OutboxMail) -> std::result::Result<(), ledger::Error> {
        let claimed = message.clone();
        if !self.ledger.run(move |tx| commands::mail::claim(tx, &claimed)).await? {
            return Ok(());
        }
        let outcome = self.send(&message).await;
        if let Err(error) = &outcome {
            tracing::warn!(mail = %message.id, kind = message.kind, %error, "mail could not be sent");
        }
        let noted = self
            .ledger
            .run(move |tx| match outcome {
                Ok(()) => commands::mail::sent(tx, &message),
                Err(error) => commands::mail::failed(tx, &message, &error),
            })
            .await;
        if let Err(error) = noted {
            // It stays claimed and is tried again: better twice than never.
            tracing::warn!(%error, "what became of a message can't be noted");
        }
        Ok(())
    }

    async fn send(&self, message: &OutboxMail) -> std::result::Result<(), String> {
        let notice: Notice = serde_json::from_str(&message.message).map_err(|error| error.to_string())?;
        let composed = compose(&notice, message.language, &self.base).map_err(|error| error.to_string())?;
        self.transport.send(message.id, &message.recipient, &composed).await.map_err(|error| error.to_string())
    }
}
