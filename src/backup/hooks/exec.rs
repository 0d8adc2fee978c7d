//! Running one hook's command in a pod.

use crate::cluster::{Cluster, ClusterErrorKind, ExecOutcome, ExecRequest};

use super::{Command, Pod};

/// Output beyond this many bytes of each stream stays out of the log.
const LOGGED_BYTES_MAX: usize = 4 * 1024;

/// What a command did, for the log and the results.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::backup) struct Ran {
    /// Container it ran in; empty where none was found.
    pub(in crate::backup) container: String,
    /// Standard output, cut off.
    pub(in crate::backup) stdout: String,
    /// Standard error, cut off.
    pub(in crate::backup) stderr: String,
    /// Why it failed.
    pub(in crate::backup) failure: Option<String>,
}

/// Runs `command` in the pod and waits for it.
pub(in crate::backup) async fn run(
    cluster: &dyn Cluster,
    namespace: &str,
    name: &str,
    pod: &Pod,
    command: &Command,
) -> Ran {
    let container = match pod.container(&command.container) {
        Ok(container) => container,
        Err(failure) => return Ran { failure: Some(failure), ..Ran::default() },
    };
    if command.words.is_empty() {
        return Ran { container, failure: Some("command is required".to_owned()), ..Ran::default() };
    }
    let request = ExecRequest {
        namespace: namespace.to_owned(),
        pod: name.to_owned(),
        container: container.clone(),
        command: command.words.clone(),
        timeout: command.timeout,
    };
    match cluster.exec(&request).await {
        Ok(ExecOutcome { exit_code, stdout, stderr }) => Ran {
            container,
            stdout: text(&stdout),
            stderr: text(&stderr),
            failure: (exit_code != 0).then(|| format!("command terminated with exit code {exit_code}")),
        },
        Err(error) if error.kind == ClusterErrorKind::Timeout => {
            let failure = format!("timed out after {}; the process may still run", seconds(command));
            Ran { container, failure: Some(failure), ..Ran::default() }
        }
        Err(error) => Ran { container, failure: Some(error.to_string()), ..Ran::default() },
    }
}

fn seconds(command: &Command) -> String {
    crate::api::go::GoDuration::from_seconds(i64::try_from(command.timeout.as_secs()).unwrap_or(i64::MAX)).to_string()
}

fn text(output: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(&output[..output.len().min(LOGGED_BYTES_MAX)]).into_owned();
    if output.len() > LOGGED_BYTES_MAX {
        text.push('…');
    }
    text
}
