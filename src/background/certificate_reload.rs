//! Reads the TLS certificate again when its files change, without a restart.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::connection::tls::Certificate;

/// How often the files' times are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Runs for ever. A certificate that can't be used is logged, and the one before stays.
pub async fn run(certificate: Arc<Certificate>) {
    let mut known = certificate.modified();
    loop {
        tokio::time::sleep(EVERY).await;
        let now = certificate.modified();
        if now == known {
            continue;
        }
        known = now;
        match certificate.reload() {
            Ok(()) => tracing::info!("the certificate was read again"),
            Err(error) => tracing::error!(%error, "the new certificate can't be used; the one before stays"),
        }
    }
}
