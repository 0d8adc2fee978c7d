//! Protobuf bodies of the few kinds that `kubectl create KIND` sends so.
//!
//! The body is an envelope with type and raw message; the message is read by a table of fields and becomes the same
//! object that JSON would have given. Zero and empty values of plain fields are left out, as JSON leaves them out.
//!
//! # Differences
//!
//! A real server reads every built-in kind. Here a kind without a table, or a field with a value that the table does
//! not know, is refused with 415 and a message that says to send JSON: nothing is dropped silently.

use base64::Engine as _;
use serde_json::{Map, Value, json};

use crate::Status;

/// What the envelope begins with.
const MAGIC: &[u8] = b"k8s\0";

/// Messages inside messages: more than any known kind has.
const DEPTH_MAX: usize = 16;

/// How a field's value is read.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Text; empty is left out.
    Text,
    /// Text that may be empty: a pointer.
    TextPointer,
    /// A number; 0 is left out.
    Number,
    /// A number that may be 0: a pointer.
    NumberPointer,
    /// A boolean; false is left out.
    Flag,
    /// A boolean that may be false: a pointer.
    FlagPointer,
    /// Texts, one field an entry.
    Texts,
    /// A message; empty is left out.
    Message(&'static [Field]),
    /// Messages, one field an entry.
    Messages(&'static [Field]),
    /// A map of texts.
    TextMap,
    /// A map of bytes.
    BytesMap,
    /// A map of quantities.
    QuantityMap,
    /// A number or a text.
    IntOrString,
}

/// Number, name and kind of a field.
type Field = (u64, &'static str, Kind);

use Kind::{
    BytesMap, Flag, FlagPointer, IntOrString, Message, Messages, Number, NumberPointer, QuantityMap, Text, TextMap,
    TextPointer, Texts,
};

const METADATA: &[Field] = &[
    (1, "name", Text),
    (2, "generateName", Text),
    (3, "namespace", Text),
    (5, "uid", Text),
    (6, "resourceVersion", Text),
    (11, "labels", TextMap),
    (12, "annotations", TextMap),
    (14, "finalizers", Texts),
];

const REFERENCES: &[Field] = &[(1, "name", Text)];

const CONTAINER: &[Field] = &[
    (1, "name", Text),
    (2, "image", Text),
    (3, "command", Texts),
    (4, "args", Texts),
    (5, "workingDir", Text),
    (
        6,
        "ports",
        Messages(&[
            (1, "name", Text),
            (2, "hostPort", Number),
            (3, "containerPort", Number),
            (4, "protocol", Text),
            (5, "hostIP", Text),
        ]),
    ),
    (7, "env", Messages(&[(1, "name", Text), (2, "value", Text)])),
    (8, "resources", Message(&[(1, "limits", QuantityMap), (2, "requests", QuantityMap)])),
    (13, "terminationMessagePath", Text),
    (14, "imagePullPolicy", Text),
    (20, "terminationMessagePolicy", Text),
];

const POD_TEMPLATE: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (
        2,
        "spec",
        Message(&[
            (2, "containers", Messages(CONTAINER)),
            (3, "restartPolicy", Text),
            (4, "terminationGracePeriodSeconds", NumberPointer),
            (5, "activeDeadlineSeconds", NumberPointer),
            (6, "dnsPolicy", Text),
            (7, "nodeSelector", TextMap),
            (8, "serviceAccountName", Text),
            (9, "serviceAccount", Text),
            (10, "nodeName", Text),
            (15, "imagePullSecrets", Messages(REFERENCES)),
            (19, "schedulerName", Text),
            (20, "initContainers", Messages(CONTAINER)),
        ]),
    ),
];

const SELECTOR: &[Field] = &[
    (1, "matchLabels", TextMap),
    (2, "matchExpressions", Messages(&[(1, "key", Text), (2, "operator", Text), (3, "values", Texts)])),
];

const JOB: &[Field] = &[
    (1, "parallelism", NumberPointer),
    (2, "completions", NumberPointer),
    (3, "activeDeadlineSeconds", NumberPointer),
    (6, "template", Message(POD_TEMPLATE)),
    (7, "backoffLimit", NumberPointer),
];

const ROLE: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (
        2,
        "rules",
        Messages(&[
            (1, "verbs", Texts),
            (2, "apiGroups", Texts),
            (3, "resources", Texts),
            (4, "resourceNames", Texts),
            (5, "nonResourceURLs", Texts),
        ]),
    ),
];

