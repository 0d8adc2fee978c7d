//! The `ark` binary: hands arguments and environment to [`ark::cli`], and its exit code to the system.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Only the first provider of a process counts; that there is one already is as good.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    ExitCode::from(ark::cli::run(std::env::args_os(), std::env::vars().collect()))
}
