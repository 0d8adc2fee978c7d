//! The mouth for everybody else: HTTP/1.1 over a socket.

use std::io;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower_service::Service as _;

use crate::ApiServer;

/// Connections at a time: each may hold a watch. Others wait in the listener's queue.
const CONNECTIONS_MAX: usize = 1024;

/// Whether the next connection may be accepted after this error of the last one: the client went away before our accept, or the
/// process has no descriptor left, which the end of another connection mends.
enum Refusal {
    Gone,
    Full,
    Broken(io::Error),
}

impl Refusal {
    fn of(error: io::Error) -> Self {
        /// `EMFILE` and `ENFILE`, which the standard library has no kind for.
        const FULL: [i32; 2] = [24, 23];
        match error.kind() {
            io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset => Self::Gone,
            _ if error.raw_os_error().is_some_and(|code| FULL.contains(&code)) => Self::Full,
            _ => Self::Broken(error),
        }
    }
}

/// Serves one connection until either side ends it. Errors are the other side's: it went away, or spoke no HTTP.
pub(super) async fn connection<S>(server: ApiServer, stream: S)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = server.service();
    let answer = service_fn(move |request| service.clone().call(request));
    let serving = http1::Builder::new().serve_connection(TokioIo::new(stream), answer);
    // The result tells only how the connection ended, and there is nobody to tell.
    drop(serving.with_upgrades().await);
}

impl ApiServer {
    /// Answers on a socket, until the future is dropped: then every connection ends. An error is the listener's.
    pub async fn serve(&self, listener: TcpListener) -> io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_) = connections.join_next(), if !connections.is_empty() => {}
                accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.clone(), stream));
                    }
                    Err(error) => match Refusal::of(error) {
                        Refusal::Gone => {}
                        // Others wait in the listener's queue until one of ours ends.
                        Refusal::Full if connections.join_next().await.is_some() => {}
                        Refusal::Full => return Err(io::Error::other("no file descriptor is left for a connection")),
                        Refusal::Broken(error) => return Err(error),
                    },
                },
            }
        }
    }
}
