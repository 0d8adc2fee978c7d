//! What is asked of, and told to, a container while it runs.

use serde_json::Value;

use super::Pod;
use super::read::{each, given, inside, list, not_negative, number, port, port_number, problems, whole};
use crate::kinds::Causes;
use crate::meta;

/// A probe; `key` says which of the three.
pub(super) fn probe(pod: &Pod<'_>, key: &str, probe: &Value, causes: &mut Causes) {
    handler(pod, probe, causes);
    for key in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
        not_negative(probe, key, causes);
    }
    let grace = whole(probe, "terminationGracePeriodSeconds");
    if let Some(seconds) = grace.filter(|seconds| *seconds <= 0) {
        causes.invalid("terminationGracePeriodSeconds", &seconds.into(), "must be greater than 0");
    }
    if key == "readinessProbe" {
        if let Some(seconds) = grace {
            let why = "must not be set for readinessProbes";
            causes.invalid("terminationGracePeriodSeconds", &seconds.into(), why);
        }
    } else if number(probe, "successThreshold") != 1 {
        causes.invalid("successThreshold", &number(probe, "successThreshold").into(), "must be 1");
    }
}

/// What happens after a container starts and before it stops.
pub(super) fn lifecycle(pod: &Pod<'_>, lifecycle: &Value, causes: &mut Causes) {
    for key in ["postStart", "preStop"] {
        inside(lifecycle, key, causes, |hook, causes| handler(pod, hook, causes));
    }
}

fn handler(pod: &Pod<'_>, value: &Value, causes: &mut Causes) {
    let mut handlers = 0;
    for key in ["exec", "httpGet", "tcpSocket", "grpc", "sleep"] {
        let Some(action) = given(value, key) else {
            continue;
        };
        handlers += 1;
        if handlers > 1 {
            causes.forbidden(key, "may not specify more than 1 handler type");
            continue;
        }
        causes.at(key, |causes| match key {
            "exec" => {
                if list(action, "command").is_empty() {
                    causes.required("command", "");
                }
            }
            "httpGet" => http_get(action, causes),
            "tcpSocket" => port(action, "port", causes),
            "grpc" => port_number("port", number(action, "port"), causes),
            _ => sleep(pod, action, causes),
        });
    }
    if handlers == 0 {
        causes.required("", "must specify a handler type");
    }
}

fn http_get(action: &Value, causes: &mut Causes) {
    if meta::text(action, "path").is_empty() {
        causes.required("path", "");
    }
    port(action, "port", causes);
    let scheme = meta::text(action, "scheme");
    if !["HTTP", "HTTPS"].contains(&scheme) {
        causes.not_supported("scheme", scheme, &["HTTP", "HTTPS"]);
    }
    for header in list(action, "httpHeaders") {
        let name = meta::text(header, "name");
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            let why = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex \
                used for validation is '[-A-Za-z0-9]+')";
            problems("httpHeaders", name, vec![why.to_owned()], causes);
        }
    }
}

fn sleep(pod: &Pod<'_>, action: &Value, causes: &mut Causes) {
    let seconds = number(action, "seconds");
    if let Some(grace) = whole(pod.spec, "terminationGracePeriodSeconds")
        && !(0..=grace).contains(&seconds)
    {
        let why = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        causes.invalid("", &seconds.into(), &why);
    }
}

/// A port of a host is one of the container where they share the network.
pub(super) fn host_network(pod: &Pod<'_>, causes: &mut Causes) {
    if !super::read::yes(pod.spec, "hostNetwork") {
        return;
    }
    each(pod.spec, "containers", causes, |container, causes| {
        each(container, "ports", causes, |port, causes| {
            let (host, own) = (number(port, "hostPort"), number(port, "containerPort"));
            if (pod.is_pod() || host != 0) && host != own {
                causes.invalid("hostPort", &host.into(), "must match `containerPort` when `hostNetwork` is true");
            }
        });
    });
}
