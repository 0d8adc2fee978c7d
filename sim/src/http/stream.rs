//! Bodies of responses: whole, or the lines of a watch.
//!
//! A watch is one JSON object a line, sent as it happens. The stream ends when the watch does, at its
//! `timeoutSeconds` on the server's clock; under a paused clock that costs no real time.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures::Stream;
use http_body::{Frame, SizeHint};
use serde_json::json;

use super::negotiate::{Form, Shape};
use super::shape::Shaper;
use super::table::IncludeObject;
use crate::{ApiServer, Object, ResourceDef, Status, Watch, WatchEvent};

/// The body of a response.
#[derive(Debug)]
pub struct Body(Inner);

#[derive(Debug)]
enum Inner {
    Full(Bytes),
    Events(Box<Events>),
    End,
}

impl Body {
    /// A body that is known at once.
    pub(crate) fn full(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() { Inner::End } else { Inner::Full(bytes) })
    }

    /// The lines of a watch.
    pub(crate) fn events(events: Events) -> Self {
        Self(Inner::Events(Box::new(events)))
    }

    /// All of it, where it is known at once; `None` for a watch, which has to be polled.
    pub fn into_bytes(self) -> Option<Bytes> {
        match self.0 {
            Inner::Full(bytes) => Some(bytes),
            Inner::End => Some(Bytes::new()),
            Inner::Events(_) => None,
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Inner::Events(events) => {
                let line = ready!(events.poll_line(context));
                if line.is_none() {
                    self.0 = Inner::End;
                }
                Poll::Ready(line.map(|line| Ok(Frame::data(line))))
            }
            Inner::Full(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Inner::End;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Inner::End => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Inner::End)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Full(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Inner::Events(_) => SizeHint::default(),
            Inner::End => SizeHint::with_exact(0),
        }
    }
}

/// A watch and how its events are written.
pub(crate) struct Events {
    pub(crate) server: ApiServer,
    pub(crate) def: Arc<ResourceDef>,
    pub(crate) form: Form,
    pub(crate) include: IncludeObject,
    pub(crate) watch: Watch,
    /// Whether an event has been written: only the first table has headings.
    pub(crate) begun: bool,
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("resource", &self.def.plural).finish_non_exhaustive()
    }
}

impl Events {
    fn poll_line(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let Some(event) = ready!(Pin::new(&mut self.watch).poll_next(context)) else {
            return Poll::Ready(None);
        };
        Poll::Ready(Some(self.line(&event)))
    }

    fn line(&mut self, event: &WatchEvent) -> Bytes {
        let mut line = match event {
            WatchEvent::Added(object) => self.change("ADDED", object),
            WatchEvent::Modified(object) => self.change("MODIFIED", object),
            WatchEvent::Deleted(object) => self.change("DELETED", object),
            WatchEvent::Bookmark { revision, initial_events_end } => self.bookmark(*revision, *initial_events_end),
            WatchEvent::Error(status) => error(status),
        };
        line.push('\n');
        line.into()
    }

    fn change(&mut self, kind: &str, object: &Object) -> String {
        if matches!(self.form.shape, Shape::Plain | Shape::Aggregated) {
            // The object's own bytes: nothing is serialised twice for two watchers.
            let json = object.json();
            let json = String::from_utf8_lossy(&json);
            return format!("{{\"type\":\"{kind}\",\"object\":{json}}}");
        }
        // The printer of API services is asked to leave the headings out and does not.
        let headings = !self.begun || self.def.group == "apiregistration.k8s.io";
        let object = self.shaper().event(object, headings);
        self.begun = true;
        json!({ "type": kind, "object": object }).to_string()
    }

    /// An object of the watched kind with nothing but a revision.
    fn bookmark(&mut self, revision: u64, initial_events_end: bool) -> String {
        let mut metadata = json!({ "resourceVersion": revision.to_string() });
        if initial_events_end {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let (kind, api_version) = match self.form.shape {
            Shape::Table => {
                let headings = !self.begun;
                self.begun = true;
                let table = self.shaper().empty_table(metadata, headings);
                return json!({ "type": "BOOKMARK", "object": table }).to_string();
            }
            Shape::Partial | Shape::PartialList => ("PartialObjectMetadata".to_owned(), "meta.k8s.io/v1".to_owned()),
            Shape::Plain | Shape::Aggregated => (self.def.kind.clone(), self.def.api_version()),
        };
        let object = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        json!({ "type": "BOOKMARK", "object": object }).to_string()
    }

    fn shaper(&self) -> Shaper<'_> {
        Shaper { server: &self.server, def: &self.def, form: self.form, include: self.include }
    }
}

fn error(status: &Status) -> String {
    json!({ "type": "ERROR", "object": status }).to_string()
}