const BINDING: &[Field] = &[
    (1, "metadata", Message(METADATA)),
    (2, "subjects", Messages(&[(1, "kind", Text), (2, "apiGroup", Text), (3, "name", Text), (4, "namespace", Text)])),
    (3, "roleRef", Message(&[(1, "apiGroup", Text), (2, "kind", Text), (3, "name", Text)])),
];

/// The fields of a kind; `None` for a kind that has to come as JSON.
fn fields_of(api_version: &str, kind: &str) -> Option<&'static [Field]> {
    Some(match (api_version, kind) {
        ("v1", "Namespace") => &[(1, "metadata", Message(METADATA)), (2, "spec", Message(&[(1, "finalizers", Texts)]))],
        ("v1", "ConfigMap") => &[
            (1, "metadata", Message(METADATA)),
            (2, "data", TextMap),
            (3, "binaryData", BytesMap),
            (4, "immutable", FlagPointer),
        ],
        ("v1", "Secret") => &[
            (1, "metadata", Message(METADATA)),
            (2, "data", BytesMap),
            (3, "type", Text),
            (4, "stringData", TextMap),
            (5, "immutable", FlagPointer),
        ],
        ("v1", "ServiceAccount") => &[
            (1, "metadata", Message(METADATA)),
            (2, "secrets", Messages(&[(3, "name", Text)])),
            (3, "imagePullSecrets", Messages(REFERENCES)),
            (4, "automountServiceAccountToken", FlagPointer),
        ],
        ("v1", "Service") => &[
            (1, "metadata", Message(METADATA)),
            (
                2,
                "spec",
                Message(&[
                    (
                        1,
                        "ports",
                        Messages(&[
                            (1, "name", Text),
                            (2, "protocol", Text),
                            (3, "port", Number),
                            (4, "targetPort", IntOrString),
                            (5, "nodePort", Number),
                        ]),
                    ),
                    (2, "selector", TextMap),
                    (3, "clusterIP", Text),
                    (4, "type", Text),
                    (10, "externalName", Text),
                ]),
            ),
        ],
        ("apps/v1", "Deployment") => &[
            (1, "metadata", Message(METADATA)),
            (
                2,
                "spec",
                Message(&[
                    (1, "replicas", NumberPointer),
                    (2, "selector", Message(SELECTOR)),
                    (3, "template", Message(POD_TEMPLATE)),
                    (5, "minReadySeconds", Number),
                    (7, "paused", Flag),
                ]),
            ),
        ],
        ("batch/v1", "Job") => &[(1, "metadata", Message(METADATA)), (2, "spec", Message(JOB))],
        ("batch/v1", "CronJob") => &[
            (1, "metadata", Message(METADATA)),
            (
                2,
                "spec",
                Message(&[
                    (1, "schedule", Text),
                    (2, "startingDeadlineSeconds", NumberPointer),
                    (3, "concurrencyPolicy", Text),
                    (4, "suspend", FlagPointer),
                    (5, "jobTemplate", Message(&[(1, "metadata", Message(METADATA)), (2, "spec", Message(JOB))])),
                    (8, "timeZone", TextPointer),
                ]),
            ),
        ],
        ("v1", "ResourceQuota") => &[
            (1, "metadata", Message(METADATA)),
            (2, "spec", Message(&[(1, "hard", QuantityMap), (2, "scopes", Texts)])),
        ],
        ("scheduling.k8s.io/v1", "PriorityClass") => &[
            (1, "metadata", Message(METADATA)),
            (2, "value", Number),
            (3, "globalDefault", Flag),
            (4, "description", Text),
            (5, "preemptionPolicy", TextPointer),
        ],
        ("authentication.k8s.io/v1", "TokenRequest") => &[
            (1, "metadata", Message(METADATA)),
            (2, "spec", Message(&[(1, "audiences", Texts), (4, "expirationSeconds", NumberPointer)])),
        ],
        ("rbac.authorization.k8s.io/v1", "Role" | "ClusterRole") => ROLE,
        ("rbac.authorization.k8s.io/v1", "RoleBinding" | "ClusterRoleBinding") => BINDING,
        ("authorization.k8s.io/v1", "SelfSubjectAccessReview") => &[
            (1, "metadata", Message(METADATA)),
            (
                2,
                "spec",
                Message(&[
                    (
                        1,
                        "resourceAttributes",
                        Message(&[
                            (1, "namespace", Text),
                            (2, "verb", Text),
                            (3, "group", Text),
                            (4, "version", Text),
                            (5, "resource", Text),
                            (6, "subresource", Text),
                            (7, "name", Text),
                        ]),
                    ),
                    (2, "nonResourceAttributes", Message(&[(1, "path", Text), (2, "verb", Text)])),
                ]),
            ),
        ],
        (_, "DeleteOptions") => &[
            (1, "gracePeriodSeconds", NumberPointer),
            (2, "preconditions", Message(&[(1, "uid", TextPointer), (2, "resourceVersion", TextPointer)])),
            (3, "orphanDependents", FlagPointer),
            (4, "propagationPolicy", TextPointer),
            (5, "dryRun", Texts),
        ],
        _ => return None,
    })
}

