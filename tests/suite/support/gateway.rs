//! One running gateway in a folder of its own.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use countersign::store::log::LogArchive;
use countersign::store::{AnyConnection, Database};
use serde::Deserialize;
use tempfile::TempDir;

use super::database::TestDatabase;
use super::visitor::Visitor;

/// An account of the demo.
#[derive(Clone, Deserialize, Debug)]
pub struct Account {
    pub email: String,
    pub password: String,
}

#[derive(Deserialize)]
struct Started {
    url: String,
    accounts: Vec<Account>,
}

/// A running demo.
pub struct Gateway {
    /// Its address, without a slash at the end.
    pub url: String,
    /// Applicant, two reviewers, administrator, auditor, owner, steward.
    pub accounts: Vec<Account>,
    child: Child,
    arguments: &'static [&'static str],
    environment: Vec<(String, String)>,
    folder: TempDir,
    database: TestDatabase,
}

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_countersign");

pub const APPLICANT: usize = 0;
pub const REVIEWER: usize = 1;
pub const OTHER_REVIEWER: usize = 2;
pub const ADMINISTRATOR: usize = 3;
pub const AUDITOR: usize = 4;
pub const OWNER: usize = 5;
pub const STEWARD: usize = 6;

impl Gateway {
    /// Starts a demo with fresh data: the catalogue and the accounts.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more in its environment.
    pub fn start_with(environment: &[(&str, &str)]) -> Self {
        // Looking into the demo's tables takes seconds in a build that isn't optimised.
        Self::start_demo(&["--without-people", "--without-previews"], environment)
    }

    /// Starts a demo without the invented people, but with what is shown of tables and pictures.
    pub fn start_with_previews() -> Self {
        Self::start_demo(&["--without-people"], &[])
    }

    /// Starts a demo as a newcomer does, with the invented people.
    pub fn start_as_newcomer() -> Self {
        Self::start_demo(&[], &[])
    }

    fn start_demo(arguments: &'static [&'static str], environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = TestDatabase::fresh();
        let mut environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let elsewhere = environment.iter().any(|(name, _)| name == "COUNTERSIGN_DATABASE_URL");
        environment.extend(database.url().map(|url| ("COUNTERSIGN_DATABASE_URL".to_owned(), url)));
        let (child, started) = launch(folder.path(), (arguments, &environment), "127.0.0.1:0");
        let kept_in_a_file = folder.path().join("data/countersign.db").exists();
        assert_eq!(kept_in_a_file, database.url().is_none() && !elsewhere, "the data is where it should be");
        Self { url: started.url, accounts: started.accounts, child, arguments, environment, folder, database }
    }

    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Where old events are.
    pub fn log_archive(&self) -> LogArchive {
        LogArchive::new(self.data_dir().join("archive"))
    }

    /// A folder for whatever else a test needs.
    pub fn scratch(&self) -> PathBuf {
        let scratch = self.folder.path().join("scratch");
        std::fs::create_dir_all(&scratch).unwrap();
        scratch
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// What is in its environment.
    pub fn environment(&self) -> Vec<(String, String)> {
        self.environment.clone()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for its end; says whether it ended well.
    pub fn wait(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// The name of its database on the server.
    pub fn database_name(&self) -> &str {
        self.database.name()
    }

    /// Asks it to end, and waits; says whether it ended well.
    pub fn stop(&mut self) -> bool {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        self.child.wait().unwrap().success()
    }

    /// Starts it again on the same data and address.
    pub fn start_again(&mut self) {
        let address = self.url.replace("http://localhost:", "127.0.0.1:");
        let (child, started) = launch(self.folder.path(), (self.arguments, &self.environment), &address);
        assert_eq!(started.url, self.url);
        self.child = child;
    }

    /// Runs another command of the program on the same data.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        self.cli_with_input(arguments, "")
    }

    /// The same with something on standard input.
    pub fn cli_with_input(&self, arguments: &[&str], input: &str) -> Output {
        use std::io::Write;
        let mut child = self
            .cli_command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The same, not yet started.
    pub fn cli_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.arg("--config").arg(self.data_dir().join("countersign.toml")).args(arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command that must succeed; gives what it prints.
    pub fn cli_text(&self, arguments: &[&str]) -> String {
        let output = self.cli(arguments);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?} ended with {}: {text}{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        text
    }

    /// Somebody with a browser who is not signed in.
    pub fn visitor(&self) -> Visitor {
        Visitor::new(&self.url)
    }

    /// One of the demo's people, signed in.
    pub async fn person(&self, which: usize) -> Visitor {
        let account = &self.accounts[which];
        let visitor = self.visitor();
        visitor.sign_in(&account.email, &account.password).await;
        visitor
    }

    /// The database, past the gateway.
    pub fn database(&self) -> AnyConnection {
        let database = match self.database.url() {
            Some(url) => Database::parse(&url),
            None => Database::Sqlite(self.data_dir().join("countersign.db").display().to_string()),
        };
        database.open().unwrap()
    }

    /// Every event: index, action, body.
    pub fn events(&self) -> Vec<serde_json::Value> {
        let text = self.cli_text(&["audit", "export"]);
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// How often each action is in the log.
    pub fn count(&self, action: &str) -> usize {
        self.events().iter().filter(|line| line["event"]["action"] == action).count()
    }

    /// Fails unless the log verifies.
    pub fn verify_log(&self) {
        let text = self.cli_text(&["audit", "verify"]);
        assert!(text.contains("The audit log verifies"), "{text}");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have been ended by the test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(folder: &Path, (arguments, environment): (&[&str], &[(String, String)]), listen: &str) -> (Child, Started) {
    let mut child = Command::new(PROGRAM)
        .args(["demo", "--json", "--listen", listen, "--data-dir"])
        .arg(folder.join("data"))
        .args(arguments)
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let started = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the demo printed {line:?}: {error}"));
    (child, started)
}
