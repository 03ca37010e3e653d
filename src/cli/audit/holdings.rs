//! `audit holdings`: who was sent what of a dataset, from the log alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Result as IoResult, Write};
use std::sync::Arc;

use serde_json::json;

use super::super::{CliError, CliResult, ConfigSource, account, counted, load};
use crate::app::App;
use crate::domain::Timestamp;
use crate::domain::ids::PersonId;
use crate::domain::signature::SignedText;
use crate::domain::text::Slug;
use crate::escape;
use crate::l10n::size;
use crate::ledger::commands::audit::{ExportForm, record_export};
use crate::log::holdings::{Holding, HoldingsFilter, Received};
use crate::store::log::holdings;
use crate::store::{datasets, people};

/// Whose holdings of what, and how to print them.
#[derive(clap::Args)]
pub struct HoldingsArgs {
    /// The dataset.
    #[arg(long)]
    dataset: Slug,
    /// Only this release.
    #[arg(long)]
    release: Option<u32>,
    /// Only this file, or those that begin so, such as `images_001/*`; archives of whole releases hold them too.
    #[arg(long)]
    path: Option<String>,
    /// Only this account: its address or its number in the log.
    #[arg(long)]
    person: Option<String>,
    /// csv or json, with a row for each person, project, grant, release and file; without it, a summary.
    #[arg(long)]
    format: Option<HoldingsFormat>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum HoldingsFormat {
    Csv,
    Json,
}

pub fn run(config: &ConfigSource, args: &HoldingsArgs) -> CliResult {
    let app = App::open(load(config)?)?;
    let HoldingsArgs { dataset, release, path, person, format } = args;
    if app.reads.read_blocking(|conn| datasets::any_by_slug(conn, dataset))?.is_none() {
        return Err(CliError::Usage(format!("--dataset {dataset}: there is no dataset of this name")));
    }
    let path_pattern = path.as_deref().map(str::parse).transpose();
    let path_pattern = path_pattern.map_err(|error| CliError::Usage(format!("--path {error}")))?;
    let person_id = person.as_deref().map(|text| account(&app, text)).transpose()?;
    let filter = HoldingsFilter { release: *release, path: path_pattern, person: person_id };
    let criteria = [
        ("dataset", Some(dataset.to_string())),
        ("release", release.map(|number| number.to_string())),
        ("path", path.clone()),
        ("person", person.clone()),
    ];
    let criteria = criteria.map(|(name, value)| (name, value.unwrap_or_default())).into();
    let form = match format {
        None => ExportForm::Holdings,
        Some(HoldingsFormat::Csv) => ExportForm::HoldingsCsv,
        Some(HoldingsFormat::Json) => ExportForm::HoldingsJson,
    };
    // That it was taken is in the log before any of it leaves.
    app.ledger.run_blocking(move |tx| record_export(tx, None, form, (&criteria, person_id)))?;
    let found = app.reads.read_blocking(|conn| holdings(conn, &app.log_archive, dataset, filter))?;
    let persons: BTreeSet<PersonId> = found.iter().filter_map(|holding| holding.person).collect();
    let accounts = app.reads.read_blocking(|conn| people::addresses(conn, &persons))?;
    let answer = Answer { dataset, found, accounts };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match format {
        None => answer.summary(&mut out),
        Some(HoldingsFormat::Csv) => answer.csv(&mut out),
        Some(HoldingsFormat::Json) => answer.json(&mut out),
    };
    written.and_then(|()| out.flush()).map_err(|error| CliError::File("standard output".into(), error))
}

/// Who holds what of a dataset.
struct Answer<'a> {
    dataset: &'a Slug,
    found: Vec<Holding>,
    /// The addresses of the persons that still have an account.
    accounts: HashMap<PersonId, String>,
}

const COLUMNS: [&str; 15] = [
    "person",
    "account",
    "dataset",
    "release",
    "form",
    "path",
    "received",
    "transfers",
    "bytes",
    "at_most",
    "first_at",
    "last_at",
    "grant",
    "project",
    "agreements",
];

/// `file`, or `archive` for the ZIP archive of a whole release.
const fn form(holding: &Holding) -> &'static str {
    if holding.path.is_some() { "file" } else { "archive" }
}

/// Text in a cell; empty where there is nothing.
fn cell<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