/// The object of a Protobuf body; 415 where it would not come out whole, 400 where the bytes are broken.
pub(super) fn decode(body: &[u8]) -> Result<Value, Status> {
    let broken = || Status::bad_request("the body of the request is not a Kubernetes Protobuf message");
    let envelope = body.strip_prefix(MAGIC).ok_or_else(broken)?;
    let (mut meta, mut raw) = (&[][..], &[][..]);
    for entry in entries(envelope).ok_or_else(broken)? {
        match entry {
            (1, Wire::Bytes(bytes)) => meta = bytes,
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let (mut api_version, mut kind) = ("", "");
    for entry in entries(meta).ok_or_else(broken)? {
        match entry {
            (1, Wire::Bytes(bytes)) => api_version = std::str::from_utf8(bytes).map_err(|_| broken())?,
            (2, Wire::Bytes(bytes)) => kind = std::str::from_utf8(bytes).map_err(|_| broken())?,
            _ => {}
        }
    }
    let fields = fields_of(api_version, kind).ok_or_else(|| as_json(&format!("kind {kind:?} of {api_version:?}")))?;
    let mut object = message(raw, fields, kind, DEPTH_MAX)?;
    object.insert("apiVersion".to_owned(), api_version.into());
    object.insert("kind".to_owned(), kind.into());
    Ok(Value::Object(object))
}

fn as_json(what: &str) -> Status {
    Status::new(
        415,
        "UnsupportedMediaType",
        format!("{what} is not read from Protobuf by kubesim: send JSON, for example with kubectl create -f"),
    )
}

/// One value on the wire.
#[derive(Debug, Clone, Copy)]
enum Wire<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

impl Wire<'_> {
    fn is_empty(self) -> bool {
        matches!(self, Self::Varint(0) | Self::Bytes([]))
    }
}

/// The fields of a message, in order; `None` where it is broken or holds a wire type that no kind uses.
fn entries(mut bytes: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Wire::Varint(varint(&mut bytes)?),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                let (value, rest) = bytes.split_at_checked(length)?;
                bytes = rest;
                Wire::Bytes(value)
            }
            _ => return None,
        };
        entries.push((tag >> 3, value));
    }
    Some(entries)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

fn message(bytes: &[u8], fields: &[Field], path: &str, depth: usize) -> Result<Map<String, Value>, Status> {
    let broken = || Status::bad_request(format!("the Protobuf message of {path} is broken"));
    if depth == 0 {
        return Err(broken());
    }
    let mut object = Map::new();
    for (number, wire) in entries(bytes).ok_or_else(broken)? {
        let Some((_, name, kind)) = fields.iter().find(|(known, ..)| *known == number) else {
            // What a writer always writes, whether set or not, says nothing. A message of zeros neither.
            if wire.is_empty() || matches!(wire, Wire::Bytes(bytes) if says_nothing(bytes, depth)) {
                continue;
            }
            return Err(as_json(&format!("field {number} of {path}")));
        };
        let path = format!("{path}.{name}");
        let slot = |object: &mut Map<String, Value>, empty: Value| -> Option<Value> {
            Some(std::mem::take(object.entry((*name).to_owned()).or_insert(empty)))
        };
        let value = match (kind, wire) {
            (Text | Number | Flag, wire) if wire.is_empty() => continue,
            (Text | TextPointer, Wire::Bytes(bytes)) => text(bytes).ok_or_else(broken)?.into(),
            (Number | NumberPointer, Wire::Varint(number)) => json!(number as i64),
            (Flag | FlagPointer, Wire::Varint(number)) => json!(number != 0),
            (Texts, Wire::Bytes(bytes)) => pushed(slot(&mut object, json!([])), text(bytes).ok_or_else(broken)?.into()),
            (Message(fields), Wire::Bytes(bytes)) => {
                let inner = message(bytes, fields, &path, depth - 1)?;
                if inner.is_empty() {
                    continue;
                }
                Value::Object(inner)
            }
            (Messages(fields), Wire::Bytes(bytes)) => {
                let inner = Value::Object(message(bytes, fields, &path, depth - 1)?);
                pushed(slot(&mut object, json!([])), inner)
            }
            (TextMap | BytesMap | QuantityMap, Wire::Bytes(bytes)) => {
                let (key, value) = map_entry(bytes, *kind).ok_or_else(broken)?;
                let mut map = slot(&mut object, json!({})).unwrap_or_default();
                map[key] = value;
                map
            }
            (IntOrString, Wire::Bytes(bytes)) => match int_or_string(bytes).ok_or_else(broken)? {
                Value::Null => continue,
                value => value,
            },
            _ => return Err(broken()),
        };
        object.insert((*name).to_owned(), value);
    }
    Ok(object)
}

