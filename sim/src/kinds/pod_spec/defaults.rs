//! What a pod spec says without being told.
//!
//! Templates and pods share most of it; what only a pod has (requests from limits, service links, host ports) is in [`pod`].

use serde_json::{Map, Value, json};

use super::read::{fill, fill_text, list, list_mut, map_of, number, yes};
use super::resources::show;
use crate::meta;
use crate::quantity::milli;

const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The defaults of a spec, be it of a pod or of a template.
pub(crate) fn spec(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    for (key, default) in
        [("restartPolicy", "Always"), ("dnsPolicy", "ClusterFirst"), ("schedulerName", "default-scheduler")]
    {
        fill_text(spec, key, default);
    }
    fill(spec, &json!({"terminationGracePeriodSeconds": 30, "securityContext": {}}));
    account(spec);
    for key in CONTAINERS {
        list_mut(spec, key).for_each(container);
    }
    list_mut(spec, "volumes").for_each(volume);
}

/// The account under its two names: the newer one is the truth.
fn account(spec: &mut Value) {
    let newer = meta::text(spec, "serviceAccountName").to_owned();
    let older = meta::text(spec, "serviceAccount").to_owned();
    let name = if newer.is_empty() { older } else { newer };
    if name.is_empty() {
        return;
    }
    spec["serviceAccountName"] = name.as_str().into();
    spec["serviceAccount"] = name.into();
}

/// The defaults of a pod beyond those of its spec.
pub(crate) fn pod(spec: &mut Value) {
    if !spec.is_object() {
        return;
    }
    fill(spec, &json!({"enableServiceLinks": true}));
    if number(spec, "terminationGracePeriodSeconds") < 0 {
        spec["terminationGracePeriodSeconds"] = 1.into();
    }
    let host = yes(spec, "hostNetwork");
    for key in ["containers", "initContainers"] {
        for container in list_mut(spec, key) {
            request_limits(container);
            if host {
                for port in list_mut(container, "ports") {
                    let number = port.get("containerPort").cloned().unwrap_or_default();
                    if port.get("hostPort").is_none_or(|port| port.is_null() || *port == 0) && number.is_number() {
                        port["hostPort"] = number;
                    }
                }
            }
        }
    }
    if spec.get("resources").is_some_and(|resources| resources.get("limits").is_some_and(|limits| *limits != json!({})))
    {
        request_of_pod(spec);
    }
}

/// A pod with limits of its own asks for what its containers ask for, and for its limits where they ask for nothing.
fn request_of_pod(spec: &mut Value) {
    let mut sums: Map<String, Value> = Map::new();
    for container in list(spec, "containers") {
        for (name, amount) in map_of(container, "resources.requests") {
            let known = sums.get(&name).and_then(Value::as_str).and_then(milli).unwrap_or_default();
            let own = amount.as_str().and_then(milli).unwrap_or_default();
            if known == 0 {
                sums.insert(name, amount);
            } else {
                sums.insert(name, show(known + own).into());
            }
        }
    }
    let mut requests = map_of(spec, "resources.requests");
    for (name, sum) in sums.into_iter().filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory")) {
        requests.entry(name).or_insert(sum);
    }
    for (name, limit) in map_of(spec, "resources.limits") {
        if matches!(name.as_str(), "cpu" | "memory") || name.starts_with("hugepages-") {
            requests.entry(name).or_insert(limit);
        }
    }
    if !requests.is_empty() {
        spec["resources"]["requests"] = Value::Object(requests);
    }
}

/// What is limited and not requested is requested up to the limit.
fn request_limits(container: &mut Value) {
    if let Some(resources) = container.get_mut("resources") {
        request_limits_of(resources);
    }
}

fn request_limits_of(resources: &mut Value) {
    let limits = resources.get("limits").and_then(Value::as_object).filter(|limits| !limits.is_empty()).cloned();
    if let (Some(limits), Some(resources)) = (limits, resources.as_object_mut()) {
        let requests = resources.entry("requests").or_insert_with(|| Value::Object(Map::new()));
        if requests.is_null() {
            *requests = json!({});
        }
        fill(requests, &Value::Object(limits));
    }
}

/// Whether an image without a policy is pulled always: its tag is, or means, the latest.
fn moving(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    match name.split_once('@') {
        Some((name, _)) => name.split_once(':').is_some_and(|(_, tag)| tag == "latest"),
        None => name.split_once(':').is_some_and(|(_, tag)| tag == "latest") || !name.contains(':'),
    }
}

/// Whether the name of an image can be read at all; nothing is known of the tag of one that cannot.
fn readable(image: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/:@".contains(&byte);
    let (name, _) = image.split_once('@').unwrap_or((image, ""));
    let (path, tag) = match name.rsplit_once(':') {
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (name, ""),
    };
    // A registry may be written in capitals.
    let path = match path.split_once('/') {
        Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => rest,
        _ => path,
    };
    let edges = |part: &str| {
        let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        part.starts_with(edge) && part.ends_with(edge)
    };
    !path.is_empty()
        && path.bytes().all(allowed)
        && path.split('/').all(edges)
        && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn pull_policy(image: &str) -> &'static str {
    if readable(image) && moving(image) { "Always" } else { "IfNotPresent" }
}

