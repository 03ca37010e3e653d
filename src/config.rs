//! Settings: one TOML file, and every key also as an environment variable, `COUNTERSIGN_` and the key in capitals with
//! `_` for each dot. Messages name the key that is wrong.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::{Table, Value};
use url::Url;

use crate::delivery::limits::{Allowance, Limits};
use crate::delivery::storage::S3Settings;
use crate::delivery::wire::Patience;
use crate::domain::text::Secret;
use crate::log::checkpoint::name_is_good;
use crate::store::Database;
use crate::store::log::LogArchive;

/// Every key, in the order of the documentation.
const KEYS: &[&str] = &[
    "listen",
    "public_url",
    "data_dir",
    "tls_proxy",
    "workers",
    "database.url",
    "database.readers",
    "mail.from",
    "mail.smtp",
    "mail.folder",
    "log.name",
    "passwords.parallel",
    "limits.connections",
    "limits.token_transfers",
    "limits.token_requests",
    "limits.address_transfers",
    "limits.address_requests",
    "limits.request_seconds",
    "limits.stalled_seconds",
    "limits.idle_seconds",
    "s3.endpoint",
    "s3.region",
    "s3.access_key",
    "s3.secret_file",
    "s3.secret_key",
    "tls.certificate",
    "tls.key",
];

/// The settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The address people and clients use, without a slash at the end.
    pub public_url: Url,
    /// Where keys, and by default the database, are.
    pub data_dir: PathBuf,
    /// Whether a proxy in front ends TLS and says in `X-Forwarded-For` who the client is.
    pub tls_proxy: bool,
    /// Threads that answer requests; 0 for one a core.
    pub workers: usize,
    /// The database.
    pub database: Database,
    /// Connections for reading.
    pub readers: u32,
    /// How mail leaves.
    pub mail: MailConfig,
    /// The log's name in checkpoints; used when the log's key is made.
    pub log_name: String,
    /// Passwords hashed at the same time; each takes 19 MiB while it is.
    pub password_parallel: usize,
    /// Connections at the same time.
    pub connections: usize,
    /// What one client may ask for.
    pub limits: Limits,
    /// How long clients may keep a connection waiting.
    pub patience: Patience,
    /// How to reach buckets.
    pub s3: S3Settings,
    /// The certificate chain and its key, both PEM, when TLS ends here.
    pub tls: Option<TlsFiles>,
}

/// Where the certificate is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How mail leaves.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// The sender.
    pub from: String,
    /// Where it goes.
    pub transport: MailTransport,
}