impl Answer<'_> {
    fn address(&self, person: Option<PersonId>) -> Option<&str> {
        self.accounts.get(&person?).map(String::as_str).filter(|address| !address.is_empty())
    }

    fn csv(&self, out: &mut impl Write) -> IoResult<()> {
        // The mark tells Excel that it is UTF-8.
        out.write_all("\u{feff}".as_bytes())?;
        let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
        rows.write_record(COLUMNS)?;
        for holding in &self.found {
            let signed = holding.agreements.iter();
            let signed = signed.map(|text| format!("{} {} {}", text.slug, text.version, text.text_sha256));
            let signed = signed.collect::<Vec<_>>().join("; ");
            rows.write_record([
                cell(holding.person).as_str(),
                &escape::cell(self.address(holding.person).unwrap_or_default()),
                self.dataset.as_str(),
                &holding.release.to_string(),
                form(holding),
                &cell(holding.path.as_ref()),
                holding.received.as_str(),
                &holding.transfers.to_string(),
                &holding.bytes.to_string(),
                &holding.at_most.to_string(),
                &holding.first_at.to_string(),
                &holding.last_at.to_string(),
                &cell(holding.grant),
                &cell(holding.project),
                &signed,
            ])?;
        }
        rows.flush()
    }

    fn json(&self, out: &mut impl Write) -> IoResult<()> {
        for (n, holding) in self.found.iter().enumerate() {
            let text = |text: &Arc<SignedText>| json!({ "slug": text.slug, "version": text.version, "text_sha256": text.text_sha256 });
            let agreements: Vec<_> = holding.agreements.iter().map(text).collect();
            let row = json!({
                "person": holding.person,
                "account": self.address(holding.person),
                "dataset": self.dataset,
                "release": holding.release,
                "form": form(holding),
                "path": holding.path,
                "received": holding.received.as_str(),
                "transfers": holding.transfers,
                "bytes": holding.bytes,
                "at_most": holding.at_most,
                "first_at": holding.first_at,
                "last_at": holding.last_at,
                "grant": holding.grant,
                "project": holding.project,
                "agreements": agreements,
            });
            write!(out, "{}{row}", if n == 0 { "[\n" } else { ",\n" })?;
        }
        writeln!(out, "{}", if self.found.is_empty() { "[]" } else { "\n]" })
    }

    fn summary(&self, out: &mut impl Write) -> IoResult<()> {
        let mut sums: BTreeMap<(String, u32, String), Sum> = BTreeMap::new();
        for holding in &self.found {
            let person = match (self.address(holding.person), holding.person) {
                (Some(address), _) => address.to_owned(),
                (None, Some(person)) => person.to_string(),
                (None, None) => "strangers".to_owned(),
            };
            let signed = holding.agreements.iter().map(|text| format!("{}, version {}", text.slug, text.version));
            let signed = signed.collect::<Vec<_>>().join("; ");
            sums.entry((person, holding.release, signed)).or_default().add(holding);
        }
        if sums.is_empty() {
            writeln!(out, "Nobody was sent anything of {}", self.dataset)?;
        }
        for ((person, release, signed), sum) in sums {
            writeln!(out, "{person}\n  release {release}: {}", sum.files())?;
            writeln!(out, "  {}", sum.bytes())?;
            if let Some(last) = sum.last_at {
                writeln!(out, "  last on {last}")?;
            }
            if !signed.is_empty() {
                writeln!(out, "  under {signed}")?;
            }
        }
        Ok(())
    }
}

/// What one person was sent of one release under one version of an agreement.
#[derive(Default)]
struct Sum {
    whole: u64,
    part: u64,
    unknown: u64,
    archives: u64,
    bytes: u64,
    at_most: u64,
    last_at: Option<Timestamp>,
}

impl Sum {
    fn add(&mut self, holding: &Holding) {
        let kind = match (&holding.path, holding.received) {
            (None, _) => &mut self.archives,
            (_, Received::Whole) => &mut self.whole,
            (_, Received::Part) => &mut self.part,
            (_, Received::Unknown) => &mut self.unknown,
        };
        *kind += 1;
        self.bytes += holding.bytes;
        self.at_most += holding.at_most;
        self.last_at = self.last_at.max(Some(holding.last_at));
    }

    fn files(&self) -> String {
        let more = [(self.part, "partial file"), (self.unknown, "possibly whole file"), (self.archives, "archive")];
        let more = more.into_iter().filter(|(number, _)| *number > 0);
        let all = [(self.whole, "whole file")].into_iter().chain(more);
        all.map(|(number, name)| counted(number, name)).collect::<Vec<_>>().join(", ")
    }

    fn bytes(&self) -> String {
        let sent = format!("{} sent", size(self.bytes));
        if self.at_most > self.bytes { format!("{sent}, at most {}", size(self.at_most)) } else { sent }
    }
}
