//! Settings: one TOML file, and every key also as an environment variable, `COUNTERSIGN_` and the key in capitals with
//! `_` for each dot. Messages name the key that is wrong.

mod environment;
mod error;
mod keys;
mod limits;
mod mail;
mod s3;
mod server;
mod site;
mod sources;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Table;
use url::Url;

pub use error::ConfigError;
use error::key;
use keys::{Key, section};
pub use site::{Contact, Logo, Site};
pub use sources::Source;

use crate::delivery::connection::abort::Timeouts;
use crate::delivery::connection::tls::TlsFiles;
use crate::delivery::limits::Limits;
use crate::delivery::storage::S3Settings;
use crate::domain::origin::TrustedProxies;
use crate::domain::text::Secret;
use crate::log::checkpoint::name_is_good;
use crate::mail::MailSettings;
use crate::store::Database;
use crate::store::log::LogArchive;
use crate::trusted_roots::TrustedRoots;

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address people and clients use, without a slash at the end.
    pub public_url: Url,
    /// Where keys, and by default the database, are.
    pub data_dir: PathBuf,
    /// Whether a proxy in front ends TLS and says who the client is.
    pub tls_proxy: bool,
    /// The proxies that are believed; empty without one.
    pub proxies: TrustedProxies,
    /// Threads that answer requests; 0 for one a core.
    pub workers: usize,
    /// The database.
    pub database: Database,
    /// Connections for reading.
    pub readers: u32,
    /// How mail leaves.
    pub mail: MailSettings,
    /// The log's name in checkpoints; used when the log's key is made.
    pub log_name: String,
    /// Passwords hashed at the same time; each takes 19 MiB while it is.
    pub password_parallel: usize,
    /// Connections at the same time.
    pub connections: usize,
    /// Connections at the same time from one network.
    pub address_connections: usize,
    /// What one client may ask for.
    pub limits: Limits,
    /// How long clients may keep a connection waiting.
    pub timeouts: Timeouts,
    /// How to reach buckets.
    pub s3: S3Settings,
    /// The certificate chain and its key, both PEM, when TLS ends here.
    pub tls: Option<TlsFiles>,
    /// Who runs the gateway.
    pub site: Arc<Site>,
    /// Where files may be that are published in the browser.
    pub sources: Vec<Source>,
    /// The certificate authorities that are trusted, besides those that browsers trust.
    pub roots: Arc<TrustedRoots>,
}

section! {
    TopLevel, "" {
        listen: String,
        public_url: String,
        data_dir: PathBuf,
        tls_proxy: bool,
        trusted_proxies: Vec<String>,
        proxy_header: String,
        ca_file: PathBuf,
        workers: usize,
    }
}

section! {
    DatabaseSection, "database." {
        url: Secret,
        url_file: PathBuf,
        readers: u32,
    }
}

section! {
    LogSection, "log." {
        name: String,
    }
}

section! {
    PasswordSection, "passwords." {
        parallel: usize,
    }
}

/// Every key.
fn keys() -> impl Iterator<Item = &'static Key> {
    [
        TopLevel::KEYS,
        DatabaseSection::KEYS,
        mail::MailSection::KEYS,
        LogSection::KEYS,
        PasswordSection::KEYS,
        limits::LimitsSection::KEYS,
        s3::S3Section::KEYS,
        server::TlsSection::KEYS,
        site::SiteSection::KEYS,
    ]
    .into_iter()
    .flatten()
}

/// A section of the table, or an empty one.
fn take<T: serde::de::DeserializeOwned + Default>(table: &mut Table, name: &str) -> Result<T, ConfigError> {
    match table.remove(name) {
        Some(value) => value.try_into().map_err(|error| ConfigError::Form(format!("{name}: {}", in_table(&error)))),
        None => Ok(T::default()),
    }
}

/// What is wrong with a value, and in which key. A table is not text any more, so no line of the file comes with it.
fn in_table(error: &toml::de::Error) -> String {
    error.to_string().trim().replace('\n', " ")
}

