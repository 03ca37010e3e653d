//! How mail leaves: SMTP with TLS, or files in a folder.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use url::Url;

use super::Message;
use crate::domain::ids::MailId;
use crate::domain::text::Secret;
use crate::trusted_roots::TrustedRoots;

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// The sender.
    pub from: String,
    /// The host of the gateway's public address: what this end calls itself.
    pub host: String,
    /// The way it is sent.
    pub transport: MailTransport,
    /// The certificate authorities that a server's certificate may come from.
    pub roots: Arc<TrustedRoots>,
}

/// The way mail is sent.
#[derive(Clone, Debug)]
pub enum MailTransport {
    /// To an SMTP server: `smtps://user:password@host` (TLS from the start), `smtp://…?tls=required` (STARTTLS), or
    /// `smtp://…` (no TLS).
    Smtp(Secret),
    /// Into a folder, as `.eml` files.
    Folder(PathBuf),
}

/// Why a message did not leave.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// An address can't be written to.
    #[error("the address is not one: {0}")]
    Address(#[from] lettre::address::AddressError),
    /// The message can't be put together.
    #[error("the message can't be put together: {0}")]
    Message(#[from] lettre::error::Error),
    /// The server refused it or did not answer.
    #[error("{0}")]
    Smtp(#[from] lettre::transport::smtp::Error),
    /// The folder can't be written.
    #[error("{0}: {1}")]
    Folder(PathBuf, std::io::Error),
}

impl TransportError {
    /// Whether trying again makes no sense: the recipient is not there (RFC 5321 section 4.2.3), or the message can't be put
    /// together. A server that refuses for another reason, such as a wrong password of ours, may take it later.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Address(_) | Self::Message(_) => true,
            Self::Smtp(error) => error.status().is_some_and(|code| matches!(u16::from(code), 550 | 551 | 553)),
            Self::Folder(..) => false,
        }
    }
}

enum Way {
    /// The connections are made at the first message: they need a runtime, which not every command has.
    Smtp(Box<AsyncSmtpTransportBuilder>, OnceLock<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
}

/// Sends messages.
pub struct Transport {
    from: Mailbox,
    host: String,
    way: Way,
}

impl Transport {
    /// Makes a transport from the settings.
    ///
    /// # Errors
    /// When the sender or the server's address can't be used, or the folder not be made.
    pub fn new(config: &MailSettings) -> Result<Self, TransportError> {
        let from = config.from.parse()?;
        let way = match &config.transport {
            MailTransport::Smtp(url) => Way::Smtp(
                Box::new(
                    with_roots(AsyncSmtpTransport::<Tokio1Executor>::from_url(url.expose())?, url, &config.roots)?
                        .hello_name(ClientId::Domain(config.host.clone()))
                        .timeout(Some(std::time::Duration::from_secs(30))),
                ),
                OnceLock::new(),
            ),
            MailTransport::Folder(folder) => {
                crate::private_files::create_private_dir(folder)
                    .map_err(|error| TransportError::Folder(folder.clone(), error))?;
                Way::Folder(folder.clone())
            }
        };
        Ok(Self { from, host: config.host.clone(), way })
    }

    /// The folder that mail lands in, if it does.
    pub const fn folder(&self) -> Option<&PathBuf> {
        match &self.way {
            Way::Folder(folder) => Some(folder),
            Way::Smtp(..) => None,
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the message could not be sent.
    pub async fn send(&self, id: MailId, to: &str, message: &Message) -> Result<(), TransportError> {
        let mut builder = lettre::Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(&message.subject)
            .message_id(Some(format!("<{id}@{}>", self.host)))
            // Nobody's absence note should come back (RFC 3834).
            .header(AutoSubmitted);
        if let Some(thread) = &message.thread {
            // All messages about one request answer a first one that nobody has: mail programs keep them together.
            let first = format!("<{thread}@{}>", self.host);
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        let mail = builder.multipart(MultiPart::alternative_plain_html(message.text.clone(), message.html.clone()))?;
        match &self.way {
            Way::Smtp(builder, connections) => {
                connections.get_or_init(|| builder.as_ref().clone().build()).send(mail).await?;
            }
            Way::Folder(folder) => {
                let file = folder.join(format!("{id}.eml"));
                tokio::fs::write(&file, mail.formatted()).await.map_err(|error| TransportError::Folder(file, error))?;
            }
        }
        Ok(())
    }
}

/// With further certificate authorities, where the address asks for TLS.
fn with_roots(
    builder: AsyncSmtpTransportBuilder,
    url: &Secret,
    roots: &TrustedRoots,
) -> Result<AsyncSmtpTransportBuilder, TransportError> {
    let Ok(parsed) = Url::parse(url.expose()) else { return Ok(builder) };
    if roots.certificates().len() == 0 {
        return Ok(builder);
    }
    let mut parameters = TlsParameters::builder(parsed.host_str().unwrap_or_default().to_owned());
    for certificate in roots.certificates() {
        parameters = parameters.add_root_certificate(Certificate::from_der(certificate)?);
    }
    let parameters = parameters.build()?;
    let wanted = parsed.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    Ok(match (parsed.scheme(), wanted.as_deref()) {
        ("smtps", _) => builder.tls(Tls::Wrapper(parameters)),
        (_, Some("required")) => builder.tls(Tls::Required(parameters)),
        (_, Some("opportunistic")) => builder.tls(Tls::Opportunistic(parameters)),
        _ => builder,
    })
}

#[derive(Clone, Copy)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }
    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }
    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".into())
    }
}
