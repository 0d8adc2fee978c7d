//! Requests about resources: from method and target to a verb of the core, and its answer in the shape asked for.

use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Response, request};

use super::answer;
use super::body;
use super::exec_ws;
use super::negotiate::{self, BodyType, Form, Offer};
use super::params;
use super::protobuf;
use super::route::{ParsedTarget, Query};
use super::shape::{Shaper, not_acceptable};
use super::stream::{Body, Events};
use super::table::IncludeObject;
use crate::access::Attributes;
use crate::process;
use crate::{ApiServer, Deleted, Object, Patch, ResourceDef, Status, Target};

/// The patch types of custom resources, as a real server lists them.
const CUSTOM_PATCHES: [&str; 3] =
    ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];

/// One request about a resource.
pub(super) struct Call<'a> {
    pub(super) server: &'a ApiServer,
    pub(super) target: ParsedTarget,
    pub(super) query: Query,
    /// Whether a watch is asked for.
    pub(super) watch: bool,
    pub(super) parts: &'a mut request::Parts,
    pub(super) body: Bytes,
}

/// Answers it.
pub(super) fn answer(call: Call<'_>) -> Response<Body> {
    call.run().unwrap_or_else(|status| answer::status(&status))
}

impl Call<'_> {
    fn run(self) -> Result<Response<Body>, Status> {
        let def = self.server.resolve(&self.target.clone().into())?;
        if let Some(special) = self.target.subresource.as_deref().filter(|_| def.plural == "pods") {
            match special {
                "log" => return self.log(),
                "exec" => return self.exec(&def),
                "attach" | "portforward" => return Err(not_emulated(special)),
                _ => {}
            }
        }
        if self.target.subresource.as_deref() == Some("proxy") {
            return Err(not_emulated("proxy"));
        }
        let deprecated = deprecated(&def);
        let answer = self.verb(def);
        answer::warned(answer, deprecated.as_slice())
    }

    fn verb(self, def: Arc<ResourceDef>) -> Result<Response<Body>, Status> {
        let form =
            negotiate::accept(&self.parts.headers, Offer::Objects).map_err(|refused| not_acceptable(&refused.0))?;
        let include = match self.query.get("includeObject") {
            Some("None") => IncludeObject::None,
            Some("Object") => IncludeObject::Object,
            _ => IncludeObject::Metadata,
        };
        let answering = Answering { server: self.server.clone(), def, form, include };
        let named = self.target.name.is_some();
        match (&self.parts.method, named) {
            (&Method::GET, false) if self.watch => self.watching(answering),
            (&Method::GET, true) if self.watch && self.target.subresource.is_none() => self.watching(answering),
            (&Method::GET, false) => self.list(&answering),
            (&Method::GET, true) => {
                let target = Target::from(self.target);
                answering.object(200, &answering.server.get(&target)?)
            }
            (&Method::POST, named) if !named || self.target.subresource.is_some() => self.create(&answering),
            (&Method::PUT, true) => self.update(&answering),
            (&Method::PATCH, true) => self.patch(&answering),
            (&Method::DELETE, true) => self.delete(&answering),
            (&Method::DELETE, false) => self.delete_collection(&answering),
            _ => Err(Status::method_not_allowed()),
        }
    }

    fn list(self, answering: &Answering) -> Result<Response<Body>, Status> {
        let options = params::list_options(&self.query)?;
        let list = self.server.list(&self.target.into(), &options)?;
        let bytes = answering.shaper().list(&list)?;
        Ok(answering.bytes(200, bytes))
    }

    fn watching(self, answering: Answering) -> Result<Response<Body>, Status> {
        let options = params::watch_options(&self.query)?;
        let watch = self.server.watch(&self.target.into(), &options)?;
        let content_type = answer::content_type(answering.form.encoding);
        let mut response = answer::bytes(200, content_type, Bytes::new());
        *response.body_mut() = Body::events(Events {
            server: answering.server,
            def: answering.def,
            form: answering.form,
            include: answering.include,
            watch,
            begun: false,
        });
        Ok(response)
    }

    fn create(self, answering: &Answering) -> Result<Response<Body>, Status> {
        let mut options = params::write_options(&self.query, &self.parts.headers, "CreateOptions")?;
        let body_type = negotiate::body_type(&self.parts.headers);
        let object = body::object(&self.body, body_type, &answering.def.kind)?;
        options.duplicates = body::duplicates(&self.body, body_type);
        if answering.def.is_custom() {
            body::has_kind(&object, &self.body, &answering.def.kind)?;
        }
        let mut warnings = Vec::new();
        let created = self.server.create_warning(&self.target.into(), object, &options, &mut warnings);
        answer::warned(created.and_then(|created| answering.object(201, &created)), &warnings)
    }

    fn update(self, answering: &Answering) -> Result<Response<Body>, Status> {
        let mut options = params::write_options(&self.query, &self.parts.headers, "UpdateOptions")?;
        let body_type = negotiate::body_type(&self.parts.headers);
        let object = body::object(&self.body, body_type, &answering.def.kind)?;
        options.duplicates = body::duplicates(&self.body, body_type);
        let mut warnings = Vec::new();
        let written = self.server.put(&self.target.into(), object, &options, &mut warnings);
        let answer = written.and_then(|(updated, created)| answering.object(if created { 201 } else { 200 }, &updated));
        answer::warned(answer, &warnings)
    }

    fn patch(self, answering: &Answering) -> Result<Response<Body>, Status> {
        let mut options = params::write_options(&self.query, &self.parts.headers, "PatchOptions")?;
        let patch = match negotiate::body_type(&self.parts.headers) {
            BodyType::JsonPatch => Patch::Json(body::value(&self.body)?),
            BodyType::MergePatch => Patch::Merge(body::value(&self.body)?),
            BodyType::StrategicPatch => Patch::Strategic(body::value(&self.body)?),
            BodyType::ApplyPatch => {
                // Who applies has to say so: the client's name is not enough.
                options.field_manager = self.query.non_empty("fieldManager");
                let unread = |why| Status::bad_request(format!("error decoding YAML: {why}"));
                Patch::Apply(body::yaml(&self.body).map_err(unread)?)
            }
            _ if answering.def.is_custom() => return Err(Status::unsupported_media_type(&CUSTOM_PATCHES)),
            _ => return Err(unknown_patch()),
        };
        let mut warnings = Vec::new();
        let written = self.server.patch_or_create(&self.target.into(), &patch, &options, &mut warnings);
        let answer = written.and_then(|(patched, created)| answering.object(if created { 201 } else { 200 }, &patched));
        answer::warned(answer, &warnings)
    }

    fn delete(self, answering: &Answering) -> Result<Response<Body>, Status> {
        let options = params::delete_options(&self.query, self.deletion_body()?.as_ref())?;
        let mut warnings = Vec::new();
        let answer = match self.server.delete_warning(&self.target.into(), &options, &mut warnings) {
            Ok(Deleted::Status(status)) => Ok(answer::status(&status)),
            Ok(Deleted::Object(object)) => answering.object(200, &object),
            Err(refused) => Err(refused),
        };
        answer::warned(answer, &warnings)
    }

    fn delete_collection(self, answering: &Answering) -> Result<Response<Body>, Status> {
        let options = params::delete_options(&self.query, self.deletion_body()?.as_ref())?;
        let selection = params::list_options(&self.query)?;
        let mut warnings = Vec::new();
        let deleted = self.server.delete_collection_warning(&self.target.into(), &selection, &options, &mut warnings);
        let answer = deleted.and_then(|list| answering.shaper().list(&list));
        answer::warned(answer.map(|bytes| answering.bytes(200, bytes)), &warnings)
    }

    fn deletion_body(&self) -> Result<Option<serde_json::Value>, Status> {
        if self.body.is_empty() {
            return Ok(None);
        }
        match negotiate::body_type(&self.parts.headers) {
            BodyType::Yaml => body::yaml(&self.body).map(Some).map_err(Status::bad_request),
            BodyType::Protobuf => protobuf::decode(&self.body).map(Some),
            _ => body::value(&self.body).map(Some),
        }
    }

    /// The log of a container. The processes of the simulator keep none: it is empty.
    fn log(self) -> Result<Response<Body>, Status> {
        if self.parts.method != Method::GET {
            return Err(Status::method_not_allowed());
        }
        let pod = self.pod()?;
        process::container(&pod, self.query.get("container"))?;
        Ok(answer::bytes(200, "text/plain", Bytes::new()))
    }

    fn exec(self, def: &ResourceDef) -> Result<Response<Body>, Status> {
        if !matches!(self.parts.method, Method::GET | Method::POST) {
            return Err(Status::method_not_allowed());
        }
        // A WebSocket is opened by a GET: the right to read alone does not run programs.
        let attributes = Attributes::of("create", &self.target.clone().into());
        self.server.lock().authorize(self.server.user(), &attributes)?;
        exec_ws::reviewed(self.server, def, &self.target.clone().into(), &self.query)?;
        let pod = self.pod()?;
        exec_ws::answer(self.server, &pod, &self.query, self.parts)
    }

    fn pod(&self) -> Result<Object, Status> {
        let target = ParsedTarget { subresource: None, ..self.target.clone() };
        self.server.get(&target.into())
    }
}

