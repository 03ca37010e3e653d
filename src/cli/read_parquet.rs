//! `read-parquet`: what the program runs to look into a table.

use super::{CliError, CliResult};
use crate::delivery::import::parquet::{Extent, read_within_limits};

/// `countersign read-parquet`
#[derive(clap::Args)]
pub struct Args {
    /// `values`, or `description` alone.
    extent: Extent,
}

pub fn run(args: &Args) -> CliResult {
    let failed = |error| CliError::File("standard input".into(), error);
    println!("{}", read_within_limits(args.extent).map_err(failed)?);
    Ok(())
}
