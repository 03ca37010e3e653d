//! `audit holdings`: who was sent what of a dataset, from the log alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use serde_json::json;

use super::super::{CliError, CliResult, ConfigSource, account, counted, load};
use crate::app::App;
use crate::domain::Timestamp;
use crate::l10n::size;
use crate::ledger::commands::audit::record_export;
use crate::log::holdings::{Holding, HoldingsFilter, Received, SignedVersion};
use crate::store::log::holdings;
use crate::store::people;

/// Whose holdings of what, and how to print them.
#[derive(clap::Args)]
pub struct HoldingsArgs {
    /// The dataset.
    #[arg(long)]
    dataset: String,
    /// Only this release.
    #[arg(long)]
    release: Option<u32>,
    /// Only this file, or those that begin so, such as `images_001/*`; archives of whole releases hold them too.
    #[arg(long)]
    path: Option<String>,
    /// Only this account: its address or its number in the log.
    #[arg(long)]
    person: Option<String>,
    /// csv or json, with a row for each person, grant, release and file; without it, a summary.
    #[arg(long)]
    format: Option<HoldingsFormat>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum HoldingsFormat {
    Csv,
    Json,
}

impl HoldingsFormat {
    /// The word in the log.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "holdings-csv",
            Self::Json => "holdings-json",
        }
    }
}

pub fn run(config: &ConfigSource, args: &HoldingsArgs) -> CliResult {
    let app = App::open(load(config)?)?;
    let HoldingsArgs { dataset, release, path, person, format } = args;
    let path_pattern = path.as_deref().map(str::parse).transpose();
    let path_pattern = path_pattern.map_err(|error| CliError::Usage(format!("--path {error}")))?;
    let person_id = person.as_deref().map(|text| account(&app, text)).transpose()?;
    let filter = HoldingsFilter { release: *release, path: path_pattern, person: person_id.map(|id| id.to_string()) };
    let number = release.map(|number| number.to_string());
    let criteria = [
        ("dataset", Some(dataset)),
        ("release", number.as_ref()),
        ("path", path.as_ref()),
        ("person", person.as_ref()),
    ];
    let criteria = criteria.map(|(name, value)| (name, value.cloned().unwrap_or_default())).into();
    let form = format.map_or("holdings", HoldingsFormat::as_str);
    // That it was taken is in the log before any of it leaves.
    app.ledger.run_blocking(move |tx| record_export(tx, None, form, (&criteria, person_id)))?;
    let found = app.reads.read_blocking(|conn| holdings(conn, &app.log_archive, dataset, filter))?;
    let persons: BTreeSet<&str> = found.iter().filter_map(|holding| holding.person.as_deref()).collect();
    let accounts = app.reads.read_blocking(|conn| people::addresses(conn, &persons))?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let written = match format {
        None => summary(&mut out, dataset, &found, &accounts),
        Some(HoldingsFormat::Csv) => csv(&mut out, dataset, &found, &accounts),
        Some(HoldingsFormat::Json) => json(&mut out, dataset, &found, &accounts),
    };
    written.and_then(|()| out.flush()).map_err(|error| CliError::File("standard output".into(), error))
}

const COLUMNS: [&str; 16] = [
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
    "agreement",
    "agreement_version",
    "agreement_sha256",
];

/// `file`, or `archive` for the ZIP archive of a whole release.
const fn form(holding: &Holding) -> &'static str {
    if holding.path.is_some() { "file" } else { "archive" }
}

fn address<'a>(holding: &Holding, accounts: &'a HashMap<String, String>) -> &'a str {
    holding.person.as_ref().and_then(|person| accounts.get(person)).map_or("", String::as_str)
}

