//! The rules of certificates.k8s.io: requests for certificates, their approval, and what a signer answers.
//!
//! # Differences
//!
//! Whether a request is signed with the key that it names is not checked, see `x509`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::pod_spec::read::{each, field, list, list_mut, problems, required, too_long, whole};
use super::{Causes, Rules, Table, x509};
use crate::access::{MASTERS, UserInfo};
use crate::clock::rfc3339;
use crate::meta;
use crate::validate_name;

const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
const CLIENT_SIGNER: &str = "kubernetes.io/kube-apiserver-client";
/// Seconds.
const SHORTEST: i64 = 600;
const DOMAIN_LENGTH: usize = 253;
const SIGNER_LENGTH: usize = 571;

const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];

pub(super) const TABLE: Table = &[(
    "certificatesigningrequests",
    Rules {
        prepare_create: |value| value["status"] = json!({}),
        prepare_update: |old, new| {
            for key in ["spec", "status"] {
                new[key] = field(old, key).clone();
            }
        },
        validate: |value, causes| request(value, None, causes),
        validate_update: |old, new, causes| update(old, new, "", causes),
        validate_status_update: |old, new, causes| update(old, new, "status", causes),
        ..Rules::NONE
    },
)];

/// Notes in a new request who makes it, whatever it says.
pub(crate) fn requested_by(user: &UserInfo, value: &mut Value) {
    let Some(spec) = meta::object_at(value, "spec") else {
        return;
    };
    let said = [
        ("username", Value::from(user.username.as_str())),
        ("uid", user.uid.as_str().into()),
        ("groups", user.groups.clone().into()),
        ("extra", json!(user.extra)),
    ];
    for (key, said) in said {
        if said == "" || said == json!([]) || said == json!({}) {
            spec.remove(key);
        } else {
            spec.insert(key.to_owned(), said);
        }
    }
}

/// What is wrong with a write to the approval.
pub(crate) fn approval_update(old: &Value, new: &Value, causes: &mut Causes) {
    update(old, new, "approval", causes);
}

/// What a write to the status or the approval may not change, and the times of the conditions that it brings.
pub(crate) fn prepare_request_part(part: &str, old: &Value, new: &mut Value, now: Timestamp) {
    if part == "status" {
        for kind in ["Approved", "Denied"] {
            let before: Vec<Value> = of_type(old, kind).into_iter().cloned().collect();
            if before.len() == of_type(new, kind).len() {
                let mut before = before.into_iter();
                for condition in list_mut(&mut new["status"], "conditions") {
                    if meta::text(condition, "type") == kind
                        && let Some(kept) = before.next()
                    {
                        *condition = kept;
                    }
                }
            }
        }
    }
    times(old, new, now);
    if part == "approval" {
        let conditions = field(field(new, "status"), "conditions").clone();
        new["status"] = field(old, "status").clone();
        if let Some(status) = meta::object_at(new, "status") {
            if conditions.is_null() {
                status.remove("conditions");
            } else {
                status.insert("conditions".to_owned(), conditions);
            }
        }
    }
}

/// Conditions without times get the present one; who only says again what was so keeps the old one.
fn times(old: &Value, new: &mut Value, now: Timestamp) {
    let before = list(field(old, "status"), "conditions");
    for condition in list_mut(&mut new["status"], "conditions") {
        let same = before.iter().find(|known| {
            ["type", "status"].iter().all(|key| meta::text(known, key) == meta::text(condition, key))
                && !meta::text(known, "lastTransitionTime").is_empty()
        });
        let since = same.map_or_else(|| rfc3339(now), |known| meta::text(known, "lastTransitionTime").to_owned());
        for (key, time) in [("lastUpdateTime", rfc3339(now)), ("lastTransitionTime", since)] {
            if meta::text(condition, key).is_empty() {
                condition[key] = time.into();
            }
        }
    }
}

/// Why nobody signs the request: members of the group of masters are not made this way.
pub(crate) fn restricted(value: &Value) -> Option<String> {
    let spec = field(value, "spec");
    let masters = meta::text(spec, "signerName") == CLIENT_SIGNER
        && x509::request(&bytes(spec, "request")).is_ok_and(|names| names.iter().any(|name| name == MASTERS));
    masters.then(|| format!("use of {CLIENT_SIGNER} signer with {MASTERS} group is not allowed"))
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    STANDARD.decode(meta::text(value, key)).unwrap_or_default()
}

fn of_type<'a>(value: &'a Value, kind: &str) -> Vec<&'a Value> {
    let conditions = list(field(value, "status"), "conditions");
    conditions.iter().filter(|condition| meta::text(condition, "type") == kind).collect()
}

/// A whole request; what was wrong with the old one already may stay.
fn request(value: &Value, old: Option<&Value>, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        if let Err(why) = x509::request(&bytes(spec, "request")) {
            causes.invalid("request", field(spec, "request"), &why);
        }
        usages(spec, old.map(|old| field(old, "spec")), causes);
        let signer = meta::text(spec, "signerName");
        let legacy = |spec| meta::text(spec, "signerName") == LEGACY_SIGNER;
        if legacy(spec) && !old.is_some_and(|old| legacy(field(old, "spec"))) {
            let why = "the legacy signerName is not allowed via this API version";
            causes.invalid("signerName", &signer.into(), why);
        } else {
            self::signer(signer, causes);
        }
        if let Some(seconds) = whole(spec, "expirationSeconds").filter(|seconds| *seconds < SHORTEST) {
            let why = format!("may not specify a duration less than {SHORTEST} seconds (10 minutes)");
            causes.invalid("expirationSeconds", &seconds.into(), &why);
        }
    });
    causes.at("status.conditions", |causes| conditions(value, old, causes));
    let certificate = bytes(field(value, "status"), "certificate");
    let before = old.map(|old| bytes(field(old, "status"), "certificate"));
    let tolerated = before.is_some_and(|before| before == certificate || x509::certificates(&before).is_err());
    if !tolerated && let Err(why) = x509::certificates(&certificate) {
        causes.invalid("status.certificate", &"<certificate data>".into(), &why);
    }
}

