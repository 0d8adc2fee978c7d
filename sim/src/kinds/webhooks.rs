//! How a server calls a webhook: what configurations of admission and conversions of definitions share.
//!
//! # Differences
//!
//! A bundle of certificates is not read. Of addresses that are none, the parser's own words are told for the commonest faults only.

use serde_json::Value;

use super::Causes;
use super::pod_spec::read::{given, number};
use crate::meta;
use crate::validate_name;

const FORM: &str = "; desired format: https://host[/path]";

/// The parts of an address that a webhook's may or may not have.
#[derive(Debug, Default, PartialEq, Eq)]
struct Address<'a> {
    scheme: &'a str,
    user: Option<&'a str>,
    host: &'a str,
    query: &'a str,
    fragment: &'a str,
}

impl<'a> Address<'a> {
    /// Splits an address; the error is that of Go's parser.
    fn parse(text: &'a str) -> Result<Self, String> {
        let failed = |text: &str, why: &str| Err(format!("parse {text:?}: {why}"));
        let mut address = Self::default();
        let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
        address.fragment = fragment;
        if rest.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
            return failed(rest, "net/url: invalid control character in URL");
        }
        let mut rest = rest;
        let is_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
        if let Some((scheme, after)) = rest.split_once(':')
            && scheme.chars().all(is_scheme)
        {
            if scheme.is_empty() {
                return failed(rest, "missing protocol scheme");
            }
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic()) {
                (address.scheme, rest) = (scheme, after);
            }
        }
        if let Some((before, query)) = rest.split_once('?') {
            (rest, address.query) = (before, query);
        }
        if let Some(after) = rest.strip_prefix("//") {
            let authority = after.split('/').next().unwrap_or_default();
            (address.user, address.host) = match authority.rsplit_once('@') {
                Some((user, host)) => (Some(user), host),
                None => (None, authority),
            };
        } else if address.scheme.is_empty() && rest.split('/').next().is_some_and(|first| first.contains(':')) {
            return failed(text, "first path segment in URL cannot contain colon");
        }
        Ok(address)
    }
}

/// Where a webhook is: at an address or behind a service. The check stands at the parent of `field`.
pub(crate) fn client(config: &Value, field: &str, causes: &mut Causes) {
    let (url, service) = (config.get("url").and_then(Value::as_str), given(config, "service"));
    match (url, service) {
        (Some(url), None) => causes.at(field, |causes| address(url, causes)),
        (None, Some(service)) => {
            causes.at(field, |causes| causes.at("service", |causes| self::service(service, causes)));
        }
        _ => causes.required(field, "exactly one of url or service is required"),
    }
}

fn address(url: &str, causes: &mut Causes) {
    let address = match Address::parse(url) {
        Ok(address) => address,
        Err(why) => return causes.required("url", &format!("url must be a valid URL: {why}{FORM}")),
    };
    let mut refuse = |value: &str, why: &str| causes.invalid("url", &value.into(), why);
    if !address.scheme.eq_ignore_ascii_case("https") {
        refuse(&address.scheme.to_lowercase(), &format!("'https' is the only allowed URL scheme{FORM}"));
    }
    if address.host.is_empty() {
        refuse("", &format!("host must be specified{FORM}"));
    }
    if let Some(user) = address.user {
        refuse(user, "user information is not permitted in the URL");
    }
    if !address.fragment.is_empty() {
        refuse(address.fragment, "fragments are not permitted in the URL");
    }
    if !address.query.is_empty() {
        refuse(address.query, "query parameters are not permitted in the URL");
    }
}

fn service(service: &Value, causes: &mut Causes) {
    // A real server takes the one for the other here.
    for (key, other) in [("name", "namespace"), ("namespace", "name")] {
        if meta::text(service, other).is_empty() {
            causes.required(key, "");
        }
    }
    port(service, causes);
    let path = meta::text(service, "path");
    let mut refuse = |why: &str| causes.invalid("path", &path.into(), why);
    match path {
        "" | "/" => return,
        "//" => return refuse("segment[0] may not be empty"),
        _ => {}
    }
    if !path.starts_with('/') {
        refuse("must start with a '/'");
    }
    // Whatever the first letter is, it is taken for the slash.
    let rest = path.char_indices().nth(1).map_or("", |(second, _)| &path[second..]);
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    for (index, step) in rest.split('/').enumerate() {
        if step.is_empty() {
            refuse(&format!("segment[{index}] may not be empty"));
            continue;
        }
        for why in validate_name::subdomain(step) {
            refuse(&format!("segment[{index}]: {why}"));
        }
    }
}

/// The port of a service that the server itself calls.
pub(crate) fn port(service: &Value, causes: &mut Causes) {
    let port = number(service, "port");
    if !(1..=65535).contains(&port) {
        causes.invalid("port", &port.into(), "port is not valid: must be between 1 and 65535, inclusive");
    }
}

/// The versions of reviews that a webhook understands, at `field`.
pub(crate) fn review_versions(versions: &[Value], field: &str, missing: &str, causes: &mut Causes) {
    if versions.is_empty() {
        return causes.required(field, missing);
    }
    causes.at(field, |causes| {
        for (index, version) in versions.iter().enumerate() {
            causes.index(index, |causes| {
                if versions[..index].contains(version) {
                    return causes.invalid("", version, "duplicate version");
                }
                for why in validate_name::label_1035(version.as_str().unwrap_or_default()) {
                    causes.invalid("", version, &why);
                }
            });
        }
        if !versions.iter().any(|version| version == "v1" || version == "v1beta1") {
            causes.invalid("", &Value::from(versions), "must include at least one of v1, v1beta1");
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_fall_into_parts() {
        let parts = |text| {
            let address = Address::parse(text).unwrap();
            (address.scheme, address.user, address.host, address.query, address.fragment)
        };
        assert_eq!(parts("https://a.b:1/c/d"), ("https", None, "a.b:1", "", ""));
        assert_eq!(parts("http://u:p@h/x?q=1#f"), ("http", Some("u:p"), "h", "q=1", "f"));
        assert_eq!(parts("plain"), ("", None, "", "", ""));
        assert_eq!(Address::parse("://x").unwrap_err(), "parse \"://x\": missing protocol scheme");
        assert!(Address::parse("1a:b").is_err());
    }
}
