//! `demo`: everything embedded. A data folder with SQLite, fresh keys, a catalogue, and accounts to try it with.

mod catalogue;
mod images;
mod people;

use std::fs::Permissions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use catalogue::{DemoDataset, DemoRelease};
use serde::{Deserialize, Serialize};

use super::serve::{listen, until_stopped};
use super::{CONFIG_FILE, CliError, CliResult, agreement, committee, dataset, form, make_folder, read, write};
use crate::app::App;
use crate::clock;
use crate::config::Config;
use crate::delivery::import::{OnUnusable, Progress, Silent, WithoutPreviews};
use crate::domain::Refusal;
use crate::domain::organisation::OrganisationRole;
use crate::domain::person::{Affiliation, Roles};
use crate::domain::text::{Language, Secret, Slug};
use crate::identity::passwords::hash_blocking;
use crate::identity::secrets::readable_password;
use crate::ledger;
use crate::ledger::commands::organisations::FIRST;
use crate::ledger::commands::organisations::members::appoint;
use crate::ledger::commands::people::{NewAccount, create};
use crate::private_files::write_private_file;
use crate::store;
use crate::store::datasets;

/// `countersign demo`
#[derive(clap::Args)]
pub struct Args {
    /// Where to listen; port 0 picks a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Print one line of JSON instead of text.
    #[arg(long)]
    json: bool,
    /// Only the catalogue and the accounts: no invented people, projects and requests.
    #[arg(long)]
    without_people: bool,
    /// No previews of tables and pictures: nothing of them is shown before access.
    #[arg(long)]
    without_previews: bool,
}

/// An account to try the demo with.
#[derive(Clone, Serialize, Deserialize)]
struct Account {
    role: String,
    email: String,
    password: String,
}

/// Role, name in the address, full name, roles.
const PEOPLE: [(&str, &str, &str, Roles); 7] = [
    ("applicant", "applicant", "Mei-Ling Chen", Roles { administrator: false, auditor: false }),
    ("reviewer", "reviewer1", "Jonas Weber", Roles { administrator: false, auditor: false }),
    ("reviewer", "reviewer2", "Hsiao-Ting Lin", Roles { administrator: false, auditor: false }),
    ("administrator", "administrator", "Ada Okafor", Roles { administrator: true, auditor: false }),
    ("auditor", "auditor", "Tomás Herrera", Roles { administrator: false, auditor: true }),
    ("owner", "owner", "Ingrid Solberg", Roles { administrator: false, auditor: false }),
    ("steward", "steward", "Wei-Han Tsai", Roles { administrator: false, auditor: false }),
];

pub fn run(data_dir: Option<&Path>, args: &Args) -> CliResult {
    let data_dir = data_dir.unwrap_or(Path::new("countersign-demo"));
    let listener = listen(args.listen)?;
    let address = listener.local_addr().map_err(|error| CliError::Listen(args.listen, error))?;
    let failed = |error| CliError::File(data_dir.to_owned(), error);
    make_folder(data_dir)?;
    check_folder(data_dir).map_err(failed)?;
    // It may have been there before, open to others.
    std::fs::set_permissions(data_dir, Permissions::from_mode(0o700)).map_err(failed)?;
    let data_dir = data_dir.canonicalize().map_err(failed)?;
    lay_out_source(&data_dir)?;
    let config_file = data_dir.join(CONFIG_FILE);
    write(&config_file, configuration(&data_dir, address).as_bytes())?;
    let app = App::open_or_make(Config::load(Some(&config_file), Some(&data_dir))?)?;
    let accounts = accounts(&app, &data_dir)?;
    let progress: &dyn Progress = if args.without_previews { &WithoutPreviews } else { &Silent };
    publish(&app, &data_dir, progress)?;
    if !args.without_people {
        tell_story(&app, &data_dir)?;
    }
    let json = args.json;
    until_stopped(app, listener, move |app, _| {
        let told = if json {
            tell_json(app.config.base(), &data_dir, &accounts)
        } else {
            print_text(app.config.base(), &data_dir, &accounts)
        };
        // Nobody may be reading; the gateway runs all the same.
        if let Err(error) = told {
            tracing::warn!(%error, "the address can't be printed");
        }
    })
}

