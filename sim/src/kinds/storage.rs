//! The rules of storage.k8s.io: classes of storage and what drivers say of themselves, of nodes and of what is left.
//!
//! # Differences
//!
//! Of a volume inside an attachment only a source of the CSI kind is looked into: every other is refused anyway.

use serde_json::{Value, json};

use super::attachments;
use super::pod_spec::internal;
use super::pod_spec::read::{
    each, entries, field, fill, given, inside, list, not_negative, number, problems, selector, too_long, whole,
};
use super::workloads::immutable;
use super::{Causes, Rules, Table, warnings};
use crate::meta;
use crate::quantity::milli;
use crate::validate_name;

/// What the keys and values of all parameters of a class may take together.
const PARAMETERS_LENGTH: usize = 256 * 1024;
const PARAMETERS: usize = 512;
const NODE_ID_LENGTH: usize = 256;
const DRIVER_NAME_LENGTH: usize = 63;
/// Keeps a class of attributes as long as a volume has them.
const PROTECTION: &str = "kubernetes.io/vac-protection";
/// Seconds.
const TOKEN_LEAST: i64 = 600;
const TOKEN_MOST: i64 = 1 << 32;
const UPDATE_LEAST: i64 = 10;

pub(super) const TABLE: Table = &[
    (
        "storageclasses",
        Rules {
            default: |value| fill(value, &json!({"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"})),
            validate: class,
            validate_update: |old, new, causes| {
                class(new, causes);
                for key in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
                    immutable(old, new, key, causes);
                }
            },
            warn: |_, class| topology_warnings(class),
            ..Rules::NONE
        },
    ),
    (
        "csidrivers",
        Rules {
            default: default_driver,
            prepare_create: unscaled,
            prepare_update: |old, new| {
                if given(field(old, "spec"), "preventPodSchedulingIfMissing").is_none() {
                    unscaled(new);
                }
                if field(old, "spec") != field(new, "spec") {
                    let generation = number(field(old, "metadata"), "generation") + 1;
                    meta::set(new, "generation", generation);
                }
            },
            validate: |value, causes| driver(value, causes),
            validate_update: |old, new, causes| {
                driver(new, causes);
                let (before, now) = (field(old, "spec"), field(new, "spec"));
                causes.at("spec", |causes| {
                    if field(before, "attachRequired") != field(now, "attachRequired") {
                        causes.invalid("attachedRequired", field(now, "attachRequired"), "field is immutable");
                    }
                    immutable(before, now, "volumeLifecycleModes", causes);
                });
            },
            warn: driver_warnings,
            ..Rules::NONE
        },
    ),
    ("csinodes", Rules { validate: node, validate_update: node_update, ..Rules::NONE }),
    (
        "csistoragecapacities",
        Rules {
            validate: capacity,
            validate_update: |old, new, causes| {
                capacity(new, causes);
                let (before, now) = (given(old, "nodeTopology"), given(new, "nodeTopology"));
                if before != now {
                    let shown = now.unwrap_or(&Value::Null);
                    if shown.is_null() {
                        causes.invalid("nodeTopology", shown, "field is immutable");
                    } else {
                        internal::refuse("LabelSelector", "nodeTopology", shown, "field is immutable", causes);
                    }
                }
                immutable(old, new, "storageClassName", causes);
            },
            warn: |_, capacity| warnings::node_selector(field(capacity, "nodeTopology"), "nodeTopology"),
            ..Rules::NONE
        },
    ),
    ("volumeattachments", attachments::RULES),
    (
        "volumeattributesclasses",
        Rules {
            prepare_create: |value| {
                let mut finalizers = meta::finalizers(value);
                if !finalizers.iter().any(|finalizer| finalizer == PROTECTION) {
                    finalizers.push(PROTECTION.to_owned());
                    meta::set_finalizers(value, finalizers);
                }
            },
            validate: attributes_class,
            validate_update: |old, new, causes| {
                for key in ["driverName", "parameters"] {
                    if field(old, key) != field(new, key) {
                        causes.forbidden(key, &format!("updates to {key} are forbidden."));
                    }
                }
                attributes_class(new, causes);
            },
            ..Rules::NONE
        },
    ),
];

