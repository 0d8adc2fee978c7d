//! The in-process mouth: a `tower` service that answers without a connection.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tower_service::Service;

use super::{Body, Router, answer};
use crate::{ApiServer, Status};

/// The largest body that is read, as in a real server.
const BODY_LENGTH_MAX: usize = 3 * 1024 * 1024;

/// Any error.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The body of a request could not be read; nothing was done.
#[derive(Debug, thiserror::Error)]
#[error("the body of the request cannot be read: {0}")]
pub struct BodyError(#[source] BoxError);

/// Answers requests in process; a cheap handle. `exec` needs an upgradable connection and is refused here with a
/// message that says so: see [`ApiServer::duplex_service`].
#[derive(Debug, Clone)]
pub struct HttpService {
    router: Router,
}

impl HttpService {
    pub(super) fn new(router: Router) -> Self {
        Self { router }
    }
}

impl<B> Service<Request<B>> for HttpService
where
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = BodyError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BodyError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BodyError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let router = self.router.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            if body.size_hint().lower() > BODY_LENGTH_MAX as u64 {
                // Said at once: nobody waits for gigabytes that are only announced.
                return Ok(too_large());
            }
            match Limited::new(body, BODY_LENGTH_MAX).collect().await {
                Ok(body) => Ok(router.handle(Request::from_parts(parts, body.to_bytes()))),
                Err(error) if error.is::<LengthLimitError>() => Ok(too_large()),
                Err(error) => Err(BodyError(error)),
            }
        })
    }
}

fn too_large() -> Response<Body> {
    answer::status(&Status::new(
        413,
        "RequestEntityTooLarge",
        format!("Request entity too large: limit is {BODY_LENGTH_MAX}"),
    ))
}

impl ApiServer {
    /// This server as a `tower` service, for `kube::Client::new` and the like.
    pub fn service(&self) -> HttpService {
        HttpService::new(Router::new(self.clone()))
    }
}
