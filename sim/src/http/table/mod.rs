//! The `Table` form of objects: what `kubectl get` prints.
//!
//! Columns come with the definition of the resource; cells are computed here, by the rules of the
//! server's printers, one function a kind that needs one ([`pods`], [`workloads`], [`core`], [`network`]), a table of
//! pointers for the rest ([`simple`]), JSON paths for custom resources ([`jsonpath`]). A kind without
//! columns gets its name and its creation time, as a real server's default converter does.

mod core;
mod jsonpath;
mod network;
mod pods;
mod row;
mod simple;
mod workloads;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use self::row::Row;
use super::shape::{inner, partial};
use crate::{Column, Object, ResourceDef};

/// How much of the object goes with its row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    /// Nothing.
    None,
    /// The metadata.
    #[default]
    Metadata,
    /// All of it.
    Object,
}

/// Makes tables of one resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tabler<'a> {
    /// The resource.
    pub(crate) def: &'a ResourceDef,
    /// The server's time, for ages.
    pub(crate) now: Timestamp,
    /// What goes with each row.
    pub(crate) include: IncludeObject,
}

impl Tabler<'_> {
    /// A table of `objects`; `metadata` is that of the list or of the one object. Without `headings` the
    /// columns are null, as in every event of a watch but the first.
    pub(crate) fn table(&self, metadata: Map<String, Value>, objects: &[Object], headings: bool) -> Value {
        let columns = self.columns();
        let rows: Vec<Value> = self.ordered(objects).into_iter().map(|object| self.row(object, &columns)).collect();
        // The table of kinds that have none of their own leaves an absent list absent.
        let plain = columns.iter().any(|column| column.name == "Created At");
        let headings = if headings { columns.iter().map(heading).collect() } else { Value::Null };
        json!({
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "columnDefinitions": headings,
            "rows": if rows.is_empty() && plain { Value::Null } else { Value::Array(rows) },
        })
    }

    /// Objects in the order of rows. Flow schemas stand in that in which they are asked.
    fn ordered<'a>(&self, objects: &'a [Object]) -> Vec<&'a Object> {
        let mut ordered: Vec<&Object> = objects.iter().collect();
        if self.def.group == "flowcontrol.apiserver.k8s.io" && self.def.plural == "flowschemas" {
            ordered.sort_by_key(|object| {
                let precedence = object.value().pointer("/spec/matchingPrecedence").and_then(Value::as_i64);
                (precedence, object.name().to_owned())
            });
        }
        ordered
    }

    fn columns(&self) -> Vec<Column> {
        if !self.def.columns.is_empty() {
            return self.def.columns.clone();
        }
        [("Name", "string", "name"), ("Created At", "date", "")]
            .map(|(name, kind, format)| Column {
                name: name.to_owned(),
                kind: kind.to_owned(),
                format: format.to_owned(),
                ..Column::default()
            })
            .to_vec()
    }

    fn row(&self, object: &Object, columns: &[Column]) -> Value {
        let inner = inner(self.def, object);
        let row = Row { object: &inner, now: self.now };
        let cells = if self.def.is_custom() {
            columns.iter().map(|column| custom_cell(row, column)).collect()
        } else {
            cells(&self.def.group, &self.def.plural, row)
        };
        let mut value = json!({ "cells": cells });
        if self.def.group.is_empty() && self.def.plural == "pods" {
            // Those that ended are not shown where only what runs is asked for.
            let ended = match inner.pointer("/status/phase").and_then(Value::as_str) {
                Some("Succeeded") => Some(("Succeeded", "The pod has completed successfully.")),
                Some("Failed") => Some(("Failed", "The pod failed.")),
                _ => None,
            };
            if let Some((reason, message)) = ended {
                value["conditions"] =
                    json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]);
            }
        }
        match self.include {
            IncludeObject::None => {}
            IncludeObject::Metadata => value["object"] = partial(&inner),
            IncludeObject::Object => value["object"] = object.value().clone(),
        }
        value
    }
}

fn heading(column: &Column) -> Value {
    json!({
        "name": column.name,
        "type": column.kind,
        "format": column.format,
        "description": column.description,
        "priority": column.priority,
    })
}

