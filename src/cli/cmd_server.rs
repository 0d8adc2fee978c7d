//! `server`: the controllers, on the cluster of the kubeconfig or of the pod, until a signal ends them.

use clap::Args;
use tracing_subscriber::EnvFilter;

use super::error::{CliError, Exit};
use super::output::Output;
use super::session::{Access, Session};
use crate::server::{self, ServerOptions};

/// What the server logs where `ARK_LOG` does not say.
const LOG_FILTER: &str = "info";

/// `server`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ServerArgs {
    /// The bucket for backups: a folder, `file:///folder`, `s3://bucket/prefix`, `gs://` or `az://`
    #[arg(long, value_name = "URL", env = "ARK_STORE")]
    pub(crate) store: String,
}

/// Runs the server.
pub(crate) async fn run(session: &Session, args: &ServerArgs, output: &mut Output) -> Result<Exit, CliError> {
    let filter = EnvFilter::try_new(session.variable("ARK_LOG").unwrap_or(LOG_FILTER))
        .map_err(|error| CliError::usage(format!("ARK_LOG: {error}")).hint("write for example ARK_LOG=debug"))?;
    let store = session.store(&args.store, Access::Write)?;
    let cluster = session.cluster().await?;
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let options = ServerOptions { namespace: session.namespace().to_owned() };
    output.note(format_args!("ark server v{}, backups in {}", env!("CARGO_PKG_VERSION"), store.bucket().url()));
    server::run(cluster, store, session.clock(), options, stop_signal())
        .await
        .map_err(|error| CliError::failed(error.to_string()))?;
    Ok(Exit::Done)
}

/// Resolves when the process is asked to end.
pub(crate) async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                biased;
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
