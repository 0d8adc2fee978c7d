//! One request and its answer: paths, queries, limits, failures of the connection.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::Client;
use kube::client::Body;

use super::chain;
use crate::cluster::request::refused;
use crate::cluster::status::{StatusBody, bounded};
use crate::cluster::{ClusterError, ClusterErrorKind};
use crate::object::ApiResource;

/// The media type of whole objects.
pub(super) const JSON: &str = "application/json";

/// The longest answer that is read: 300 objects of the largest size that etcd takes. A list asks for fewer.
const ANSWER_BYTES_MAX: usize = 512 * 1024 * 1024;

/// The longest body of a failure that is read: a `Status` with every cause it may name.
const FAILURE_BYTES_MAX: usize = 1024 * 1024;

/// How long an answer may take. A real server gives up after 60 seconds by itself; beyond that it is the connection.
pub(super) const ANSWER_TIMEOUT: Duration = Duration::from_secs(75);

/// Requests over one client.
pub(super) struct Http<'a> {
    pub(super) client: &'a Client,
}

impl Http<'_> {
    /// Asks and reads the whole answer.
    pub(super) async fn ask(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Bytes, ClusterError> {
        self.ask_for(operation, method, path, JSON, body).await
    }

    /// The same with another form of the answer.
    pub(super) async fn ask_for(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        accept: &'static str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Bytes, ClusterError> {
        let whole = async {
            let response = self.open(operation, method, path, accept, body).await?;
            read(operation, response.into_body(), ANSWER_BYTES_MAX).await
        };
        within(operation, whole).await
    }

    /// Asks and returns the answer once its head says success; the body is still to come.
    pub(super) async fn open(
        &self,
        operation: &str,
        method: Method,
        path: &str,
        accept: &'static str,
        body: Option<(&'static str, Bytes)>,
    ) -> Result<Response<Body>, ClusterError> {
        // Compressed answers could not be sliced, and watches flush badly through them.
        let request =
            Request::builder().method(method).uri(path).header(ACCEPT, accept).header(ACCEPT_ENCODING, "identity");
        let request = match body {
            Some((media_type, bytes)) => request.header(CONTENT_TYPE, media_type).body(Body::from(bytes)),
            None => request.body(Body::empty()),
        };
        let request = request.map_err(|error| refused(operation, format!("no request can be made of it: {error}")))?;
        let response = self.client.send(request).await.map_err(|error| connection(operation, &error))?;
        let code = response.status().as_u16();
        if response.status().is_success() {
            return Ok(response);
        }
        let asked = retry_after(response.headers());
        let body = read(operation, response.into_body(), FAILURE_BYTES_MAX).await.unwrap_or_default();
        let mut error = StatusBody::read(&body).into_error(operation, code);
        error.retry_after = error.retry_after.or(asked);
        Err(error)
    }
}

/// Puts the limit of one answer around it.
pub(super) async fn within<T>(
    operation: &str,
    answer: impl Future<Output = Result<T, ClusterError>>,
) -> Result<T, ClusterError> {
    match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
        Ok(answer) => answer,
        Err(_) => Err(failure(
            operation,
            ClusterErrorKind::Timeout,
            format!("no answer within {} seconds", ANSWER_TIMEOUT.as_secs()),
        )),
    }
}

async fn read(operation: &str, body: Body, limit: usize) -> Result<Bytes, ClusterError> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(failure(
            operation,
            ClusterErrorKind::Corrupt,
            format!("the answer is longer than {limit} bytes; ask for fewer objects at once"),
        )),
        Err(error) => Err(failure(operation, ClusterErrorKind::Connection, chain(error.as_ref()))),
    }
}

/// A failure that is not an answer of the API server.
pub(super) fn failure(operation: &str, kind: ClusterErrorKind, message: impl Into<String>) -> ClusterError {
    ClusterError {
        kind,
        operation: operation.to_owned(),
        message: message.into(),
        code: 0,
        retry_after: None,
        causes: Vec::new(),
    }
}

/// What the client itself says of a request that got no answer.
pub(super) fn connection(operation: &str, error: &kube::Error) -> ClusterError {
    let kind = match error {
        kube::Error::Auth(_) => ClusterErrorKind::Forbidden,
        kube::Error::SerdeError(_) | kube::Error::FromUtf8(_) => ClusterErrorKind::Corrupt,
        kube::Error::BuildRequest(_) | kube::Error::HttpError(_) => ClusterErrorKind::Invalid,
        _ => ClusterErrorKind::Connection,
    };
    failure(operation, kind, chain(error))
}

/// Seconds only: API servers send no dates here.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    (seconds > 0).then(|| bounded(Duration::from_secs(seconds)))
}

/// The path of a collection, of an object, or of a subresource. The caller has checked the names.
pub(super) fn object_path(
    resource: &ApiResource,
    namespace: Option<&str>,
    name: Option<&str>,
    subresource: Option<&str>,
) -> String {
    let mut path = String::with_capacity(128);
    path.push_str(if resource.group.is_empty() { "/api" } else { "/apis" });
    let mut segment = |text: &str| {
        path.push('/');
        escape(text, &mut path);
    };
    if !resource.group.is_empty() {
        segment(&resource.group);
    }
    segment(&resource.version);
    if let Some(namespace) = namespace {
        segment("namespaces");
        segment(namespace);
    }
    segment(&resource.plural);
    if let Some(name) = name {
        segment(name);
    }
    if let Some(subresource) = subresource {
        segment(subresource);
    }
    path
}

/// Escapes all but what no proxy ever rewrites.
fn escape(text: &str, into: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            into.push(char::from(byte));
        } else {
            into.push('%');
            into.push(char::from(HEX[usize::from(byte >> 4)]));
            into.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

/// The parameters behind a path.
#[derive(Debug, Default)]
pub(super) struct Query(String);

impl Query {
    /// Adds a parameter that is given.
    pub(super) fn add(&mut self, key: &str, value: Option<&str>) {
        let Some(value) = value else { return };
        self.0.push(if self.0.is_empty() { '?' } else { '&' });
        self.0.push_str(key);
        self.0.push('=');
        escape(value, &mut self.0);
    }

    /// The path with its parameters.
    pub(super) fn on(self, path: String) -> String {
        path + &self.0
    }
}
