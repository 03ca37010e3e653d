//! `receipt verify`: offline, with nothing but the file and, better, the log's key from elsewhere.

use std::path::PathBuf;

use super::{CliError, CliResult, read};
use crate::log::VerifierKey;
use crate::log::receipt::Receipt;

/// `countersign receipt`
#[derive(clap::Subcommand)]
pub enum Command {
    /// Check a receipt: the signature record, the text, and the proof that the log holds it.
    Verify {
        /// The receipt (JSON).
        file: PathBuf,
        /// The log's key, `name+hash+key`; without it the key in the receipt is taken.
        #[arg(long)]
        key: Option<String>,
    },
}

pub fn run(command: Command) -> CliResult {
    let Command::Verify { file, key } = command;
    let receipt: Receipt = serde_json::from_str(&read(&file)?)
        .map_err(|error| CliError::Description(file.clone(), format!("is not a receipt: {error}")))?;
    let key: Option<VerifierKey> =
        key.map(|text| text.parse().map_err(|error| CliError::Usage(format!("--key {error}")))).transpose()?;
    let checkpoint = receipt
        .verify(key.as_ref())
        .map_err(|error| CliError::Description(file, format!("does not verify: {error}")))?;
    let record = &receipt.record;
    println!("The receipt verifies.");
    println!("  signed by    {} <{}>", record.signer.typed_name, record.signer.email);
    println!("  at           {}", record.signed_at);
    println!("  dataset      {}", record.dataset);
    println!(
        "  agreement    {} version {} ({})",
        record.agreement.slug,
        record.agreement.version,
        record.agreement.language.tag()
    );
    println!("  text         SHA-256 {}", record.agreement.text_sha256);
    println!("  entry        {} of {} ({} entries)", receipt.proof.index, checkpoint.origin, checkpoint.size);
    if key.is_none() {
        println!("  key          the one in the receipt: compare it with one you got elsewhere, or give --key");
    }
    Ok(())
}
