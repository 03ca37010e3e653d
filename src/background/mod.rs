//! Tasks that run beside requests, one file a task. [`start`] runs them all until they are stopped.

mod certificate_reload;
mod connection_timeouts;
mod deadlines;
mod denial_counts;
mod disk_watch;
mod download_counts;
mod embargo_endings;
mod grant_endings;
mod imports;
mod mail_delivery;
mod revocation_watch;
mod waiting_uploads;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::delivery::connection::tls::Certificate;

/// The tasks of a running gateway.
pub struct Tasks {
    /// Mail that is being sent is sent to its end.
    mail: JoinHandle<()>,
    /// The others may end between any two steps.
    others: Vec<JoinHandle<()>>,
    stop: watch::Sender<bool>,
}

/// Starts every task, on the present runtime. The certificate is given where TLS ends here.
pub fn start(app: &App, certificate: Option<Arc<Certificate>>) -> Tasks {
    let (stop, stopped) = watch::channel(false);
    let mut others = vec![
        tokio::spawn(revocation_watch::run(app.clone())),
        tokio::spawn(connection_timeouts::run(app.clone())),
        tokio::spawn(grant_endings::run(app.clone())),
        tokio::spawn(embargo_endings::run(app.clone())),
        tokio::spawn(deadlines::run(app.clone())),
        tokio::spawn(imports::run(app.clone())),
        tokio::spawn(denial_counts::run(app.clone())),
        tokio::spawn(disk_watch::run(app.clone())),
        tokio::spawn(download_counts::run(app.clone())),
        tokio::spawn(waiting_uploads::run(app.clone())),
    ];
    others.extend(certificate.map(|certificate| tokio::spawn(certificate_reload::run(certificate))));
    Tasks { mail: tokio::spawn(mail_delivery::run(app.clone(), stopped)), others, stop }
}

impl Tasks {
    /// Stops them, and waits for mail that is being sent.
    pub async fn stop(self) {
        for task in self.others {
            task.abort();
        }
        // The receiver may be gone already.
        let _ = self.stop.send(true);
        let _ = self.mail.await;
    }
}
