//! The program: reads the command line, starts a command, prints its error.

fn main() -> std::process::ExitCode {
    countersign::cli::run()
}