/// The source from which one can publish in the browser, and its folder.
const SOURCE: &str = "incoming";

/// Makes the folder of what can be published in the browser, with something in it.
fn lay_out_source(data_dir: &Path) -> CliResult {
    let example = data_dir.join(SOURCE).join("river-levels");
    if example.exists() {
        return Ok(());
    }
    make_folder(&example)?;
    write(&example.join("README.txt"), b"Invented levels of an invented river, to try publishing with.\n")?;
    write(&example.join("levels.csv"), b"day,metres\n2026-01-01,2.41\n2026-01-02,2.38\n2026-01-03,2.55\n")
}

/// Refuses a folder that holds somebody's files: it is about to be closed to everybody else.
fn check_folder(folder: &Path) -> std::io::Result<()> {
    let is_own = folder.join(CONFIG_FILE).exists() || std::fs::read_dir(folder)?.next().is_none();
    let why = "is not empty, and not the folder of a demo; name another with --data-dir";
    if is_own { Ok(()) } else { Err(std::io::Error::other(why)) }
}

/// The demo's settings, as a file that the other commands can be given too.
fn configuration(data_dir: &Path, address: SocketAddr) -> String {
    let host = if address.ip().is_loopback() && address.is_ipv4() { "localhost".into() } else { host(address) };
    let text = |path: &Path| toml::Value::String(path.to_string_lossy().into_owned());
    format!(
        "# The demo's settings. Other commands take them by: countersign --config {file} …\n\
         listen = \"{address}\"\npublic_url = \"http://{host}:{port}\"\ndata_dir = {folder}\n\n\
         # What lies in there can be published in the browser.\n[[source]]\nname = \"{SOURCE}\"\nroot = {source}\n",
        file = data_dir.join(CONFIG_FILE).display(),
        port = address.port(),
        folder = text(data_dir),
        source = text(&data_dir.join(SOURCE)),
    )
}

fn host(address: SocketAddr) -> String {
    match address.ip() {
        // Everywhere is not an address that one can go to.
        ip if ip.is_unspecified() => "localhost".to_owned(),
        std::net::IpAddr::V4(ip) => ip.to_string(),
        std::net::IpAddr::V6(ip) => format!("[{ip}]"),
    }
}

/// The demo's accounts: chosen once, kept in a file that only its owner reads, made if they are not there.
fn accounts(app: &App, data_dir: &Path) -> Result<Vec<Account>, CliError> {
    let file = data_dir.join("accounts.json");
    if !file.exists() {
        let fresh: Vec<Account> = PEOPLE
            .iter()
            .map(|(role, local, _, _)| Account {
                role: (*role).to_owned(),
                email: format!("{local}@demo.example"),
                password: readable_password().expose().to_owned(),
            })
            .collect();
        write_accounts_file(&file, &fresh)?;
    }
    let accounts: Vec<Account> =
        serde_json::from_str(&read(&file)?).map_err(|error| CliError::Description(file.clone(), error.to_string()))?;
    for (account, (_, _, name, roles)) in accounts.iter().zip(PEOPLE) {
        ensure_account(app, account, name, roles).map_err(|error| match error {
            CliError::Usage(why) => CliError::Description(file.clone(), why),
            error => error,
        })?;
    }
    Ok(accounts)
}

fn write_accounts_file(file: &Path, accounts: &[Account]) -> CliResult {
    let failed = |error| CliError::File(file.to_owned(), error);
    let text = serde_json::to_string_pretty(accounts).map_err(|error| failed(error.into()))?;
    write_private_file(file, text.as_bytes()).map_err(failed)
}

