//! The HTTP face: one router with three mouths.
//!
//! [`Router`] turns a request into a response by calling the core; it is synchronous, but for the bodies of
//! watches and the processes of `exec`. Around it:
//!
//! * [`HttpService`]: a `tower` service, for a client in the same process ([`ApiServer::service`]);
//! * [`DuplexConnector`] and [`DuplexService`]: a whole HTTP/1.1 connection inside the process, for clients that
//!   upgrade it (`exec`) or whose transport is under test ([`ApiServer::duplex_connector`]);
//! * [`ApiServer::serve`]: a socket.
//!
//! Answers follow a recorded kube-apiserver 1.36 in status, reason, message and headers.
//!
//! # Differences
//!
//! Whoever sends no token is the administrator. No TLS, no metrics; Protobuf is read
//! for a few kinds and never written; `attach`, `portforward` and `proxy`
//! answer 501; SPDY is refused, `exec` speaks WebSocket only. A path that names a namespace for a cluster-scoped
//! resource answers like an unknown resource; `POST` without one for a namespaced resource is 400.

mod answer;
mod body;
mod discovery;
mod duplex;
mod exec_ws;
mod gnostic;
mod identity;
mod negotiate;
mod openapi;
mod openapi_v2;
mod params;
mod protobuf;
mod resource;
mod route;
mod service;
mod shape;
mod socket;
mod stream;
mod table;

use bytes::Bytes;
use http::{Method, Request, Response, header};

use self::discovery::Resources;
use self::negotiate::{Offer, Shape};
use self::resource::Call;
use self::route::{Query, Route};
use crate::{ApiServer, Status};

pub use self::duplex::{DuplexConnection, DuplexConnector, DuplexService};
pub use self::service::{BodyError, BoxError, HttpService};
pub use self::stream::Body;

/// The content type of aggregated discovery.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Requests in, responses out.
#[derive(Debug, Clone)]
pub struct Router(ApiServer);

impl Router {
    /// A router of this server.
    pub fn new(server: ApiServer) -> Self {
        Self(server)
    }

    /// Answers a request whose body has been read. `exec` needs a request that came over an upgradable
    /// connection, inside a tokio runtime.
    pub fn handle(&self, request: Request<Bytes>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let route = Route::parse(parts.uri.path());
        let admitted = match identity::admitted(&self.0, &parts, &route, &query) {
            Ok(admitted) => admitted,
            Err(refused) => return answer::status(&refused),
        };
        let server = &admitted;
        let route = match route {
            Route::Resource { target, watch } => {
                let watch = watch || query.flag("watch").unwrap_or_default();
                return resource::answer(Call { server, target, query, watch, parts: &mut parts, body });
            }
            Route::Unknown => return answer::page_not_found(),
            route => route,
        };
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return answer::status(&Status::method_not_allowed());
        }
        let offer = match route {
            Route::CoreVersions | Route::Groups => Offer::Discovery,
            Route::OpenApiIndex | Route::OpenApiDocument(_) | Route::Health | Route::Version => {
                return self.page(&route);
            }
            Route::OpenApiV2 => return openapi_v2::answer(server, &parts.headers),
            _ => Offer::Document,
        };
        match negotiate::accept(&parts.headers, offer) {
            Err(refused) => answer::status(&shape::not_acceptable(&refused.0)),
            Ok(form) if form.shape == Shape::Aggregated => {
                let core = route == Route::CoreVersions;
                let body = discovery::aggregated(server, core).to_string();
                let mut response = answer::bytes(200, AGGREGATED, body);
                response.headers_mut().insert(header::VARY, header::HeaderValue::from_static("Accept"));
                response
            }
            Ok(form) => self.document(&route, form.encoding),
        }
    }

    fn document(&self, route: &Route, encoding: negotiate::Encoding) -> Response<Body> {
        let server = &self.0;
        let value = match route {
            Route::Root => discovery::root(server),
            Route::CoreVersions => discovery::core_versions(),
            Route::Groups => discovery::group_list(server),
            Route::Group(name) => match discovery::group(server, name) {
                Some(group) => group,
                None => return answer::page_not_found(),
            },
            Route::GroupVersion { group, version } => match discovery::resource_list(server, group, version) {
                Resources::List(list) => list,
                Resources::Unavailable => return answer::status(&Status::unavailable()),
                Resources::Absent => return answer::page_not_found(),
            },
            _ => return answer::page_not_found(),
        };
        match shape::encode(encoding, &value) {
            Ok(bytes) => answer::bytes(200, answer::content_type(encoding), bytes),
            Err(status) => answer::status(&status),
        }
    }

    fn page(&self, route: &Route) -> Response<Body> {
        match route {
            Route::Health => answer::text(200, "ok"),
            Route::Version => answer::bytes(200, answer::JSON, VERSION),
            Route::OpenApiIndex => answer::json(&openapi::index(&self.0)),
            Route::OpenApiDocument(key) => match openapi::document(&self.0, key) {
                Some(bytes) => answer::bytes(200, answer::JSON, bytes),
                None => answer::page_not_found(),
            },
            _ => answer::page_not_found(),
        }
    }
}

/// `/version`: that of the server whose answers were recorded, as it prints it.
const VERSION: &str = r#"{
  "major": "1",
  "minor": "36",
  "emulationMajor": "1",
  "emulationMinor": "36",
  "minCompatibilityMajor": "1",
  "minCompatibilityMinor": "35",
  "gitVersion": "v1.36.3",
  "gitCommit": "$Format:%H$",
  "gitTreeState": "",
  "buildDate": "1970-01-01T00:00:00Z",
  "goVersion": "go1.26.8",
  "compiler": "gc",
  "platform": "linux/amd64"
}"#;
