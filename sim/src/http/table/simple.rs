//! Rows that are read off the object, cell by cell: a table of kinds.

use serde_json::{Value, json};

use super::row::{NONE, Row, UNSET, string};
use crate::meta;

/// How one cell is read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cell {
    /// `metadata.name`.
    Name,
    /// How long the object has existed.
    Age,
    /// `metadata.creationTimestamp` itself.
    Created,
    /// The text at a pointer, or a word in its place.
    Text(&'static str, &'static str),
    /// The number at a pointer.
    Number(&'static str),
    /// A number or text at a pointer as text, or a word in its place.
    Scalar(&'static str, &'static str),
    /// The number at a pointer as a number, or a word in its place.
    Found(&'static str, &'static str),
    /// The boolean at a pointer, false where there is none.
    Flag(&'static str),
    /// The length of a list or map.
    Count(&'static str),
    /// The texts of a list with commas between, or a word in their place.
    Join(&'static str, &'static str),
    /// A selector.
    Selector(&'static str),
    /// Anything else.
    With(fn(Row<'_>) -> Value),
}

use Cell::{Age, Count, Created, Flag, Found, Join, Name, Number, Scalar, Selector, Text, With};

/// The cells of a kind in the order of its columns; `None` for a kind without an entry.
pub(super) fn cells_of(group: &str, plural: &str) -> Option<&'static [Cell]> {
    Some(match (group, plural) {
        ("", "configmaps") => &[Name, With(|row| json!(row.count("/data") + row.count("/binaryData"))), Age],
        ("", "secrets") => &[Name, Text("/type", ""), Count("/data"), Age],
        ("", "namespaces") => &[Name, Text("/status/phase", ""), Age],
        ("", "limitranges")
        | ("rbac.authorization.k8s.io", "roles" | "clusterroles")
        | ("apiextensions.k8s.io", "customresourcedefinitions")
        | ("storage.k8s.io", "csistoragecapacities") => &[Name, Created],
        ("", "podtemplates") => &[
            Name,
            With(|row| json!(row.containers("/template").0)),
            With(|row| json!(row.containers("/template").1)),
            With(|row| json!(row.labels("/template/metadata/labels"))),
        ],
        ("apiregistration.k8s.io", "apiservices") => &[Name, With(api_service), With(available), Age],
        ("apps", "controllerrevisions") => &[Name, With(controller), Number("/revision"), Age],
        ("networking.k8s.io", "ingressclasses") => {
            &[With(default_ingress_class), Text("/spec/controller", ""), With(parameters), Age]
        }
        ("networking.k8s.io", "networkpolicies") => &[Name, Selector("/spec/podSelector"), Age],
        ("networking.k8s.io", "servicecidrs") => &[Name, Join("/spec/cidrs", ""), Age],
        ("networking.k8s.io", "ipaddresses") => &[Name, With(parent), Age],
        ("policy", "poddisruptionbudgets") => &[
            Name,
            Scalar("/spec/minAvailable", "N/A"),
            Scalar("/spec/maxUnavailable", "N/A"),
            Number("/status/disruptionsAllowed"),
            Age,
        ],
        ("storage.k8s.io", plural) => return storage(plural),
        ("admissionregistration.k8s.io", plural) => return admission(plural),
        ("resource.k8s.io", plural) => return devices(plural),
        ("flowcontrol.apiserver.k8s.io", plural) => return flow_control(plural),
        ("scheduling.k8s.io", "priorityclasses") => {
            &[Name, Number("/value"), Flag("/globalDefault"), Age, Text("/preemptionPolicy", "")]
        }
        ("coordination.k8s.io", "leases") => &[Name, Text("/spec/holderIdentity", ""), Age],
        ("node.k8s.io", "runtimeclasses") => &[Name, Text("/handler", ""), Age],
        _ => return None,
    })
}

fn storage(plural: &str) -> Option<&'static [Cell]> {
    Some(match plural {
        "storageclasses" => &[
            With(default_class),
            Text("/provisioner", ""),
            With(|row| json!(row.at("/reclaimPolicy").and_then(Value::as_str).unwrap_or("Delete"))),
            Text("/volumeBindingMode", "Immediate"),
            Flag("/allowVolumeExpansion"),
            Age,
        ],
        "csidrivers" => &[
            Name,
            With(|row| json!(row.flag("/spec/attachRequired").unwrap_or(true))),
            Flag("/spec/podInfoOnMount"),
            Flag("/spec/storageCapacity"),
            With(audiences),
            Flag("/spec/requiresRepublish"),
            Join("/spec/volumeLifecycleModes", NONE),
            Age,
        ],
        "csinodes" => &[Name, Count("/spec/drivers"), Age],
        "volumeattachments" => &[
            Name,
            Text("/spec/attacher", ""),
            Text("/spec/source/persistentVolumeName", ""),
            Text("/spec/nodeName", ""),
            Flag("/status/attached"),
            Age,
        ],
        "volumeattributesclasses" => &[Name, Text("/driverName", ""), Age],
        "csistoragecapacities" => &[Name, Created],
        _ => return None,
    })
}

fn admission(plural: &str) -> Option<&'static [Cell]> {
    Some(match plural {
        "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => &[Name, Count("/webhooks"), Age],
        "mutatingadmissionpolicies" => &[Name, Count("/spec/mutations"), With(parameter_kind), Age],
        "validatingadmissionpolicies" => &[Name, Count("/spec/validations"), With(parameter_kind), Age],
        "mutatingadmissionpolicybindings" | "validatingadmissionpolicybindings" => {
            &[Name, Text("/spec/policyName", ""), With(parameter_reference), Age]
        }
        _ => return None,
    })
}

fn devices(plural: &str) -> Option<&'static [Cell]> {
    Some(match plural {
        "deviceclasses" | "resourceclaimtemplates" => &[Name, Age],
        "resourceclaims" => &[Name, With(claim_state), Age],
        "resourceslices" => {
            &[Name, Text("/spec/nodeName", ""), Text("/spec/driver", ""), Text("/spec/pool/name", ""), Age]
        }
        _ => return None,
    })
}

fn flow_control(plural: &str) -> Option<&'static [Cell]> {
    Some(match plural {
        "flowschemas" => &[
            Name,
            Text("/spec/priorityLevelConfiguration/name", ""),
            Number("/spec/matchingPrecedence"),
            Text("/spec/distinguisherMethod/type", NONE),
            Age,
            With(|row| {
                json!(match row.condition("Dangling") {
                    "" => "?",
                    dangling => dangling,
                })
            }),
        ],
        "prioritylevelconfigurations" => &[
            Name,
            Text("/spec/type", ""),
            Found("/spec/limited/nominalConcurrencyShares", NONE),
            Found("/spec/limited/limitResponse/queuing/queues", NONE),
            Found("/spec/limited/limitResponse/queuing/handSize", NONE),
            Found("/spec/limited/limitResponse/queuing/queueLengthLimit", NONE),
            Age,
        ],
        _ => return None,
    })
}

