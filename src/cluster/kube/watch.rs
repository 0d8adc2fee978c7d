//! A watch over HTTP: one event a line, cut out of the stream as raw bytes.

use std::borrow::Cow;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, StreamExt};
use http::Method;
use http_body_util::BodyExt;
use kube::client::Body;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::chain;
use super::http_io::{Http, JSON, Query, failure, object_path, within};
use super::page::corrupt;
use crate::cluster::request::{check_names, operation, whole_seconds};
use crate::cluster::status::StatusBody;
use crate::cluster::{ClusterError, ClusterErrorKind, WatchEvent, WatchOptions};
use crate::object::{ApiResource, RawObject};

/// The longest line. An object has at most 1.5 MiB in etcd, and escapes may multiply that.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long after its announced end a stream is given up: the server is gone, and no packet will say so.
const END_GRACE: Duration = Duration::from_secs(30);

/// Opens the watch and returns its events.
pub(super) async fn watch(
    http: &Http<'_>,
    resource: &ApiResource,
    namespace: Option<&str>,
    options: &WatchOptions,
) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
    let operation = operation("watch", resource, namespace, None);
    check_names(&operation, namespace, None)?;
    let mut query = Query::default();
    query.add("watch", Some("true"));
    query.add("allowWatchBookmarks", Some("true"));
    query.add("resourceVersion", options.resource_version.as_deref());
    query.add("labelSelector", options.label_selector.as_deref());
    query.add("fieldSelector", options.field_selector.as_deref());
    query.add("timeoutSeconds", options.timeout.map(|timeout| whole_seconds(timeout).to_string()).as_deref());
    let path = query.on(object_path(resource, namespace, None, None));
    let response = within(&operation, http.open(&operation, Method::GET, &path, JSON, None)).await?;
    let lines = Lines {
        body: response.into_body(),
        buffer: BytesMut::new(),
        searched: 0,
        operation,
        api_version: resource.api_version(),
        kind: resource.kind.clone(),
    };
    let events = stream::unfold(Some(lines), |lines| async move {
        let mut lines = lines?;
        match lines.next_event().await {
            Ok(Some(event)) => Some((Ok(event), Some(lines))),
            Ok(None) => None,
            Err(error) => Some((Err(error), None)),
        }
    });
    let Some(timeout) = options.timeout else { return Ok(events.boxed()) };
    // The whole stream has one end, however often it is polled.
    let deadline = Box::pin(tokio::time::sleep(timeout.saturating_add(END_GRACE)));
    Ok(events.take_until(deadline).boxed())
}

struct Lines {
    body: Body,
    buffer: BytesMut,
    /// How much of the buffer is known to hold no line end.
    searched: usize,
    operation: String,
    api_version: String,
    kind: String,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(rename = "type", borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

impl Lines {
    async fn next_event(&mut self) -> Result<Option<WatchEvent>, ClusterError> {
        while let Some(line) = self.next_line().await? {
            if !line.trim_ascii().is_empty() {
                return self.event(&line).map(Some);
            }
        }
        Ok(None)
    }

    async fn next_line(&mut self) -> Result<Option<Bytes>, ClusterError> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1).freeze();
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.searched > LINE_BYTES_MAX {
                return Err(corrupt(&self.operation, "an event is longer than any object can be"));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(data) = frame.into_data() {
                        self.buffer.extend_from_slice(&data);
                    }
                }
                Some(Err(error)) => {
                    return Err(failure(&self.operation, ClusterErrorKind::Connection, chain(&error)));
                }
                None if self.buffer.trim_ascii().is_empty() => return Ok(None),
                None => {
                    let message = "the stream ended inside an event";
                    return Err(failure(&self.operation, ClusterErrorKind::Connection, message));
                }
            }
        }
    }

    fn event(&self, line: &Bytes) -> Result<WatchEvent, ClusterError> {
        let parsed: Line<'_> =
            serde_json::from_slice(line).map_err(|_| corrupt(&self.operation, "a line of the stream is no event"))?;
        let raw = RawObject::new(line.slice_ref(parsed.object.get().as_bytes()));
        let typed = |raw: RawObject| {
            raw.with_type(&self.api_version, &self.kind)
                .map_err(|error| corrupt(&self.operation, &format!("the object of an event is {error}")))
        };
        Ok(match parsed.event.as_ref() {
            "ADDED" => WatchEvent::Added(typed(raw)?),
            "MODIFIED" => WatchEvent::Modified(typed(raw)?),
            "DELETED" => WatchEvent::Deleted(typed(raw)?),
            "BOOKMARK" => {
                let head = raw.head().map_err(|_| corrupt(&self.operation, "a bookmark holds no object"))?;
                WatchEvent::Bookmark(head.metadata.resource_version.into_owned())
            }
            "ERROR" => return Err(StatusBody::read(raw.bytes()).into_error(&self.operation, 0)),
            _ => return Err(corrupt(&self.operation, "the stream holds an event of an unknown type")),
        })
    }
}