/// What every answer about one resource has in common.
struct Answering {
    server: ApiServer,
    def: Arc<ResourceDef>,
    form: Form,
    include: IncludeObject,
}

impl Answering {
    fn shaper(&self) -> Shaper<'_> {
        Shaper { server: &self.server, def: &self.def, form: self.form, include: self.include }
    }

    fn object(&self, code: u16, object: &Object) -> Result<Response<Body>, Status> {
        let bytes = self.shaper().object(object)?;
        Ok(self.bytes(code, bytes))
    }

    fn bytes(&self, code: u16, bytes: Bytes) -> Response<Body> {
        answer::bytes(code, answer::content_type(self.form.encoding), bytes)
    }
}

/// What everybody is warned of who asks for a kind that is to go.
fn deprecated(def: &ResourceDef) -> Option<String> {
    let (since, replacement) = match (def.group.as_str(), def.plural.as_str()) {
        ("", "componentstatuses") => ("1.19", ""),
        ("", "endpoints") => ("1.33", "; use discovery.k8s.io/v1 EndpointSlice"),
        _ => return None,
    };
    Some(format!("{} {} is deprecated in v{since}+{replacement}", def.version, def.kind))
}

/// 415 for a patch of no known type, as the router of a real server answers.
fn unknown_patch() -> Status {
    let mut status = Status::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
    status.details = Some(serde_json::json!({}));
    status
}

/// 501: what a real server has and this one does not.
fn not_emulated(what: &str) -> Status {
    Status::new(501, "NotImplemented", format!("{what} is not emulated by kubesim"))
}
