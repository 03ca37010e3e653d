//! `read-parquet`: what the program runs to look into a table.

use super::{CliError, CliResult};
use crate::delivery::import::parquet::{Extent, read_within_limits};
use crate::domain::path::FilePath;

/// `countersign read-parquet`
#[derive(clap::Args)]
pub struct Args {
    /// `values`, or `description` alone.
    extent: Extent,
    /// The path of the file in its dataset.
    path: FilePath,
}

pub fn run(args: &Args) -> CliResult {
    let failed = |error| CliError::File("standard input".into(), error);
    match read_within_limits(args.extent, args.path.clone()).map_err(failed)? {
        Some(table) => {
            println!("{table}");
            Ok(())
        }
        None => Err(CliError::Usage("that is no table in Parquet".to_owned())),
    }
}
