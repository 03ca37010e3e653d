//! `admin create`: an account for somebody who runs the gateway.

use std::io::{BufRead, IsTerminal};

use super::{CliError, CliResult, ConfigSource, load};
use crate::app::App;
use crate::domain::person::{Roles, check_password};
use crate::domain::text::{Email, Language, PersonName, Secret};
use crate::identity::passwords::hash_blocking;
use crate::ledger::commands::people::{NewAccount, create};

/// `countersign admin`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Make an administrator's account, or an auditor's. The password is asked for, or read from standard input.
    Create {
        /// Its address.
        #[arg(long)]
        email: String,
        /// Full name.
        #[arg(long)]
        name: String,
        /// Make an auditor instead, who reads everything and changes nothing.
        #[arg(long)]
        auditor: bool,
        /// Language of mail to them: en or zh-TW.
        #[arg(long, default_value = "en")]
        language: String,
    },
}

pub fn run(config: &ConfigSource, command: Command) -> CliResult {
    let Command::Create { email, name, auditor, language } = command;
    let email: Email = email.parse().map_err(|error| CliError::Usage(format!("--email {error}")))?;
    let name: PersonName = name.parse().map_err(|error| CliError::Usage(format!("--name {error}")))?;
    let language = Language::from_tag(&language)
        .ok_or_else(|| CliError::Usage(format!("--language {language:?} is neither en nor zh-TW")))?;
    let app = App::open_or_make(load(config)?)?;
    let password = ask_password()?;
    check_password(password.expose(), &[email.as_str(), name.as_str()])
        .map_err(|error| CliError::Usage(format!("the password {error}")))?;
    let password_hash = hash_blocking(&password).map_err(|error| CliError::Usage(error.to_string()))?;
    let account = NewAccount { email: email.clone(), name, affiliation: None, language, password_hash };
    let roles = Roles { administrator: !auditor, auditor };
    let id = app.ledger.run_blocking(move |tx| create(tx, &account, roles))?;
    println!("{email} can sign in as {}. Number in the log: {id}", if auditor { "auditor" } else { "administrator" });
    Ok(())
}

fn ask_password() -> Result<Secret, CliError> {
    let failed = |error: std::io::Error| CliError::Usage(format!("the password can't be read: {error}"));
    if std::io::stdin().is_terminal() {
        return rpassword::prompt_password("Password (at least 12 characters): ").map(Secret::new).map_err(failed);
    }
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(failed)?;
    Ok(Secret::new(line.trim_end_matches(['\r', '\n'])))
}