fn cells(group: &str, plural: &str, row: Row<'_>) -> Vec<Value> {
    let printer = match (group, plural) {
        ("", "pods") => pods::pod,
        ("", "nodes") => core::node,
        ("", "services") => core::service,
        ("", "persistentvolumes") => core::volume,
        ("", "persistentvolumeclaims") => core::claim,
        ("", "endpoints") => core::endpoints,
        ("", "resourcequotas") => core::quota,
        ("", "replicationcontrollers") => workloads::replication_controller,
        ("" | "events.k8s.io", "events") => core::event,
        ("apps", "deployments") => workloads::deployment,
        ("apps", "replicasets") => workloads::replica_set,
        ("apps", "statefulsets") => workloads::stateful_set,
        ("apps", "daemonsets") => workloads::daemon_set,
        ("batch", "jobs") => workloads::job,
        ("batch", "cronjobs") => workloads::cron_job,
        ("autoscaling", _) => network::autoscaler,
        ("certificates.k8s.io", "certificatesigningrequests") => core::signing_request,
        ("discovery.k8s.io", "endpointslices") => network::endpoint_slice,
        ("networking.k8s.io", "ingresses") => network::ingress,
        ("rbac.authorization.k8s.io", "rolebindings" | "clusterrolebindings") => core::binding,
        ("", "serviceaccounts") => |row: Row<'_>| vec![json!(row.name()), json!(row.age())],
        _ => {
            return match simple::cells_of(group, plural) {
                Some(cells) => cells.iter().map(|cell| cell.read(row)).collect(),
                None => vec![json!(row.name()), json!(row.text("/metadata/creationTimestamp"))],
            };
        }
    };
    printer(row)
}

/// A cell of a custom resource. The first column, the name, has no path.
fn custom_cell(row: Row<'_>, column: &Column) -> Value {
    let Some(path) = &column.json_path else {
        return json!(row.name());
    };
    let found = jsonpath::find(row.object, path);
    let Some(value) = found.first().filter(|value| !value.is_null()) else {
        return Value::Null;
    };
    match (column.kind.as_str(), value) {
        ("integer", Value::Number(number)) => match number.as_f64() {
            Some(float) if !number.is_i64() && !number.is_u64() => json!(float as i64),
            _ => json!(number),
        },
        ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) | ("string", Value::String(_)) => (*value).clone(),
        ("string", other) => json!(other.to_string()),
        ("date", Value::String(time)) => match time.parse::<Timestamp>() {
            Ok(time) => json!(row::human_duration(row.now.duration_since(time).as_secs())),
            Err(_) => json!("<invalid>"),
        },
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApiServer, Options};

    /// Every built-in resource gives as many cells as it has columns, even for an empty object.
    #[test]
    fn cells_fit_the_columns() {
        let server = ApiServer::new(Options::default());
        let empty = json!({"metadata": {"name": "x", "creationTimestamp": "2026-01-01T00:00:00Z"}});
        let now = "2026-01-01T00:00:05Z".parse().unwrap();
        for def in server.resources() {
            if def.columns.is_empty() || def.plural == "componentstatuses" {
                continue;
            }
            let cells = cells(&def.group, &def.plural, Row { object: &empty, now });
            let named = def.columns.iter().map(|column| column.name.as_str());
            // A real server gives the age of addresses without a column for it.
            let more = usize::from(def.plural == "ipaddresses");
            assert_eq!(cells.len(), def.columns.len() + more, "{} {}", def.group, def.plural);
            for (column, cell) in named.zip(&cells) {
                match column {
                    "Name" => assert_eq!(cell, "x", "{}", def.plural),
                    "Age" => assert_eq!(cell, "5s", "{}", def.plural),
                    "Created At" => assert_eq!(cell, "2026-01-01T00:00:00Z", "{}", def.plural),
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn custom_cells_follow_their_type() {
        let object = json!({"metadata": {"name": "w", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"size": 3, "ratio": 0.5, "on": true, "list": [1, 2]}});
        let row = Row { object: &object, now: "2026-01-01T00:10:00Z".parse().unwrap() };
        let cell = |kind: &str, path: &str| {
            custom_cell(row, &Column { kind: kind.to_owned(), json_path: Some(path.to_owned()), ..Column::default() })
        };
        assert_eq!(cell("integer", ".spec.size"), json!(3));
        assert_eq!(cell("string", ".spec.size"), json!("3"));
        assert_eq!(cell("string", ".spec.list"), json!("[1,2]"));
        assert_eq!(cell("number", ".spec.ratio"), json!(0.5));
        assert_eq!(cell("boolean", ".spec.on"), json!(true));
        assert_eq!(cell("boolean", ".spec.size"), Value::Null);
        assert_eq!(cell("date", ".metadata.creationTimestamp"), json!("10m"));
        assert_eq!(cell("string", ".spec.nothing"), Value::Null);
        assert_eq!(custom_cell(row, &Column::default()), json!("w"));
    }
}
