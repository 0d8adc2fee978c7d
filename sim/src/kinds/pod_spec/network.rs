//! How a pod finds other hosts.

use serde_json::{Value, json};

use super::read::{each, given, inside, list, problems};
use crate::kinds::{Causes, addresses};
use crate::meta;
use crate::validate_name;

const SERVERS: usize = 3;
const SEARCHES: usize = 32;
const SEARCH_LENGTH: usize = 2048;

/// The configuration of names.
pub(super) fn dns(spec: &Value, causes: &mut Causes) {
    if meta::text(spec, "dnsPolicy") == "None" {
        match given(spec, "dnsConfig") {
            None => {
                return causes.required("dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None");
            }
            Some(config) if list(config, "nameservers").is_empty() => {
                let why = "must provide at least one DNS nameserver when `dnsPolicy` is None";
                return causes.required("dnsConfig.nameservers", why);
            }
            Some(_) => {}
        }
    }
    inside(spec, "dnsConfig", causes, |config, causes| {
        let servers = list(config, "nameservers");
        if servers.len() > SERVERS {
            let why = format!("must not have more than {SERVERS} nameservers");
            causes.invalid("nameservers", &json!(servers), &why);
        }
        each(config, "nameservers", causes, |server, causes| address("", server, causes));
        let searches = list(config, "searches");
        if searches.len() > SEARCHES {
            let why = format!("must not have more than {SEARCHES} search paths");
            causes.invalid("searches", &json!(searches), &why);
        }
        let length: usize = searches.iter().filter_map(Value::as_str).map(|text| text.len() + 1).sum();
        if length > SEARCH_LENGTH + 1 {
            let why =
                format!("must not have more than {SEARCH_LENGTH} characters (including spaces) in the search list");
            causes.invalid("searches", &json!(searches), &why);
        }
        each(config, "searches", causes, |search, causes| {
            let text = search.as_str().unwrap_or_default();
            if text != "." {
                let text = text.strip_suffix('.').unwrap_or(text);
                problems("", text, underscored(text), causes);
            }
        });
        each(config, "options", causes, |option, causes| {
            if meta::text(option, "name").is_empty() {
                causes.required("", "must not be empty");
            }
        });
    });
}

/// A domain whose labels may begin with an underscore.
fn underscored(text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text.len() > 253 {
        wrong.push("must be no more than 253 characters".to_owned());
    }
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = |part: &str| {
        let rest = part.strip_prefix('_').unwrap_or(part);
        rest.starts_with(edge) && rest.ends_with(edge) && part.chars().all(|c| edge(c) || matches!(c, '-' | '_'))
    };
    if !text.split('.').all(fits) {
        wrong.push(
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and \
             must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
             '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')"
                .to_owned(),
        );
    }
    wrong
}

/// The address of a host, in either family.
pub(crate) fn address(field: &str, value: &Value, causes: &mut Causes) {
    let text = value.as_str().unwrap_or_default();
    problems(field, text, addresses::legacy_problems(text), causes);
}

/// Names in the hosts file.
pub(super) fn host_aliases(spec: &Value, causes: &mut Causes) {
    each(spec, "hostAliases", causes, |alias, causes| {
        address("ip", super::read::field(alias, "ip"), causes);
        each(alias, "hostnames", causes, |name, causes| {
            let name = name.as_str().unwrap_or_default();
            problems("", name, validate_name::subdomain(name), causes);
        });
    });
}