fn class(value: &Value, causes: &mut Causes) {
    provisioner(value, "provisioner", causes);
    parameters(value, true, causes);
    match field(value, "reclaimPolicy").as_str() {
        None | Some("" | "Delete" | "Retain") => {}
        Some(other) => causes.not_supported("reclaimPolicy", other, &["Delete", "Retain"]),
    }
    match field(value, "volumeBindingMode").as_str() {
        None => causes.required("volumeBindingMode", ""),
        Some("Immediate" | "WaitForFirstConsumer") => {}
        Some(other) => causes.not_supported("volumeBindingMode", other, &["Immediate", "WaitForFirstConsumer"]),
    }
    let topologies = list(value, "allowedTopologies");
    let mut seen: Vec<Value> = vec![json!({}); topologies.len()];
    each(value, "allowedTopologies", causes, |topology, causes| {
        let found = labels_of(topology, causes);
        // A real server compares with as many empty ones before it looks at the others.
        for _ in seen.iter().filter(|known| **known == found) {
            causes.duplicate("matchLabelExpressions", &"".into());
        }
        seen.push(found);
    });
}

fn topology_warnings(class: &Value) -> Vec<String> {
    let mut told = Vec::new();
    for (index, topology) in list(class, "allowedTopologies").iter().enumerate() {
        for (place, expression) in list(topology, "matchLabelExpressions").iter().enumerate() {
            if let Some(why) = warnings::node_label(meta::text(expression, "key")) {
                told.push(format!("allowedTopologies[{index}].matchLabelExpressions[{place}].key: {why}"));
            }
        }
    }
    told
}

/// What the expressions of a topology say, by key.
fn labels_of(topology: &Value, causes: &mut Causes) -> Value {
    let mut found = json!({});
    each(topology, "matchLabelExpressions", causes, |expression, causes| {
        let key = meta::text(expression, "key");
        let values = list(expression, "values");
        if values.is_empty() {
            causes.required("values", "");
        }
        for (index, value) in values.iter().enumerate().filter(|(index, value)| values[..*index].contains(value)) {
            causes.at("values", |causes| causes.index(index, |causes| causes.duplicate("", value)));
        }
        problems("key", key, validate_name::qualified_name(key), causes);
        if found.get(key).is_some() {
            causes.duplicate("key", &key.into());
        }
        let mut values = meta::strings(Some(&values.into()));
        values.sort_unstable();
        values.dedup();
        found[key] = values.into();
    });
    found
}

fn attributes_class(value: &Value, causes: &mut Causes) {
    provisioner(value, "driverName", causes);
    parameters(value, false, causes);
}

fn provisioner(value: &Value, key: &str, causes: &mut Causes) {
    match meta::text(value, key) {
        "" => causes.required(key, ""),
        name => {
            let name = name.to_lowercase();
            problems(key, &name, validate_name::qualified_name(&name), causes);
        }
    }
}

fn parameters(value: &Value, may_be_empty: bool, causes: &mut Causes) {
    let count = entries(value, "parameters").count();
    if count > PARAMETERS {
        return too_long("parameters", PARAMETERS, causes);
    }
    let mut length = 0;
    for (name, text) in entries(value, "parameters") {
        if name.is_empty() {
            causes.invalid("parameters", &"".into(), "field can not be empty.");
        }
        length += name.len() + text.as_str().map_or(0, str::len);
    }
    if length > PARAMETERS_LENGTH {
        too_long("parameters", PARAMETERS_LENGTH, causes);
    }
    if !may_be_empty && count == 0 {
        causes.required("parameters", "must contain at least one key/value pair");
    }
}

fn default_driver(value: &mut Value) {
    meta::object_at(value, "spec");
    let Some(spec) = value.get_mut("spec") else {
        return;
    };
    fill(
        spec,
        &json!({
            "attachRequired": true, "podInfoOnMount": false, "storageCapacity": false, "requiresRepublish": false,
            "seLinuxMount": false, "fsGroupPolicy": "ReadWriteOnceWithFSType",
        }),
    );
    if list(spec, "volumeLifecycleModes").is_empty() {
        spec["volumeLifecycleModes"] = json!(["Persistent"]);
    }
}

/// Tokens that a driver newly asks for had better not be among what is logged.
fn driver_warnings(old: Option<&Value>, new: &Value) -> Vec<String> {
    let (before, spec) = (old.map(|old| field(old, "spec")), field(new, "spec"));
    let requests = list(spec, "tokenRequests");
    let same = before.is_some_and(|before| list(before, "tokenRequests") == requests);
    if requests.is_empty() || same || given(spec, "serviceAccountTokenInSecrets").is_some() {
        return Vec::new();
    }
    let why = "spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, set to true to prevent possible \
        logging of tokens in volume attributes";
    vec![why.to_owned()]
}

/// Scaling by the limits of volumes is not switched on by default: its field is dropped.
fn unscaled(value: &mut Value) {
    if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("preventPodSchedulingIfMissing");
    }
}

