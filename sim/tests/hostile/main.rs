//! Requests and objects that nobody means well by: every one is answered, none stops the server.

mod actors;
mod bodies;
mod clients;
mod objects;
mod requests;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use kubesim::http::{Body, Router};
use kubesim::{ApiServer, Options};
use serde_json::Value;

fn server() -> ApiServer {
    ApiServer::new(Options::default())
}

/// An answer that is known at once; a watch has no bytes.
fn answered(response: Response<Body>) -> (StatusCode, Option<Bytes>) {
    let status = response.status();
    (status, response.into_body().into_bytes())
}

fn send(server: &ApiServer, method: &str, path: &str, content_type: &str, body: Vec<u8>) -> (StatusCode, Value) {
    let request = Request::builder().method(method).uri(path).header("content-type", content_type);
    let request = request.body(Bytes::from(body)).expect("a request");
    let (status, bytes) = answered(Router::new(server.clone()).handle(request));
    (status, serde_json::from_slice(&bytes.expect("no watch")).expect("JSON"))
}