fn container(container: &mut Value) {
    if !container.is_object() {
        return;
    }
    let pull = pull_policy(meta::text(container, "image"));
    for (key, default) in [
        ("terminationMessagePath", "/dev/termination-log"),
        ("terminationMessagePolicy", "File"),
        ("imagePullPolicy", pull),
    ] {
        fill_text(container, key, default);
    }
    fill(container, &json!({"resources": {}}));
    for port in list_mut(container, "ports") {
        fill_text(port, "protocol", "TCP");
    }
    for variable in list_mut(container, "env") {
        if let Some(source) = variable.get_mut("valueFrom") {
            reference(source);
            if let Some(file) = source.get_mut("fileKeyRef") {
                fill(file, &json!({"optional": false}));
            }
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(probe).filter(|probe| probe.is_object()) else {
            continue;
        };
        for (key, default) in
            [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
        {
            if probe.get(key).is_none_or(|value| value.is_null() || *value == 0) {
                probe[key] = default.into();
            }
        }
        if let Some(call) = probe.get_mut("grpc").filter(|call| call.is_object()) {
            fill(call, &json!({"service": ""}));
        }
        http_get(probe);
    }
    if let Some(lifecycle) = container.get_mut("lifecycle").and_then(Value::as_object_mut)
        && lifecycle.remove("stopSignal").is_some()
        && lifecycle.is_empty()
    {
        // Not switched on by default.
        container.as_object_mut().map(|container| container.remove("lifecycle"));
    }
    for hook in ["postStart", "preStop"] {
        if let Some(hook) = container.get_mut("lifecycle").and_then(|lifecycle| lifecycle.get_mut(hook)) {
            http_get(hook);
        }
    }
}

fn http_get(handler: &mut Value) {
    if let Some(get) = handler.get_mut("httpGet") {
        fill_text(get, "path", "/");
        fill_text(get, "scheme", "HTTP");
    }
}

/// A reference to a field of the pod names the version of the pod.
fn reference(source: &mut Value) {
    if let Some(field) = source.get_mut("fieldRef") {
        fill_text(field, "apiVersion", "v1");
    }
    if let Some(resource) = source.get_mut("resourceFieldRef") {
        fill(resource, &json!({"divisor": "0"}));
    }
}

/// The defaults of the sources that persistent volumes have too.
pub(crate) fn sources(volume: &mut Value) {
    let sources: [(&str, Value); 5] = [
        ("hostPath", json!({"type": ""})),
        ("iscsi", json!({"iscsiInterface": "default"})),
        ("rbd", json!({"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"})),
        ("azureDisk", json!({"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": false, "kind": "Shared"})),
        ("scaleIO", json!({"storageMode": "ThinProvisioned", "fsType": "xfs"})),
    ];
    for (key, defaults) in sources {
        if let Some(source) = volume.get_mut(key) {
            fill(source, &defaults);
        }
    }
}

fn volume(volume: &mut Value) {
    if let Some(volume) = volume.as_object_mut()
        && !volume.iter().any(|(key, value)| key != "name" && !value.is_null())
    {
        volume.insert("emptyDir".to_owned(), json!({}));
    }
    for source in ["secret", "configMap", "projected", "downwardAPI"] {
        if let Some(source) = volume.get_mut(source) {
            fill(source, &json!({"defaultMode": 0o644}));
        }
    }
    if let Some(source) = volume.get_mut("downwardAPI") {
        list_mut(source, "items").for_each(reference);
    }
    if let Some(source) = volume.get_mut("projected") {
        fill(source, &json!({"sources": null}));
        for source in list_mut(source, "sources") {
            // Sources that are not switched on by default.
            for off in ["clusterTrustBundle", "podCertificate"] {
                source.as_object_mut().map(|source| source.remove(off));
            }
            if let Some(token) = source.get_mut("serviceAccountToken") {
                fill(token, &json!({"expirationSeconds": 3600}));
            }
            if let Some(source) = source.get_mut("downwardAPI") {
                list_mut(source, "items").for_each(reference);
            }
        }
    }
    sources(volume);
    if let Some(image) = volume.get_mut("image") {
        let pull = pull_policy(meta::text(image, "reference"));
        fill_text(image, "pullPolicy", pull);
    }
    if let Some(claim) = volume.get_mut("ephemeral").and_then(|source| source.get_mut("volumeClaimTemplate")) {
        fill(claim, &json!({"metadata": {}}));
        if let Some(spec) = claim.get_mut("spec") {
            fill(spec, &json!({"volumeMode": "Filesystem"}));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moving_tag_is_pulled_always() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.27", "IfNotPresent"),
            ("localhost:5000/nginx", "Always"),
            ("localhost:5000/nginx:1.27", "IfNotPresent"),
            ("nginx@sha256:0000", "IfNotPresent"),
            ("Not An Image", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }

    #[test]
    fn only_what_is_absent_is_filled() {
        let mut value = json!({
            "volumes": [{"name": "v"}],
            "containers": [{"name": "c", "image": "n:1", "resources": {"limits": {"cpu": "1"}}}],
        });
        spec(&mut value);
        pod(&mut value);
        assert_eq!(value["volumes"][0], json!({"name": "v", "emptyDir": {}}));
        assert_eq!(value["containers"][0]["resources"]["requests"], json!({"cpu": "1"}));
        let once = value.clone();
        spec(&mut value);
        pod(&mut value);
        assert_eq!(value, once, "a second time changes nothing");
    }
}