fn driver(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        let policies = ["File", "None", "ReadWriteOnceWithFSType"];
        let policy = field(spec, "fsGroupPolicy").as_str();
        if let Some(other) = policy.filter(|policy| !policies.contains(policy)) {
            causes.not_supported("fsGroupPolicy", other, &policies);
        }
        token_requests(spec, causes);
        for mode in list(spec, "volumeLifecycleModes").iter().filter_map(Value::as_str) {
            if !["Persistent", "Ephemeral"].contains(&mode) {
                causes.not_supported("volumeLifecycleModes", mode, &["Persistent", "Ephemeral"]);
            }
        }
        let period = whole(spec, "nodeAllocatableUpdatePeriodSeconds");
        if let Some(period) = period.filter(|period| *period < UPDATE_LEAST) {
            let why = format!("must be greater than or equal to {UPDATE_LEAST} seconds");
            causes.invalid("nodeAllocatableUpdatePeriodSeconds", &period.into(), &why);
        }
        if let Some(secret) = given(spec, "serviceAccountTokenInSecrets")
            && list(spec, "tokenRequests").is_empty()
        {
            let why = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
            causes.invalid("serviceAccountTokenInSecrets", secret, why);
        }
    });
}

fn token_requests(spec: &Value, causes: &mut Causes) {
    let mut audiences = Vec::new();
    each(spec, "tokenRequests", causes, |request, causes| {
        let audience = meta::text(request, "audience");
        if audiences.contains(&audience) {
            return causes.duplicate("audience", &audience.into());
        }
        audiences.push(audience);
        let Some(seconds) = whole(request, "expirationSeconds") else {
            return;
        };
        let mut refuse = |why: &str| causes.invalid("expirationSeconds", &seconds.into(), why);
        if seconds < TOKEN_LEAST {
            refuse("may not specify a duration less than 10 minutes");
        }
        if seconds > TOKEN_MOST {
            refuse("may not specify a duration larger than 2^32 seconds");
        }
    });
}

/// The name of a driver, in capitals too.
pub(super) fn driver_name(value: &Value, key: &str, causes: &mut Causes) {
    let name = meta::text(value, key);
    if name.is_empty() {
        return causes.required(key, "");
    }
    if name.len() > DRIVER_NAME_LENGTH {
        too_long(key, DRIVER_NAME_LENGTH, causes);
    }
    problems(key, name, validate_name::subdomain(&name.to_lowercase()), causes);
}

fn node(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    let mut names = Vec::new();
    let check = |driver: &Value, causes: &mut Causes| {
        driver_name(driver, "name", causes);
        match meta::text(driver, "nodeID") {
            "" => causes.required("nodeID", ""),
            id if id.len() > NODE_ID_LENGTH => {
                causes.invalid("nodeID", &id.into(), &format!("must be {NODE_ID_LENGTH} characters or less"));
            }
            _ => {}
        }
        inside(driver, "allocatable", causes, |limits, causes| not_negative(limits, "count", causes));
        let name = meta::text(driver, "name").to_owned();
        if names.contains(&name) {
            causes.duplicate("name", &name.as_str().into());
        }
        names.push(name);
        let keys = list(driver, "topologyKeys");
        for (index, key) in keys.iter().enumerate() {
            let text = key.as_str().unwrap_or_default();
            if text.is_empty() {
                causes.required("", "");
            }
            if keys[..index].contains(key) {
                causes.duplicate("", key);
            }
            problems("", text, validate_name::qualified_name(text), causes);
        }
    };
    causes.at("spec", |causes| each(spec, "drivers", causes, check));
}

/// A driver that stays on a node changes its limits at most.
fn node_update(old: &Value, new: &Value, causes: &mut Causes) {
    node(new, causes);
    let drivers = |value| list(field(value, "spec"), "drivers");
    let unlimited = |driver: &Value| {
        let mut driver = driver.clone();
        driver.as_object_mut().map(|fields| fields.remove("allocatable"));
        driver
    };
    for before in drivers(old).iter().map(unlimited) {
        let same =
            drivers(new).iter().map(unlimited).filter(|now| meta::text(now, "name") == meta::text(&before, "name"));
        for now in same.filter(|now| *now != before) {
            internal::refuse("CSINodeDriver", "spec.drivers", &now, "field is immutable", causes);
        }
    }
}

fn capacity(value: &Value, causes: &mut Causes) {
    selector(value, "nodeTopology", causes);
    let class = meta::text(value, "storageClassName");
    problems("storageClassName", class, validate_name::subdomain(class), causes);
    let left = field(value, "capacity");
    if left.as_str().and_then(milli).is_some_and(|left| left < 0) {
        causes.invalid("capacity", left, "must be greater than or equal to 0");
    }
}