impl Cell {
    /// The cell of one object.
    pub(super) fn read(self, row: Row<'_>) -> Value {
        match self {
            Name => json!(row.name()),
            Age => json!(row.age()),
            Created => json!(row.text("/metadata/creationTimestamp")),
            Text(pointer, otherwise) => json!(row.text_or(pointer, otherwise)),
            Number(pointer) => json!(row.number(pointer)),
            Scalar(pointer, otherwise) => json!(row.scalar_or(pointer, otherwise)),
            Found(pointer, otherwise) => row.object.pointer(pointer).cloned().unwrap_or_else(|| json!(otherwise)),
            Flag(pointer) => json!(row.flag(pointer).unwrap_or_default()),
            Count(pointer) => json!(row.count(pointer)),
            Join(pointer, otherwise) => {
                let texts: Vec<&str> = row.list(pointer).iter().filter_map(Value::as_str).collect();
                json!(if texts.is_empty() { otherwise.to_owned() } else { texts.join(",") })
            }
            Selector(pointer) => json!(row.selector(pointer)),
            With(read) => read(row),
        }
    }
}

fn api_service(row: Row<'_>) -> Value {
    match row.at("/spec/service") {
        Some(service) => json!(format!("{}/{}", string(service, "namespace"), string(service, "name"))),
        None => json!("Local"),
    }
}

fn available(row: Row<'_>) -> Value {
    let condition = row.list("/status/conditions").iter().find(|condition| string(condition, "type") == "Available");
    match condition.map(|condition| (string(condition, "status"), string(condition, "reason"))) {
        None => json!("Unknown"),
        Some(("True", _)) => json!("True"),
        Some((status, reason)) => json!(format!("{status} ({reason})")),
    }
}

