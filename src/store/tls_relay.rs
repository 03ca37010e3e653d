//! TLS towards PostgreSQL. libpq is built without it, for it would bring a second cryptographic library: it speaks to a
//! socket of this process, in a folder that nobody else can look into, and the relay behind that speaks TLS to the server.
//!
//! The server's certificate is always verified, its name too: an encrypted connection to whoever answers protects nothing.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio_rustls::TlsConnector;
use url::Url;

use crate::trusted_roots::TrustedRoots;

/// How long the server may take to accept a connection and to shake hands.
const CONNECT: Duration = Duration::from_secs(5);
/// The pause after the system would not give a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long the network may take to acknowledge what was sent, in milliseconds.
const UNACKNOWLEDGED: u32 = 15_000;
/// What a client sends to ask for TLS: its length and a number (`SSLRequest` in PostgreSQL's protocol).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];
/// The port in the name of the socket, which libpq puts there.
const PORT: u16 = 5432;

/// What would lead libpq past the relay.
const PAST: [&str; 4] = ["host", "hostaddr", "port", "service"];

/// Whether a parameter is one that the relay can't do. Of those about TLS it knows two.
fn is_foreign(name: &str) -> bool {
    PAST.contains(&name) || name.starts_with("ssl") && !is_own(name)
}

/// Whether a parameter is for the relay, and not for libpq.
fn is_own(name: &str) -> bool {
    matches!(name, "sslmode" | "sslrootcert")
}

/// A server that is spoken to over TLS.
#[derive(Debug)]
pub struct TlsRelay {
    host: String,
    port: u16,
    /// The certificate authorities to trust besides those that browsers trust.
    ca_file: Option<PathBuf>,
    /// The folder with the socket; made with the first connection.
    started: OnceLock<Result<PathBuf, String>>,
}

impl TlsRelay {
    /// Whether an address asks for TLS (`sslmode` is `require`, `verify-ca` or `verify-full`); if so, the relay, and the
    /// address as libpq takes it, to which the folder of the socket is to be added.
    pub fn wanted(url: &str) -> Option<(Arc<Self>, String)> {
        let parsed = Url::parse(url).ok()?;
        let query = |name: &str| parsed.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        if !matches!(query("sslmode")?.as_str(), "require" | "verify-ca" | "verify-full") {
            return None;
        }
        let foreign = parsed.query_pairs().map(|(name, _)| name).find(|name| is_foreign(name));
        let started = OnceLock::new();
        if let Some(name) = foreign {
            let _ = started.set(Err(format!("{name} can't be given in the address of a database over TLS")));
        }
        let relay = Self {
            host: parsed.host_str().unwrap_or("localhost").trim_matches(['[', ']']).to_owned(),
            port: parsed.port().unwrap_or(PORT),
            ca_file: query("sslrootcert").map(PathBuf::from),
            started,
        };
        let user = match parsed.password() {
            Some(password) => format!("{}:{password}@", parsed.username()),
            None => format!("{}@", parsed.username()),
        };
        let kept = parsed.query_pairs().filter(|(key, _)| !is_own(key) && !is_foreign(key));
        let kept: Vec<String> = kept.map(|(key, value)| format!("{key}={}&", encoded(&value))).collect();
        let rest = kept.concat();
        // The variable PGHOSTADDR would lead past the relay; what is given here, and be it nothing, goes before it.
        Some((Arc::new(relay), format!("postgres://{user}{}?{rest}hostaddr=&port={PORT}", parsed.path())))
    }

    /// The folder with the socket, as the value of a parameter. The relay's thread starts with the first call, and ends with
    /// the process.
    ///
    /// # Errors
    /// Why it can't be started.
    pub fn folder(&self) -> Result<String, String> {
        let started = self.started.get_or_init(|| self.start().map_err(|error| error.to_string()));
        started.as_ref().map(|folder| encoded(&folder.to_string_lossy())).map_err(Clone::clone)
    }

