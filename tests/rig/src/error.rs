//! What can go wrong before a test begins.

use std::io;
use std::path::PathBuf;

/// Why a real system is not there.
#[derive(Debug, thiserror::Error)]
pub enum RigError {
    /// Something that this machine lacks: a test that needs it is skipped with this text.
    #[error("{0}")]
    NotAvailable(String),
    /// A tool did not build.
    #[error("building {tool} failed; run `go build` in {folder} to see why:\n{output}")]
    Build {
        /// The tool.
        tool: String,
        /// The folder of its Go module.
        folder: PathBuf,
        /// What the compiler said.
        output: String,
    },
    /// A program ended or did not answer in time.
    #[error("{program} did not come up: {reason}\n{log}")]
    Start {
        /// The program.
        program: String,
        /// What was waited for.
        reason: String,
        /// The last lines of its log.
        log: String,
    },
    /// A file or a process could not be handled.
    #[error("{what}: {source}")]
    Io {
        /// What was being done to what.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// A certificate could not be made.
    #[error("making certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The kubeconfig or the client made of it.
    #[error("a client for {path}: {reason}")]
    Client {
        /// The kubeconfig.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

impl RigError {
    /// Adds what was being done to an IO error.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Whether a test should be skipped, not failed.
    pub fn is_not_available(&self) -> bool {
        matches!(self, Self::NotAvailable(_))
    }
}

/// What a test works with; `None`, and a line that says why, where this machine cannot have it.
///
/// # Panics
///
/// On every other error: a real system that should be there and is not fails a test.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn or_skip<T>(result: Result<T, RigError>) -> Option<T> {
    match result {
        Ok(there) => Some(there),
        Err(RigError::NotAvailable(reason)) => {
            eprintln!("skipped: {reason}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
