//! [`CliError`]: what the command line says when something went wrong, and with which exit code it ends.
//!
//! A message is what happened and to which object; what to do about it is a hint, on its own line. Exit codes: 0 done,
//! 1 failed, 2 wrong use (nothing was touched), 3 partly failed. A reader that closes the pipe early is no failure.

use std::fmt::Display;

use thiserror::Error;

use crate::cluster::{ClusterError, ClusterErrorKind};

/// How a command that was carried out ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything asked for is done.
    Done,
    /// The request was carried out and failed; the output says why.
    Failed,
    /// Some of it is done; the output names what is not.
    Partly,
}

impl Exit {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Partly => 3,
        }
    }
}

/// What a script can tell apart by the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CliErrorKind {
    /// The command line was wrong; nothing was touched.
    Usage,
    /// The command failed.
    Failed,
    /// Whoever reads the output has gone.
    BrokenPipe,
}

/// A command that could not be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub(crate) struct CliError {
    /// What a script can tell apart.
    pub(crate) kind: CliErrorKind,
    /// What happened, to what.
    pub(crate) message: String,
    /// What to do about it, one thing a line.
    pub(crate) hints: Vec<String>,
}

impl CliError {
    /// The command line was wrong.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { kind: CliErrorKind::Usage, message: message.into(), hints: Vec::new() }
    }

    /// The command failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { kind: CliErrorKind::Failed, message: message.into(), hints: Vec::new() }
    }

    /// Puts what was attempted in front of the message.
    pub(crate) fn while_doing(mut self, what: impl Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// The process's exit code.
    pub(crate) fn code(&self) -> u8 {
        match self.kind {
            CliErrorKind::BrokenPipe => 0,
            CliErrorKind::Failed => 1,
            CliErrorKind::Usage => 2,
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        let kind = match error.kind() {
            std::io::ErrorKind::BrokenPipe => CliErrorKind::BrokenPipe,
            _ => CliErrorKind::Failed,
        };
        Self { kind, message: error.to_string(), hints: Vec::new() }
    }
}

impl From<ClusterError> for CliError {
    fn from(error: ClusterError) -> Self {
        let hint = match error.kind {
            ClusterErrorKind::Connection => {
                Some("is the API server running? `--kubeconfig` and `--kubecontext` choose another one")
            }
            ClusterErrorKind::Forbidden => Some("the user of this kubeconfig context lacks the permission"),
            ClusterErrorKind::Retry | ClusterErrorKind::Timeout => Some("the API server is busy; try again"),
            _ => None,
        };
        let mut message = error.to_string();
        for cause in &error.causes {
            if !message.contains(cause.as_str()) {
                message.push_str("; ");
                message.push_str(cause);
            }
        }
        let failed = Self::failed(message);
        match hint {
            Some(hint) => failed.hint(hint),
            None => failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CliError;

    #[test]
    fn a_closed_pipe_is_quiet_and_wrong_use_is_two() {
        let closed = CliError::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        let full = CliError::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
        assert_eq!((closed.code(), full.code(), CliError::usage("x").code()), (0, 1, 2));
        assert_eq!(CliError::failed("b").while_doing("a").hint("h").to_string(), "a: b");
    }
}