    fn start(&self) -> io::Result<PathBuf> {
        let roots = match &self.ca_file {
            Some(file) => {
                TrustedRoots::with_file(file).map_err(|error| io::Error::other(format!("sslrootcert: {error}")))?
            }
            None => TrustedRoots::default(),
        };
        let connector = TlsConnector::from(Arc::new(roots.client_config()));
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        let folder = std::env::temp_dir().join(format!("countersign-{}", uuid::Uuid::now_v7().simple()));
        crate::private_files::create_private_dir(&folder)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = {
            let _inside = runtime.enter();
            UnixListener::bind(folder.join(format!(".s.PGSQL.{PORT}")))?
        };
        let server = (self.host.clone(), self.port);
        let serve = async move {
            loop {
                let client = match listener.accept().await {
                    Ok((client, _)) => client,
                    // The process may be out of files for a moment.
                    Err(error) => {
                        tracing::error!(%error, "the database over TLS");
                        tokio::time::sleep(PAUSE).await;
                        continue;
                    }
                };
                let (connector, name, server) = (connector.clone(), name.clone(), server.clone());
                tokio::spawn(async move {
                    if let Err(error) = relay(client, &server, &connector, name).await {
                        tracing::warn!(%error, host = server.0, "the connection to the database over TLS");
                    }
                });
            }
        };
        std::thread::Builder::new().name("database tls".into()).spawn(move || runtime.block_on(serve))?;
        Ok(folder)
    }
}

/// A value of a parameter as libpq reads it, in which a plus sign is no space.
fn encoded(value: &str) -> String {
    percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string()
}

impl Drop for TlsRelay {
    fn drop(&mut self) {
        if let Some(Ok(folder)) = self.started.get() {
            // Left behind at worst: an empty socket in a private folder.
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Passes bytes on, in both directions, until either end has enough.
async fn relay(
    mut client: UnixStream,
    (host, port): &(String, u16),
    connector: &TlsConnector,
    name: ServerName<'static>,
) -> io::Result<()> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the server does not answer");
    let shake_hands = async {
        let mut server = TcpStream::connect((host.as_str(), *port)).await?;
        server.set_nodelay(true)?;
        // A network that is gone must not hold the ledger. Where it can't be set, the system's own time holds.
        let _ = rustix::net::sockopt::set_tcp_user_timeout(&server, UNACKNOWLEDGED);
        // Nor a server that is gone while its answer is waited for.
        let _ = rustix::net::sockopt::set_socket_keepalive(&server, true);
        let _ = rustix::net::sockopt::set_tcp_keepidle(&server, Duration::from_secs(10));
        let _ = rustix::net::sockopt::set_tcp_keepintvl(&server, Duration::from_secs(5));
        let _ = rustix::net::sockopt::set_tcp_keepcnt(&server, 3);
        server.write_all(&SSL_REQUEST).await?;
        if server.read_u8().await? != b'S' {
            return Err(io::Error::other("the server does not offer TLS, which sslmode asks for"));
        }
        connector.connect(name, server).await
    };
    let mut server = tokio::time::timeout(CONNECT, shake_hands).await.map_err(late)??;
    // That one end closes without a word is how connections end.
    let _ = copy_bidirectional(&mut client, &mut server).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn only_addresses_that_ask_for_it_are_relayed() {
        for plain in ["postgres://u@h/d", "postgres://u@h/d?sslmode=prefer", "postgres://u@h/d?sslmode=disable"] {
            assert!(TlsRelay::wanted(plain).is_none(), "{plain}");
        }
        let url = "postgres://u%40x:p%2Fw@db.example.org:6432/d?sslmode=verify-full&sslrootcert=%2Fca.pem&application_name=a%20b";
        let (relay, address) = TlsRelay::wanted(url).unwrap();
        assert_eq!((relay.host.as_str(), relay.port), ("db.example.org", 6432));
        assert_eq!(relay.ca_file.as_deref(), Some(Path::new("/ca.pem")));
        assert_eq!(address, "postgres://u%40x:p%2Fw@/d?application_name=a%20b&hostaddr=&port=5432");
        // Nothing leads past the relay.
        for past in ["hostaddr=10.0.0.5", "host=other", "service=x", "port=1", "sslcert=c.pem", "sslcrldir=x"] {
            let (relay, address) = TlsRelay::wanted(&format!("postgres://u@h/d?{past}&sslmode=require")).unwrap();
            assert!(relay.folder().unwrap_err().contains("over TLS"), "{past}");
            assert!(!address.contains("10.0.0.5"), "{address}");
        }
    }
}