fn usages(spec: &Value, old: Option<&Value>, causes: &mut Causes) {
    let usages = list(spec, "usages");
    if usages.is_empty() {
        causes.required("usages", "");
    }
    let known = |usage: &Value| usage.as_str().is_some_and(|usage| USAGES.contains(&usage));
    let before = old.map_or(&[][..], |old| list(old, "usages"));
    if before.iter().all(known) {
        each(spec, "usages", causes, |usage, causes| {
            if !known(usage) {
                causes.not_supported("", usage.as_str().unwrap_or_default(), &USAGES);
            }
        });
    }
    let again = |usages: &[Value], index: usize| usages[..index].contains(&usages[index]);
    if !(0..before.len()).any(|index| again(before, index)) {
        for index in (0..usages.len()).filter(|index| again(usages, *index)) {
            causes.at("usages", |causes| causes.index(index, |causes| causes.duplicate("", &usages[index])));
        }
    }
}

/// The name of a signer, as `example.com/one`.
fn signer(name: &str, causes: &mut Causes) {
    let field = "signerName";
    if name.is_empty() {
        return causes.required(field, "");
    }
    let segments: Vec<_> = name.split('/').collect();
    let [domain, path] = segments.as_slice() else {
        let why = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
        return causes.invalid(field, &name.into(), why);
    };
    if domain.len() > DOMAIN_LENGTH {
        too_long(field, DOMAIN_LENGTH, causes);
    }
    let labels = |segment: &str, check: fn(&str) -> Vec<String>, causes: &mut Causes| {
        let wrong = segment.split('.').map(|label| (label, check(label))).find(|(_, wrong)| !wrong.is_empty());
        if let Some((label, wrong)) = wrong {
            let wrong = wrong.iter().map(|why| format!("validating label {label:?}: {why}")).collect();
            problems(field, segment, wrong, causes);
        }
    };
    labels(domain, validate_name::label, causes);
    if !domain.contains('.') {
        let why = "should be a domain with at least two segments separated by dots";
        causes.invalid(field, &(*domain).into(), why);
    }
    labels(path, validate_name::subdomain, causes);
    if name.len() > SIGNER_LENGTH {
        too_long(field, SIGNER_LENGTH, causes);
    }
}

fn conditions(value: &Value, old: Option<&Value>, causes: &mut Causes) {
    let found = list(field(value, "status"), "conditions");
    let before = old.map_or(&[][..], |old| list(field(old, "status"), "conditions"));
    let kind = |condition: &Value| meta::text(condition, "type").to_owned();
    let has = |conditions: &[Value], wanted: &str| conditions.iter().any(|condition| kind(condition) == wanted);
    let again = |conditions: &[Value], index: usize| has(&conditions[..index], &kind(&conditions[index]));
    let both = has(before, "Approved") && has(before, "Denied");
    let twice = (0..before.len()).any(|index| again(before, index));
    let unnamed = has(before, "");
    for (index, condition) in found.iter().enumerate() {
        let kind = kind(condition);
        causes.index(index, |causes| {
            if !unnamed {
                required(condition, "type", causes);
            }
            let final_ones = ["Approved", "Denied", "Failed"];
            let states: &[&str] =
                if final_ones.contains(&kind.as_str()) { &["True"] } else { &["False", "True", "Unknown"] };
            match meta::text(condition, "status") {
                "" => causes.required("status", ""),
                state if states.contains(&state) => {}
                state => causes.not_supported("status", state, states),
            }
        });
        let opposite = match kind.as_str() {
            "Approved" => "Denied",
            "Denied" => "Approved",
            _ => "",
        };
        if !both && !opposite.is_empty() && has(&found[..index], opposite) {
            causes.invalid("", &kind.as_str().into(), "Approved and Denied conditions are mutually exclusive");
        }
        if !twice && again(found, index) {
            causes.index(index, |causes| causes.duplicate("type", &kind.as_str().into()));
        }
    }
}

/// What is wrong with a write to a part of a request; the empty part is the main endpoint.
fn update(old: &Value, new: &Value, part: &str, causes: &mut Causes) {
    request(new, Some(old), causes);
    let counts = |kind: &str| (of_type(old, kind).len(), of_type(new, kind).len());
    for kind in ["Approved", "Denied", "Failed"] {
        let (before, now) = counts(kind);
        if now < before {
            causes.forbidden("status.conditions", &format!("updates may not remove a condition of type {kind:?}"));
        }
    }
    if part != "approval" {
        for kind in ["Approved", "Denied"] {
            let (before, now) = counts(kind);
            if now > before {
                causes.forbidden("status.conditions", &format!("updates may not add a condition of type {kind:?}"));
            }
        }
    }
    let certificate = |value: &Value| bytes(field(value, "status"), "certificate");
    let (before, now) = (certificate(old), certificate(new));
    if before != now {
        if part != "status" {
            causes.forbidden("status.certificate", "updates may not set certificate content");
        } else if !before.is_empty() {
            causes.forbidden("status.certificate", "updates may not modify existing certificate content");
        }
    }
}
