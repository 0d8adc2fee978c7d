//! Several sources in one directory.

use serde_json::Value;

use super::read::{given, list, mode, not_reserved, problems, required, selector, whole};
use super::volumes::{downward_file, key_to_path};
use crate::kinds::Causes;
use crate::meta;
use crate::validate_name;

/// A token lives at least that long, in seconds.
const SHORTEST_TOKEN: i64 = 600;
/// A token lives at most that long, in seconds.
const LONGEST_TOKEN: i64 = 1 << 32;

/// A projected volume. Paths that two sources claim are causes of the whole volume.
pub(super) fn check(source: &Value, causes: &mut Causes) {
    mode(source, "defaultMode", causes);
    let mut paths: Vec<&str> = Vec::new();
    for (index, entry) in list(source, "sources").iter().enumerate() {
        let mut found = 0;
        let mut part = |key: &str, causes: &mut Causes, check: &mut dyn FnMut(&Value, &mut Causes)| {
            if let Some(value) = given(entry, key) {
                found += 1;
                causes.at("sources", |causes| {
                    causes.index(index, |causes| causes.at(key, |causes| check(value, causes)));
                });
            }
        };
        for key in ["secret", "configMap"] {
            part(key, causes, &mut |value, causes| required(value, "name", causes));
            if let Some(value) = given(entry, key) {
                let name = meta::text(value, "name");
                for (item, kp) in list(value, "items").iter().enumerate() {
                    causes.at("sources", |causes| {
                        causes.index(index, |causes| {
                            causes.at(key, |causes| {
                                causes.at("items", |causes| causes.index(item, |c| key_to_path(kp, c)));
                            });
                        });
                    });
                    claim(&mut paths, meta::text(kp, "path"), name, causes);
                }
            }
        }
        part("downwardAPI", causes, &mut |_, _| {});
        if let Some(value) = given(entry, "downwardAPI") {
            for item in list(value, "items") {
                causes.at("sources", |causes| {
                    causes.index(index, |causes| causes.at("downwardAPI", |causes| downward_file(item, causes)));
                });
                let path = meta::text(item, "path");
                claim(&mut paths, path, path, causes);
            }
        }
        part("serviceAccountToken", causes, &mut token_life);
        if let Some(token) = given(entry, "serviceAccountToken") {
            match meta::text(token, "path") {
                "" => causes.required("path", ""),
                path => not_reserved("path", path, causes),
            }
        }
        part("clusterTrustBundle", causes, &mut trust);
        if let Some(bundle) = given(entry, "clusterTrustBundle") {
            let path = meta::text(bundle, "path");
            claim(&mut paths, path, path, causes);
        }
        if found > 1 {
            causes.at("sources", |causes| {
                causes.index(index, |causes| {
                    causes.forbidden("", "may not specify more than 1 volume type per source");
                });
            });
        }
    }
}

/// A path is taken once.
fn claim<'a>(paths: &mut Vec<&'a str>, path: &'a str, shown: &str, causes: &mut Causes) {
    if path.is_empty() {
    } else if paths.contains(&path) {
        causes.invalid("", &shown.into(), "conflicting duplicate paths");
    } else {
        paths.push(path);
    }
}

fn token_life(token: &Value, causes: &mut Causes) {
    let Some(seconds) = whole(token, "expirationSeconds") else {
        return;
    };
    if seconds < SHORTEST_TOKEN {
        causes.invalid("expirationSeconds", &seconds.into(), "may not specify a duration less than 10 minutes");
    }
    if seconds > LONGEST_TOKEN {
        causes.invalid("expirationSeconds", &seconds.into(), "may not specify a duration larger than 2^32 seconds");
    }
}

fn trust(bundle: &Value, causes: &mut Causes) {
    let text = |key: &str| bundle.get(key).and_then(Value::as_str);
    match (text("name"), text("signerName")) {
        (Some(_), Some(_)) => causes.invalid("", bundle, "only one of name and signerName may be used"),
        (Some(name), None) => {
            if name.is_empty() {
                causes.required("name", "must be a valid object name");
            }
            let wrong = validate_name::subdomain(name);
            let wrong = wrong.into_iter().map(|why| format!("not a valid clustertrustbundlename: {why}")).collect();
            problems("name", name, wrong, causes);
            if let Some(selector) = given(bundle, "labelSelector") {
                causes.invalid("labelSelector", selector, "labelSelector must be unset if name is specified");
            }
        }
        (None, Some(signer)) => {
            if signer.is_empty() {
                causes.required("signerName", "must be a valid signer name");
            }
            selector(bundle, "labelSelector", causes);
        }
        (None, None) => causes.required("", "either name or signerName must be specified"),
    }
    required(bundle, "path", causes);
    not_reserved("path", meta::text(bundle, "path"), causes);
}
