//! A simulator on a socket of the loopback, for clients that need an address: on the clock of the machine, with the controllers that
//! the real server beside it has (namespaces and garbage), so that both leave everything else as it was written.

use std::path::{Path, PathBuf};

use kubesim::actors::{ActorKind, Actors};
use kubesim::{ApiServer, Clock, Options};
use tempfile::TempDir;
use tokio::task::JoinSet;

/// It serves until it is dropped.
pub(crate) struct Simulator {
    folder: TempDir,
    _tasks: JoinSet<()>,
}

impl Simulator {
    pub(crate) async fn start() -> Self {
        let server = ApiServer::new(Options { clock: Clock::system(), bootstrap: true, ..Options::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let kinds = [ActorKind::Definitions, ActorKind::GarbageCollector, ActorKind::Namespaces];
        let actors = Actors::only(&server, &kinds);
        let mut tasks = JoinSet::new();
        tasks.spawn(actors.run());
        tasks.spawn(async move {
            let _ = server.serve(listener).await;
        });
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("kubeconfig"), kubesim::kubeconfig::kubeconfig(address)).expect("a file");
        Self { folder, _tasks: tasks }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        Path::new(self.folder.path()).join("kubeconfig")
    }
}