/// Where mail goes.
#[derive(Clone, Debug)]
pub enum MailTransport {
    /// To an SMTP server: `smtps://user:password@host` (TLS from the start), `smtp://…?tls=required` (STARTTLS), or
    /// `smtp://…` (no TLS).
    Smtp(Secret),
    /// Into a folder, as `.eml` files.
    Folder(PathBuf),
}

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file can't be read.
    #[error("can't read the configuration file {0}: {1}")]
    File(PathBuf, std::io::Error),
    /// The file is not TOML, or has a key that is not known.
    #[error("the configuration is wrong: {0}")]
    Form(String),
    /// A key's value can't be used.
    #[error("{key}: {why}")]
    Key {
        /// The key; its environment variable is `COUNTERSIGN_` and the key in capitals with `_` for dots.
        key: &'static str,
        /// What to do.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    listen: Option<String>,
    public_url: Option<String>,
    data_dir: Option<PathBuf>,
    tls_proxy: Option<bool>,
    workers: Option<usize>,
    #[serde(default)]
    database: DatabaseForm,
    #[serde(default)]
    mail: MailForm,
    #[serde(default)]
    log: LogForm,
    #[serde(default)]
    passwords: PasswordForm,
    #[serde(default)]
    limits: LimitsForm,
    #[serde(default)]
    s3: S3Form,
    tls: Option<TlsForm>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct S3Form {
    endpoint: Option<String>,
    region: Option<String>,
    access_key: Option<String>,
    secret_file: Option<PathBuf>,
    secret_key: Option<Secret>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsForm {
    connections: Option<usize>,
    token_transfers: Option<u32>,
    token_requests: Option<u32>,
    address_transfers: Option<u32>,
    address_requests: Option<u32>,
    request_seconds: Option<u64>,
    stalled_seconds: Option<u64>,
    idle_seconds: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsForm {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct DatabaseForm {
    url: Option<Secret>,
    readers: Option<u32>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct MailForm {
    from: Option<String>,
    smtp: Option<Secret>,
    folder: Option<PathBuf>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LogForm {
    name: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PasswordForm {
    parallel: Option<usize>,
}

impl Config {
    /// Reads the file, if one is given, and the environment, which has the last word.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        let mut table = match file {
            None => Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| ConfigError::File(path.to_owned(), error))?;
                text.parse::<Table>().map_err(|error| ConfigError::Form(error.to_string()))?
            }
        };
        overlay(&mut table, |name| std::env::var(name).ok());
        Self::from_table(table)
    }

    /// Checks settings.
    ///
    /// # Errors
    /// The first setting that can't be used.
    pub fn from_table(table: Table) -> Result<Self, ConfigError> {
        let form: Form = table.try_into().map_err(|error| ConfigError::Form(error.to_string()))?;
        let listen_text = form.listen.unwrap_or_else(|| "127.0.0.1:8080".into());
        let listen: SocketAddr =
            listen_text.parse().map_err(|_| key("listen", format!("{listen_text:?} is not ADDRESS:PORT")))?;
        let tls_proxy = form.tls_proxy.unwrap_or(false);
        let tls = form.tls.map(tls).transpose()?;
        if tls.is_some() && tls_proxy {
            return Err(key("tls_proxy", "must be false where tls.certificate ends TLS here"));
        }
        let public_url = public_url(form.public_url, listen, tls_proxy, tls.is_some())?;
        let data_dir = form.data_dir.unwrap_or_else(|| PathBuf::from("countersign-data"));
        let database = form.database.url.map_or_else(
            || Database::Sqlite(data_dir.join("countersign.db").to_string_lossy().into_owned()),
            |url| Database::parse(url.expose()),
        );
        let readers = form.database.readers.unwrap_or(8);
        if readers == 0 {
            return Err(key("database.readers", "must be at least 1"));
        }
        let mail = mail(form.mail, &public_url, &data_dir)?;
        let log_name = form.log.name.unwrap_or_else(|| default_log_name(&public_url));
        if !name_is_good(&log_name) {
            return Err(key("log.name", "must be without spaces and without +"));
        }
        let password_parallel = form.passwords.parallel.unwrap_or(2);
        if password_parallel == 0 {
            return Err(key("passwords.parallel", "must be at least 1"));
        }
        let workers = form.workers.unwrap_or(0);
        let connections = form.limits.connections.unwrap_or(20_000);
        if connections == 0 {
            return Err(key("limits.connections", "must be at least 1"));
        }
        let (limits, patience) = limits(&form.limits)?;
        Ok(Self {
            listen,
            public_url,
            data_dir,
            tls_proxy,
            workers,
            database,
            readers,
            mail,
            log_name,
            password_parallel,
            connections,
            limits,
            patience,
            s3: s3(form.s3)?,
            tls,
        })
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

fn key(key: &'static str, why: impl Into<String>) -> ConfigError {
    ConfigError::Key { key, why: why.into() }
}

fn default_log_name(url: &Url) -> String {
    format!("{}/log", url.host_str().unwrap_or("localhost"))
}

fn tls(form: TlsForm) -> Result<TlsFiles, ConfigError> {
    match (form.certificate, form.key) {
        (Some(certificate), Some(key)) => Ok(TlsFiles { certificate, key }),
        (None, _) => Err(key("tls.certificate", "is needed together with tls.key: a PEM file")),
        (_, None) => Err(key("tls.key", "is needed together with tls.certificate: a PEM file")),
    }
}

fn s3(form: S3Form) -> Result<S3Settings, ConfigError> {
    if let Some(endpoint) = &form.endpoint
        && !Url::parse(endpoint).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        return Err(key("s3.endpoint", "must begin with https:// or http://"));
    }
    let secret_key = match (form.secret_file, form.secret_key) {
        (Some(_), Some(_)) => return Err(key("s3.secret_key", "can't be given together with s3.secret_file")),
        (Some(file), None) => {
            let text = std::fs::read_to_string(&file)
                .map_err(|error| key("s3.secret_file", format!("{}: {error}", file.display())))?;
            Some(Secret::new(text.trim().to_owned()))
        }
        (None, secret) => secret,
    };
    if form.access_key.is_some() != secret_key.is_some() {
        return Err(key("s3.access_key", "goes with s3.secret_file or s3.secret_key, and they with it"));
    }
    Ok(S3Settings { endpoint: form.endpoint, region: form.region, access_key: form.access_key, secret_key })
}

fn limits(form: &LimitsForm) -> Result<(Limits, Patience), ConfigError> {
    let limits = Limits {
        credential: Allowance {
            transfers: form.token_transfers.unwrap_or(256),
            requests: form.token_requests.unwrap_or(2_000),
        },
        address: Allowance {
            transfers: form.address_transfers.unwrap_or(1_024),
            requests: form.address_requests.unwrap_or(4_000),
        },
    };
    let seconds = |name, given: Option<u64>, default| match given.unwrap_or(default) {
        0 => Err(key(name, "must be at least 1")),
        seconds => Ok(Duration::from_secs(seconds)),
    };
    let patience = Patience {
        asking: seconds("limits.request_seconds", form.request_seconds, 30)?,
        stalled: seconds("limits.stalled_seconds", form.stalled_seconds, 120)?,
        idle: seconds("limits.idle_seconds", form.idle_seconds, 75)?,
    };
    Ok((limits, patience))
}

fn public_url(text: Option<String>, listen: SocketAddr, tls_proxy: bool, tls: bool) -> Result<Url, ConfigError> {
    let name = "public_url";
    let scheme = if tls { "https" } else { "http" };
    let text = text.unwrap_or_else(|| format!("{scheme}://localhost:{}", listen.port()));
    let url = Url::parse(&text).map_err(|error| key(name, format!("{text:?}: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(key(name, "must begin with https:// (or http:// on this machine) and a host"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(key(name, "must be a host alone, without a path"));
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    if url.scheme() == "http" && !loopback {
        return Err(key(name, "must be https:// for anything but this machine itself, for passwords cross it"));
    }
    if url.scheme() == "https" && !tls_proxy && !tls {
        return Err(key(
            "tls_proxy",
            "must be true for an https:// public_url, for a proxy that ends TLS; or give tls.certificate and tls.key",
        ));
    }
    if url.scheme() == "http" && tls {
        return Err(key(name, "must be https:// where tls.certificate is given"));
    }
    Ok(url)
}

fn mail(form: MailForm, url: &Url, data_dir: &Path) -> Result<MailConfig, ConfigError> {
    let from = form.from.unwrap_or_else(|| format!("Countersign <no-reply@{}>", url.host_str().unwrap_or("localhost")));
    from.parse::<lettre::message::Mailbox>()
        .map_err(|_| key("mail.from", format!("{from:?} is not a sender such as: Data office <data@example.org>")))?;
    let transport = match (form.smtp, form.folder) {
        (Some(_), Some(_)) => return Err(key("mail.folder", "can't be given together with mail.smtp")),
        (Some(smtp), None) => {
            let scheme = Url::parse(smtp.expose()).map(|url| url.scheme().to_owned()).unwrap_or_default();
            if !matches!(scheme.as_str(), "smtp" | "smtps") {
                return Err(key("mail.smtp", "must begin with smtps:// or smtp://"));
            }
            MailTransport::Smtp(smtp)
        }
        (None, Some(folder)) => MailTransport::Folder(folder),
        (None, None) => MailTransport::Folder(data_dir.join("mail")),
    };
    Ok(MailConfig { from, transport })
}

/// Puts the environment's values over the file's.
fn overlay(table: &mut Table, get: impl Fn(&str) -> Option<String>) {
    for key in KEYS {
        let variable = format!("COUNTERSIGN_{}", key.replace('.', "_").to_uppercase());
        let Some(text) = get(&variable) else { continue };
        let value = match (*key, text.parse::<i64>(), text.parse::<bool>()) {
            ("workers" | "database.readers" | "passwords.parallel", Ok(number), _) => Value::Integer(number),
            (limit, Ok(number), _) if limit.starts_with("limits.") => Value::Integer(number),
            ("tls_proxy", _, Ok(truth)) => Value::Boolean(truth),
            _ => Value::String(text),
        };
        match key.split_once('.') {
            None => {
                table.insert((*key).to_owned(), value);
            }
            Some((section, name)) => {
                let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(section) = section {
                    section.insert(name.to_owned(), value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            ("[database]\nreaders = 0", "database.readers: "),
            ("[database]\nreaders = \"many\"", "readers"),
            ("[mail]\nsmtp = \"mail.example.org\"", "mail.smtp: "),
            ("[mail]\nfrom = \"nobody\"", "mail.from: "),
            ("[log]\nname = \"a b\"", "log.name: "),
            ("[limits]\nrequest_seconds = 0", "limits.request_seconds: "),
            ("[limits]\ntransfers = 1", "transfers"),
            ("[s3]\nendpoint = \"minio:9000\"", "s3.endpoint: "),
            ("[s3]\naccess_key = \"a\"", "s3.access_key: "),
            ("[s3]\naccess_key = \"a\"\nsecret_file = \"/nowhere/at/all\"", "s3.secret_file: /nowhere"),
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
        overlay(&mut table, |name| match name {
            "COUNTERSIGN_DATABASE_READERS" => Some("5".into()),
            "COUNTERSIGN_LISTEN" => Some("127.0.0.1:9".into()),
            "COUNTERSIGN_TLS_PROXY" => Some("true".into()),
            _ => None,
        });
        let config = Config::from_table(table).unwrap();
        assert_eq!((config.readers, config.listen.port(), config.tls_proxy), (5, 9, true));
    }

    #[test]
    fn secrets_do_not_print() {
        let config =
            check("[database]\nurl = \"postgres://u:hunter2@h/d\"\n[mail]\nsmtp = \"smtps://u:hunter2@h\"").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