fn ensure_account(app: &App, account: &Account, name: &str, roles: Roles) -> CliResult {
    let wrong = |what: &str| CliError::Usage(format!("{}: {what}", account.email));
    let email: crate::domain::text::Email = account.email.parse().map_err(|_| wrong("is not an address"))?;
    let wanted = email.clone();
    if app.reads.read_blocking(move |conn| store::people::by_email(conn, &wanted))?.is_some() {
        return Ok(());
    }
    let password_hash =
        hash_blocking(&Secret::new(account.password.as_str())).map_err(|error| wrong(&error.to_string()))?;
    let role = account.role.clone();
    let account = NewAccount {
        email,
        name: name.parse().map_err(|_| wrong("has no name"))?,
        affiliation: Affiliation::parse("Countersign Demo Institute").map_err(|_| wrong("has no institution"))?,
        language: Language::English,
        password_hash,
    };
    let part: Option<OrganisationRole> = role.parse().ok();
    let email = account.email.clone();
    match app.ledger.run_blocking(move |tx| create(tx, &account, roles)) {
        Ok(_) | Err(ledger::Error::Refused(Refusal::EmailTaken)) => {}
        Err(error) => return Err(error.into()),
    }
    if let Some(part) = part {
        let first: Slug = FIRST.parse().map_err(|_| wrong("has nothing to run"))?;
        app.ledger.run_blocking(move |tx| appoint(tx, &first, (&email, part)))?;
    }
    Ok(())
}

/// Lays the catalogue's files out and publishes it. What is published already stays as it is.
fn publish(app: &App, data_dir: &Path, progress: &dyn Progress) -> CliResult {
    let folder = data_dir.join("catalogue");
    for DemoDataset { slug, releases } in &catalogue::DATASETS {
        let wanted: Slug = slug.parse().map_err(|_| CliError::Usage(format!("{slug} is not a slug")))?;
        let found = app.reads.read_blocking(move |conn| datasets::by_slug(conn, &wanted))?;
        let there = found.map_or(0, |dataset| dataset.newest_release as usize);
        let home = folder.join(slug);
        for (n, DemoRelease { note, embargo }) in releases.iter().enumerate().skip(there) {
            catalogue::lay_out(slug, n, &home)?;
            let [agreement, questions, deciders] =
                ["agreement.toml", "form.toml", "committee.toml"].map(|name| home.join(name));
            if n == 0 && agreement.exists() {
                agreement::publish(&app.ledger, &agreement)?;
            }
            if n == 0 && questions.exists() {
                form::publish(&app.ledger, &questions)?;
            }
            if n == 0 && deciders.exists() {
                committee::set(&app.ledger, &deciders)?;
            }
            let until = embargo.map(|embargo| clock::now() + embargo);
            dataset::publish(app, &home.join("dataset.toml"), (OnUnusable::Refuse, note, until), progress)?;
        }
    }
    Ok(())
}

/// Has the invented people do what they do, and then publishes the second version of an agreement that one has signed.
fn tell_story(app: &App, data_dir: &Path) -> CliResult {
    if !people::tell(app)? {
        return Ok(());
    }
    let home = data_dir.join("catalogue").join(catalogue::SAMPLE);
    catalogue::revise_terms(&home)?;
    agreement::publish(&app.ledger, &home.join("agreement.toml"))?;
    Ok(())
}

fn tell_json(url: &str, data_dir: &Path, accounts: &[Account]) -> std::io::Result<()> {
    let line = serde_json::json!({ "url": url, "data_dir": data_dir, "accounts": accounts });
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

fn print_text(url: &str, data_dir: &Path, accounts: &[Account]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n  Countersign is at  {url}\n")?;
    for Account { role, email, password } in accounts {
        writeln!(out, "  {role:<15}{email:<28}{password}")?;
    }
    writeln!(out, "\n  Everything is in   {}", data_dir.display())?;
    writeln!(out, "  Mail lands in      {}", data_dir.join("mail").display())?;
    writeln!(out, "                     and at {url}/admin/mail for the administrator")?;
    writeln!(out, "  Other commands     countersign --config {} …", data_dir.join(CONFIG_FILE).display())?;
    writeln!(out, "\n  Ctrl-C ends it.\n")?;
    out.flush()
}
