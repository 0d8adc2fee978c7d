//! A whole HTTP/1.1 connection inside the process: what `exec` needs, since only a connection can be upgraded.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, Uri, uri};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::client::legacy::{Client, Error, ResponseFuture};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::DuplexStream;
use tower_service::Service;

use super::{BoxError, socket};
use crate::ApiServer;

/// Bytes that one side may be ahead of the other.
const BUFFER_LENGTH: usize = 64 * 1024;

/// The authority of requests that came with a path only. Nobody resolves it.
const AUTHORITY: &str = "kubesim.invalid";

/// Connects a `hyper` client to the server, whatever the address. Has to be used inside a tokio runtime: each
/// connection is served by a task.
#[derive(Debug, Clone)]
pub struct DuplexConnector {
    server: ApiServer,
}

impl Service<Uri> for DuplexConnector {
    type Response = DuplexConnection;
    type Error = Infallible;
    type Future = Ready<Result<DuplexConnection, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let (client, server) = tokio::io::duplex(BUFFER_LENGTH);
        tokio::spawn(socket::connection(self.server.clone(), server));
        ready(Ok(DuplexConnection(TokioIo::new(client))))
    }
}

/// The client's end of a connection.
#[derive(Debug)]
pub struct DuplexConnection(TokioIo<DuplexStream>);

impl Connection for DuplexConnection {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for DuplexConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for DuplexConnection {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// A client over [`DuplexConnector`] as a `tower` service. Requests may name a path only.
#[derive(Debug, Clone)]
pub struct DuplexService<B> {
    client: Client<DuplexConnector, B>,
}

impl<B> Service<Request<B>> for DuplexService<B>
where
    B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Incoming>;
    type Error = Error;
    type Future = ResponseFuture;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if request.uri().authority().is_none() {
            let mut parts = request.uri().clone().into_parts();
            parts.scheme = Some(uri::Scheme::HTTP);
            parts.authority = Some(uri::Authority::from_static(AUTHORITY));
            if let Ok(whole) = Uri::from_parts(parts) {
                *request.uri_mut() = whole;
            }
        }
        self.client.request(request)
    }
}

impl ApiServer {
    /// Connects a `hyper` client in process; `exec` works.
    pub fn duplex_connector(&self) -> DuplexConnector {
        DuplexConnector { server: self.clone() }
    }

    /// A client over such connections as a `tower` service, for `kube::Client::new`; `exec` works.
    pub fn duplex_service<B>(&self) -> DuplexService<B>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        DuplexService { client: Client::builder(TokioExecutor::new()).build(self.duplex_connector()) }
    }
}
