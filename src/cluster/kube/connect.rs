//! The client of a configuration: `kube`'s own stack on a connection that does not wait.
//!
//! `kube` leaves Nagle's algorithm on. The request that follows a handshake then lies in the kernel until the server confirms the
//! handshake, which takes it up to forty milliseconds: on each new connection, so on each burst of requests.
//!
//! # Differences
//! From `kube::Client::try_from`: no time-outs of the connection beyond the ones of each request (`http_io`), no trace of each request.
//! Behind a proxy it is that function.

use std::time::Duration;

use hyper_util::client::legacy::Client as HyperClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::{Body, ClientBuilder, ConfigExt as _};
use kube::config::Config;
use tower::BoxError;
use tower::util::MapErrLayer;

/// How long a connection may take to come about, as `kube` has it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A client for this configuration. Nothing is asked of the server.
///
/// # Errors
/// Where the configuration names keys or certificates that cannot be used.
pub(super) fn client(config: Config) -> Result<Client, kube::Error> {
    if config.proxy_url.is_some() {
        return Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let connections: HyperClient<_, Body> = HyperClient::builder(TokioExecutor::new()).build(connector);
    let builder = ClientBuilder::new(connections, config.default_namespace.clone())
        .with_layer(&MapErrLayer::new(BoxError::from))
        .with_layer(&config.extra_headers_layer()?);
    let base = config.base_uri_layer();
    Ok(match config.auth_layer()? {
        Some(auth) => builder.with_layer(&auth).with_layer(&base).build(),
        None => builder.with_layer(&base).build(),
    })
}