fn controller(row: Row<'_>) -> Value {
    let owner =
        row.list("/metadata/ownerReferences").iter().find(|owner| owner.get("controller") == Some(&json!(true)));
    let Some(owner) = owner else {
        return json!(NONE);
    };
    let kind = string(owner, "kind").to_lowercase();
    let kind = match string(owner, "apiVersion").split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind,
    };
    json!(format!("{kind}/{}", string(owner, "name")))
}

fn parameters(row: Row<'_>) -> Value {
    let Some(parameters) = row.at("/spec/parameters") else {
        return json!(NONE);
    };
    let kind = string(parameters, "kind");
    let kind = match parameters.get("apiGroup").and_then(Value::as_str) {
        None => kind.to_owned(),
        Some(group) => format!("{kind}.{group}"),
    };
    json!(format!("{kind}/{}", string(parameters, "name")))
}

fn parent(row: Row<'_>) -> Value {
    let Some(reference) = row.at("/spec/parentRef") else {
        return json!(NONE);
    };
    let parts = ["resource", "group", "namespace", "name"].map(|field| string(reference, field));
    let resource = if parts[1].is_empty() { parts[0].to_owned() } else { format!("{}.{}", parts[0], parts[1]) };
    let resource = resource.to_lowercase();
    if parts[2].is_empty() {
        json!(format!("{resource}/{}", parts[3]))
    } else {
        json!(format!("{resource}/{}/{}", parts[2], parts[3]))
    }
}

fn default_ingress_class(row: Row<'_>) -> Value {
    let name = row.name();
    let default = row.text("/metadata/annotations/ingressclass.kubernetes.io~1is-default-class") == "true";
    json!(if default { format!("{name} (default)") } else { name.to_owned() })
}

fn default_class(row: Row<'_>) -> Value {
    let marked = ["storageclass.kubernetes.io", "storageclass.beta.kubernetes.io"]
        .into_iter()
        .any(|prefix| row.text(&format!("/metadata/annotations/{prefix}~1is-default-class")) == "true");
    let name = row.name();
    json!(if marked { format!("{name} (default)") } else { name.to_owned() })
}

fn audiences(row: Row<'_>) -> Value {
    let requests = row.list("/spec/tokenRequests");
    if requests.is_empty() {
        return json!(UNSET);
    }
    let audiences: Vec<&str> = requests.iter().map(|request| string(request, "audience")).collect();
    json!(audiences.join(","))
}

fn parameter_kind(row: Row<'_>) -> Value {
    match row.at("/spec/paramKind") {
        Some(kind) => json!(format!("{}/{}", string(kind, "apiVersion"), string(kind, "kind"))),
        None => json!(UNSET),
    }
}

fn parameter_reference(row: Row<'_>) -> Value {
    let Some(reference) = row.at("/spec/paramRef") else {
        return json!(UNSET);
    };
    match (string(reference, "namespace"), string(reference, "name")) {
        // Whether it lies in a namespace is not known.
        ("", name) if !name.is_empty() => json!(format!("*/{name}")),
        (namespace, name) if !name.is_empty() => json!(format!("{namespace}/{name}")),
        _ => json!(reference.get("selector").map_or(UNSET.to_owned(), go_selector)),
    }
}

/// A selector as Go prints its type.
fn go_selector(selector: &Value) -> String {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let labels: Vec<_> = labels.map(|(key, value)| format!("{key}: {},", value.as_str().unwrap_or_default())).collect();
    let requirements = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    let requirements: Vec<_> = requirements
        .map(|requirement| {
            let values = meta::strings(requirement.get("values")).join(" ");
            let (key, operator) = (string(requirement, "key"), string(requirement, "operator"));
            format!("LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},")
        })
        .collect();
    let (labels, requirements) = (labels.concat(), requirements.concat());
    format!(
        "&LabelSelector{{MatchLabels:map[string]string{{{labels}}},MatchExpressions:[]LabelSelectorRequirement{{{requirements}}},}}"
    )
}

fn claim_state(row: Row<'_>) -> Value {
    let mut states = Vec::new();
    if row.at("/metadata/deletionTimestamp").is_some() {
        states.push("deleted");
    }
    match row.at("/status/allocation") {
        Some(_) => states.push("allocated"),
        None if row.at("/metadata/deletionTimestamp").is_none() => states.push("pending"),
        None => {}
    }
    if row.count("/status/reservedFor") > 0 {
        states.push("reserved");
    }
    json!(states.join(","))
}