/// What is wrong with a file, and where; without the line itself, which may hold a secret.
fn in_file(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let start = error.span().map_or(0, |span| span.start.min(text.len()));
    let line = text.get(..start).unwrap_or(text).matches('\n').count() + 1;
    format!("{}, line {line}: {}", path.display(), error.message())
}

/// A secret that is given itself or in a file.
fn secret(
    (name, value): (&'static str, Option<Secret>),
    (file_name, file): (&'static str, Option<PathBuf>),
) -> Result<Option<Secret>, ConfigError> {
    match (value, file) {
        (Some(_), Some(_)) => Err(key(name, format!("can't be given together with {file_name}"))),
        (value, None) => Ok(value),
        (None, Some(file)) => {
            let read = std::fs::read_to_string(&file);
            let text = read.map_err(|error| key(file_name, format!("{}: {error}", file.display())))?;
            Ok(Some(Secret::new(text.trim().to_owned())))
        }
    }
}

/// Refuses an address in which a password has characters that end it.
fn check_credentials(name: &'static str, address: &Secret) -> Result<(), ConfigError> {
    let text = address.expose();
    let Some((_, rest)) = text.split_once("://") else { return Ok(()) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let stray_percent = authority.match_indices('%').any(|(at, _)| {
        let digits = authority.as_bytes().get(at + 1..at + 3);
        !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    // Behind the first of these characters in a password, its rest is taken for something else: what then seems to be a
    // port is none.
    let is_port = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let has_bad_port = || authority.rsplit_once(':').is_some_and(|(_, port)| !is_port(port));
    let lost_at =
        authority.matches('@').count() > 1 || !authority.contains('@') && rest.contains('@') && has_bad_port();
    if stray_percent || lost_at {
        let why = "can't be read. In a password, these must be percent-encoded: / is %2F, # is %23, % is %25, @ is %40, \
                   ? is %3F, : is %3A";
        return Err(key(name, why));
    }
    Ok(())
}

impl Config {
    /// Reads the file, if one is given, and the environment, which is stronger. A data folder that the command line names is
    /// stronger still.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn load(file: Option<&Path>, data_dir: Option<&Path>) -> Result<Self, ConfigError> {
        let mut table = match file {
            None => Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File(path.to_owned(), error))?;
                text.parse::<Table>().map_err(|error| ConfigError::Form(in_file(path, &text, &error)))?
            }
        };
        environment::check_names(keys(), std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))?;
        environment::overlay(&mut table, keys(), |name| std::env::var(name).ok());
        if let Some(folder) = data_dir {
            table.insert("data_dir".to_owned(), folder.to_string_lossy().into_owned().into());
        }
        Self::from_table(table)
    }

    /// Checks settings.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn from_table(mut table: Table) -> Result<Self, ConfigError> {
        let tls = table.contains_key("tls").then(|| take(&mut table, "tls")).transpose()?;
        let tls = tls.map(server::tls).transpose()?;
        let database: DatabaseSection = take(&mut table, "database")?;
        let mail: mail::MailSection = take(&mut table, "mail")?;
        let log: LogSection = take(&mut table, "log")?;
        let passwords: PasswordSection = take(&mut table, "passwords")?;
        let limits: limits::LimitsSection = take(&mut table, "limits")?;
        let s3: s3::S3Section = take(&mut table, "s3")?;
        let site: site::SiteSection = take(&mut table, "site")?;
        let sources: Vec<sources::SourceSection> = take(&mut table, "source")?;
        let top: TopLevel = table.try_into().map_err(|error| ConfigError::Form(in_table(&error)))?;

        let listen = server::listen(top.listen)?;
        let tls_proxy = top.tls_proxy.unwrap_or(false);
        if tls.is_some() && tls_proxy {
            return Err(key("tls_proxy", "must be false where tls.certificate ends TLS here"));
        }
        let public_url = server::public_url(top.public_url, listen, tls_proxy, tls.is_some())?;
        let data_dir = top.data_dir.unwrap_or_else(|| PathBuf::from("countersign-data"));
        let log_name = log.name.unwrap_or_else(|| format!("{}/log", public_url.host_str().unwrap_or("localhost")));
        if !name_is_good(&log_name) {
            return Err(key("log.name", "must be without spaces and without +"));
        }
        let database_url = secret(("database.url", database.url), ("database.url_file", database.url_file))?;
        if let Some(url) = &database_url {
            check_credentials("database.url", url)?;
        }
        let roots = match top.ca_file {
            Some(file) => TrustedRoots::with_file(&file).map_err(|error| key("ca_file", error.to_string()))?,
            None => TrustedRoots::default(),
        };
        let roots = Arc::new(roots);
        let readers = database.readers.unwrap_or(8);
        if readers == 0 {
            return Err(key("database.readers", "must be at least 1"));
        }
        let password_parallel = passwords.parallel.unwrap_or(2);
        if password_parallel == 0 {
            return Err(key("passwords.parallel", "must be at least 1"));
        }
        Ok(Self {
            listen,
            tls_proxy,
            proxies: server::proxies(top.trusted_proxies, top.proxy_header, tls_proxy)?,
            workers: top.workers.unwrap_or(0),
            database: database_url.map_or_else(
                || Database::Sqlite(data_dir.join("countersign.db").to_string_lossy().into_owned()),
                |url| Database::parse(url.expose()),
            ),
            readers,
            mail: mail::check(mail, &public_url, &data_dir, roots.clone())?,
            roots,
            log_name,
            password_parallel,
            connections: limits::connections(&limits)?,
            address_connections: limits::address_connections(&limits)?,
            timeouts: limits::timeouts(&limits)?,
            limits: limits::limits(&limits),
            s3: s3::check(s3)?,
            site: Arc::new(site::check(site)?),
            sources: sources::check(sources)?,
            tls,
            public_url,
            data_dir,
        })
    }

    /// Refuses to speak plain HTTP to other machines, unless a proxy is there that ends TLS.
    ///
    /// # Errors
    /// The setting to change.
    pub fn check_plain_http(&self) -> Result<(), ConfigError> {
        if self.tls.is_some() || self.tls_proxy || self.listen.ip().is_loopback() {
            return Ok(());
        }
        let why = "is not this machine alone, and passwords would cross the network unencrypted: give tls.certificate and \
                   tls.key, or set tls_proxy = true for a proxy that ends TLS";
        Err(key("listen", why))
    }

    /// Where old events of the log are.
    pub fn log_archive(&self) -> LogArchive {
        LogArchive::new(self.data_dir.join("archive"))
    }

    /// The public address without a slash at the end.
    pub fn base(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// Whether browsers reach this gateway over https.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::MailTransport;

    fn check(text: &str) -> Result<Config, String> {
        Config::from_table(text.parse().unwrap()).map_err(|error| error.to_string())
    }

    #[test]
    fn defaults_run() {
        let config = check("").unwrap();
        assert_eq!(config.base(), "http://localhost:8080");
        assert!(matches!(config.mail.transport, MailTransport::Folder(_)));
    }

    #[test]
    fn messages_name_the_key() {
        for (text, wanted) in [
            ("listen = \"here\"", "listen: "),
            ("public_url = \"http://data.example.org\"", "public_url: must be https"),
            ("public_url = \"https://data.example.org\"", "tls_proxy: must be true"),
            ("public_url = \"https://data.example.org/x\"\ntls_proxy = true", "public_url: must be a host alone"),
            ("colour = 1", "colour"),
            ("ca_file = \"/nowhere/at/all\"", "ca_file: /nowhere/at/all"),
            ("[database]\nreaders = 0", "database.readers: "),
            ("[database]\nreaders = \"many\"", "readers"),
            ("[mail]\nsmtp = \"mail.example.org\"", "mail.smtp: "),
            ("[mail]\nfrom = \"nobody\"", "mail.from: "),
            ("[log]\nname = \"a b\"", "log.name: "),
            ("[limits]\nrequest_seconds = 0", "limits.request_seconds: "),
            ("[limits]\ntransfers = 1", "transfers"),
            ("[s3]\nendpoint = \"minio:9000\"", "s3.endpoint: "),
            ("[s3]\naccess_key = \"a\"", "s3.access_key: "),
            ("[s3]\ncredentials = \"some\"", "s3.credentials: "),
            ("trusted_proxies = [\"10.0.0.1\"]", "trusted_proxies: "),
            ("tls_proxy = true\ntrusted_proxies = [\"proxy\"]", "trusted_proxies: "),
            ("tls_proxy = true\nproxy_header = \"x-real-ip\"", "proxy_header: "),
            ("[database]\nurl = \"postgres://u:a/b@h/d\"", "database.url: can't be read. In a password"),
            ("[database]\nurl = \"postgres://u:a#b@h/d\"", "percent-encoded"),
            ("[database]\nurl = \"postgres://u:a@b@h/d\"", "percent-encoded"),
            ("[database]\nurl = \"postgres://u:a%b@h/d\"", "percent-encoded"),
            ("[database]\nurl = \"postgres://u:a?b@h/d\"", "percent-encoded"),
            ("[mail]\nsmtp = \"smtps://u:a/b@h\"", "mail.smtp: can't be read"),
            ("[mail]\nsmtp = \"smtps://[h\"", "mail.smtp: "),
            ("[mail]\nsmtp_file = \"/nowhere/at/all\"", "mail.smtp_file: /nowhere"),
            ("[database]\nurl = \"x.db\"\nurl_file = \"y\"", "database.url_file"),
            ("[s3]\naccess_key = \"a\"\nsecret_file = \"/nowhere/at/all\"", "s3.secret_file: /nowhere"),
            ("[site]\ncontact = \"us\"", "site.contact: "),
            ("[site]\nlogo = \"logo.gif\"", "site.logo: "),
            ("[site]\nprivacy_url = \"privacy\"", "site.privacy_url: "),
            ("[tls]\nkey = \"key.pem\"", "tls.certificate: "),
            ("tls_proxy = true\n[tls]\nkey = \"k\"\ncertificate = \"c\"", "tls_proxy: "),
            ("public_url = \"http://localhost\"\n[tls]\nkey = \"k\"\ncertificate = \"c\"", "public_url: "),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(wanted), "{text} → {error}");
        }
    }

    #[test]
    fn the_environment_has_the_last_word() {
        let mut table: Table = "[database]\nreaders = 3\nurl = \"a.db\"".parse().unwrap();
        environment::overlay(&mut table, keys(), |name| match name {
            "COUNTERSIGN_DATABASE_READERS" => Some("5".into()),
            "COUNTERSIGN_LISTEN" => Some("127.0.0.1:9".into()),
            "COUNTERSIGN_TLS_PROXY" => Some("true".into()),
            _ => None,
        });
        let config = Config::from_table(table).unwrap();
        assert_eq!((config.readers, config.listen.port(), config.tls_proxy), (5, 9, true));
    }

    #[test]
    fn a_faulty_line_is_named_and_not_printed() {
        let text = "listen = \"127.0.0.1:1\"\n[database]\nurl = postgres://u:hunter2@h/d\n";
        let said = in_file(Path::new("x.toml"), text, &text.parse::<Table>().unwrap_err());
        assert!(said.starts_with("x.toml, line 3: ") && !said.contains("hunter2"), "{said}");
        let error = check("[database]\nurl = [\"hunter2\"]").unwrap_err();
        assert!(error.contains("database") && !error.contains("hunter2"), "{error}");
    }

    #[test]
    fn unknown_variables_are_refused() {
        let check = |name: &str| environment::check_names(keys(), [name.to_owned()]);
        for good in ["COUNTERSIGN_LISTEN", "COUNTERSIGN_DATABASE_URL", "COUNTERSIGN_TOKEN", "PATH"] {
            assert!(check(good).is_ok(), "{good}");
        }
        let error = check("COUNTERSIGN_DATABSE_URL").unwrap_err().to_string();
        assert!(error.contains("COUNTERSIGN_DATABSE_URL"), "{error}");
    }

    #[test]
    fn secrets_do_not_print() {
        let config =
            check("[database]\nurl = \"postgres://u:hunter2@h/d\"\n[mail]\nsmtp = \"smtps://u:hunter2@h\"").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