fn pushed(list: Option<Value>, value: Value) -> Value {
    let mut list = match list {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    };
    list.push(value);
    list.into()
}

/// Whether a message holds nothing but zeros and empty messages.
fn says_nothing(bytes: &[u8], depth: usize) -> bool {
    depth > 0
        && entries(bytes).is_some_and(|entries| {
            entries.iter().all(|(_, wire)| match wire {
                Wire::Varint(number) => *number == 0,
                Wire::Bytes(bytes) => says_nothing(bytes, depth - 1),
            })
        })
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn base64(bytes: &[u8]) -> Value {
    base64::engine::general_purpose::STANDARD.encode(bytes).into()
}

fn map_entry(bytes: &[u8], kind: Kind) -> Option<(String, Value)> {
    let (mut key, mut value) = (String::new(), &[][..]);
    for entry in entries(bytes)? {
        match entry {
            (1, Wire::Bytes(bytes)) => text(bytes)?.clone_into(&mut key),
            (2, Wire::Bytes(bytes)) => value = bytes,
            _ => return None,
        }
    }
    let value = match kind {
        BytesMap => base64(value),
        // A quantity is a message with its text.
        QuantityMap => match entries(value)?.first() {
            Some((1, Wire::Bytes(quantity))) => text(quantity)?.into(),
            _ => return None,
        },
        _ => text(value)?.into(),
    };
    Some((key, value))
}

/// Null where neither is given.
fn int_or_string(bytes: &[u8]) -> Option<Value> {
    let (mut is_text, mut number, mut word) = (false, 0, "");
    for entry in entries(bytes)? {
        match entry {
            (1, Wire::Varint(kind)) => is_text = kind == 1,
            (2, Wire::Varint(value)) => number = value as i64,
            (3, Wire::Bytes(bytes)) => word = text(bytes)?,
            _ => return None,
        }
    }
    Some(match (is_text, number) {
        (true, _) => word.into(),
        (false, 0) => Value::Null,
        (false, number) => number.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2, u8::try_from(bytes.len()).unwrap()];
        out.extend_from_slice(bytes);
        out
    }

    fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
        let meta = [field(1, api_version.as_bytes()), field(2, kind.as_bytes())].concat();
        [MAGIC.to_vec(), field(1, &meta), field(2, raw), field(3, b""), field(4, b"")].concat()
    }

    #[test]
    fn a_config_map() {
        let metadata = [field(1, b"one"), field(2, b""), field(8, b"")].concat();
        let entry = |key: &[u8], value: &[u8]| [field(1, key), field(2, value)].concat();
        let raw = [
            field(1, &metadata),
            field(2, &entry(b"a", b"1")),
            field(2, &entry(b"b", b"")),
            field(3, &entry(b"c", b"\xff")),
        ];
        assert_eq!(
            decode(&envelope("v1", "ConfigMap", &raw.concat())).unwrap(),
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"},
                   "data": {"a": "1", "b": ""}, "binaryData": {"c": "/w=="}})
        );
    }

    #[test]
    fn what_would_be_lost_is_refused() {
        let refused = decode(&envelope("v1", "Node", b"")).unwrap_err();
        assert_eq!(refused.code, 415);
        let owner = field(13, &field(3, b"owner"));
        let refused = decode(&envelope("v1", "ConfigMap", &field(1, &owner))).unwrap_err();
        assert!(refused.code == 415 && refused.message.contains("field 13 of ConfigMap.metadata"), "{refused}");
    }

    #[test]
    fn broken_bytes_are_told() {
        let whole = envelope("v1", "ConfigMap", &field(1, &field(1, b"one")));
        for length in 0..whole.len() {
            // Cut anywhere, it is an error or a smaller message, never a panic.
            drop(decode(&whole[..length]));
        }
        for bytes in [&b""[..], b"k8s", b"{}", b"k8s\0\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"k8s\0\x0b"] {
            assert_eq!(decode(bytes).unwrap_err().code, 400, "{bytes:?}");
        }
    }
}