fn csv(
    out: &mut impl Write,
    dataset: &str,
    found: &[Holding],
    accounts: &HashMap<String, String>,
) -> std::io::Result<()> {
    // The mark tells Excel that it is UTF-8.
    out.write_all("\u{feff}".as_bytes())?;
    let mut rows = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
    rows.write_record(COLUMNS)?;
    for holding in found {
        let agreement = holding.agreement.as_ref();
        rows.write_record([
            holding.person.as_deref().unwrap_or(""),
            address(holding, accounts),
            dataset,
            &holding.release.to_string(),
            form(holding),
            holding.path.as_deref().unwrap_or(""),
            holding.received.as_str(),
            &holding.transfers.to_string(),
            &holding.bytes.to_string(),
            &holding.at_most.to_string(),
            &holding.first_at.to_string(),
            &holding.last_at.to_string(),
            holding.grant.as_deref().unwrap_or(""),
            agreement.map_or("", |signed| &signed.slug),
            &agreement.map(|signed| signed.version.to_string()).unwrap_or_default(),
            agreement.map_or("", |signed| &signed.text_sha256),
        ])?;
    }
    rows.flush()
}

fn json(
    out: &mut impl Write,
    dataset: &str,
    found: &[Holding],
    accounts: &HashMap<String, String>,
) -> std::io::Result<()> {
    for (n, holding) in found.iter().enumerate() {
        let agreement = holding.agreement.as_ref().map(|SignedVersion { slug, version, text_sha256 }| {
            json!({ "slug": slug, "version": version, "text_sha256": text_sha256 })
        });
        let row = json!({
            "person": holding.person,
            "account": Some(address(holding, accounts)).filter(|address| !address.is_empty()),
            "dataset": dataset,
            "release": holding.release,
            "form": form(holding),
            "path": holding.path,
            "received": holding.received.as_str(),
            "transfers": holding.transfers,
            "bytes": holding.bytes,
            "at_most": holding.at_most,
            "first_at": holding.first_at.to_string(),
            "last_at": holding.last_at.to_string(),
            "grant": holding.grant,
            "agreement": agreement,
        });
        write!(out, "{}{row}", if n == 0 { "[\n" } else { ",\n" })?;
    }
    writeln!(out, "{}", if found.is_empty() { "[]" } else { "\n]" })
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

fn summary(
    out: &mut impl Write,
    dataset: &str,
    found: &[Holding],
    accounts: &HashMap<String, String>,
) -> std::io::Result<()> {
    let mut sums: BTreeMap<(String, u32, String), Sum> = BTreeMap::new();
    for holding in found {
        let person = holding.person.as_ref().map_or_else(
            || "strangers".to_owned(),
            |person| accounts.get(person).filter(|address| !address.is_empty()).unwrap_or(person).clone(),
        );
        let signed = holding.agreement.as_ref();
        let signed = signed.map_or_else(String::new, |signed| format!("{}, version {}", signed.slug, signed.version));
        let sum = sums.entry((person, holding.release, signed)).or_default();
        match (&holding.path, holding.received) {
            (None, _) => sum.archives += 1,
            (_, Received::Whole) => sum.whole += 1,
            (_, Received::Part) => sum.part += 1,
            (_, Received::Unknown) => sum.unknown += 1,
        }
        sum.bytes += holding.bytes;
        sum.at_most += holding.at_most;
        sum.last_at = sum.last_at.max(Some(holding.last_at));
    }
    if sums.is_empty() {
        return writeln!(out, "Nobody was sent anything of {dataset}");
    }
    for ((person, release, signed), sum) in sums {
        writeln!(out, "{person}")?;
        let mut what = vec![counted(sum.whole, "whole file")];
        let more = [(sum.part, "partial file"), (sum.unknown, "possibly whole file"), (sum.archives, "archive")];
        what.extend(more.into_iter().filter(|(number, _)| *number > 0).map(|(number, name)| counted(number, name)));
        writeln!(out, "  release {release}: {}", what.join(", "))?;
        let unsure = if sum.at_most > sum.bytes { format!(", at most {}", size(sum.at_most)) } else { String::new() };
        writeln!(out, "  {} sent{unsure}", size(sum.bytes))?;
        if let Some(last) = sum.last_at {
            writeln!(out, "  last on {last}")?;
        }
        if !signed.is_empty() {
            writeln!(out, "  under {signed}")?;
        }
    }
    Ok(())
}
