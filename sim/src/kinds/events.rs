//! Events: what both groups ask of all of them, and what only the younger one asks of those that are written through it.
//!
//! Rules see an event in the older form, in which both are stored; causes are named so too.

use serde_json::Value;

use super::pod_spec::internal;
use super::pod_spec::read::{field, given, inside, number, problems};
use super::workloads::immutable;
use super::{Causes, Rules, Table};
use crate::meta;
use crate::validate_name;

/// Through the core group nothing more is asked, for the sake of old writers.
pub(super) const CORE: Rules = Rules {
    validate: |event, causes| always(event, "reportingComponent", causes),
    validate_update: |_, event, causes| always(event, "reportingComponent", causes),
    metadata_later: true,
    ..Rules::NONE
};

pub(super) const TABLE: Table = &[(
    "events",
    Rules {
        validate: |event, causes| {
            always(event, "reportingController", causes);
            new(event, causes);
        },
        validate_update: |old, event, causes| {
            always(event, "reportingController", causes);
            update(old, event, causes);
        },
        ..Rules::NONE
    },
)];

/// The most letters of a short text, and of the note.
const SHORT: usize = 128;
const NOTE: usize = 1024;

fn has_time(event: &Value) -> bool {
    given(event, "eventTime").is_some()
}

/// What an event with a time of its own has to say; one without is of the older form.
fn always(event: &Value, controller: &str, causes: &mut Causes) {
    let (namespace, of) =
        (meta::meta_text(event, "namespace"), meta::text(field(event, "involvedObject"), "namespace"));
    let fits = match (of, has_time(event)) {
        ("", false) => matches!(namespace, "" | "default"),
        ("", true) => matches!(namespace, "default" | "kube-system"),
        (of, false) => of == namespace,
        (_, true) => true,
    };
    if !fits {
        causes.invalid("involvedObject.namespace", &of.into(), "does not match event.namespace");
    }
    if !has_time(event) {
        return;
    }
    let reporter = meta::text(event, "reportingComponent");
    if reporter.is_empty() {
        causes.required(controller, "");
    }
    problems(controller, reporter, validate_name::qualified_name(reporter), causes);
    for key in ["reportingInstance", "action", "reason"] {
        let text = meta::text(event, key);
        if text.is_empty() {
            causes.required(key, "");
        }
        bounded(key, text, SHORT, causes);
    }
    bounded("message", meta::text(event, "message"), NOTE, causes);
}

fn bounded(key: &str, text: &str, most: usize, causes: &mut Causes) {
    if text.len() > most {
        causes.invalid(key, &"".into(), &format!("can have at most {most} characters"));
    }
}

fn series(event: &Value, causes: &mut Causes) {
    inside(event, "series", causes, |series, causes| {
        if number(series, "count") < 2 {
            causes.invalid("count", &"".into(), "should be at least 2");
        }
        if given(series, "lastObservedTime").is_none() {
            causes.required("lastObservedTime", "");
        }
    });
}

fn new(event: &Value, causes: &mut Causes) {
    causes.extend(validate_name::metadata(event));
    series(event, causes);
    if !has_time(event) {
        causes.required("eventTime", "");
    }
    let kind = meta::text(event, "type");
    if !["Normal", "Warning"].contains(&kind) {
        causes.invalid("type", &"".into(), &format!("has invalid value: {kind}"));
    }
    let source = field(event, "source");
    let set = [
        ("firstTimestamp", given(event, "firstTimestamp").is_some()),
        ("lastTimestamp", given(event, "lastTimestamp").is_some()),
        ("count", number(event, "count") != 0),
        ("source", ["component", "host"].iter().any(|key| !meta::text(source, key).is_empty())),
    ];
    for (key, _) in set.iter().filter(|(_, set)| *set) {
        causes.invalid(key, &"".into(), "needs to be unset");
    }
}

fn update(old: &Value, event: &Value, causes: &mut Causes) {
    causes.extend(validate_name::metadata(event));
    if field(old, "series") != field(event, "series") {
        series(event, causes);
    }
    let object = |kind: &str, key: &str, causes: &mut Causes| {
        let now = field(event, key);
        if field(old, key) == now {
            return;
        }
        if now.is_null() {
            immutable(old, event, key, causes);
        } else {
            internal::refuse(kind, key, now, "field is immutable", causes);
        }
    };
    object("ObjectReference", "involvedObject", causes);
    texts(old, event, &["reason", "message"], causes);
    object("EventSource", "source", causes);
    immutable(old, event, "firstTimestamp", causes);
    immutable(old, event, "lastTimestamp", causes);
    if number(old, "count") != number(event, "count") {
        causes.invalid("count", &number(event, "count").into(), "field is immutable");
    }
    texts(old, event, &["reason", "type"], causes);
    immutable(old, event, "eventTime", causes);
    texts(old, event, &["action"], causes);
    object("ObjectReference", "related", causes);
    for (key, shown) in [("reportingComponent", "reportingController"), ("reportingInstance", "reportingInstance")] {
        let (before, now) = (meta::text(old, key), meta::text(event, key));
        if before != now {
            causes.invalid(shown, &now.into(), "field is immutable");
        }
    }
}

/// Texts that never change; an absent one is empty.
fn texts(old: &Value, event: &Value, keys: &[&str], causes: &mut Causes) {
    for key in keys {
        let (before, now) = (meta::text(old, key), meta::text(event, key));
        if before != now {
            causes.invalid(key, &now.into(), "field is immutable");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_younger_group_asks_for_more() {
        let event = json!({
            "metadata": {"namespace": "a"}, "involvedObject": {"namespace": "a"}, "type": "Normal", "count": 1,
        });
        let found = |rules: Rules| {
            let mut causes = Causes::default();
            (rules.validate)(&event, &mut causes);
            causes.into_found().into_iter().map(|cause| cause.field).collect::<Vec<_>>()
        };
        assert_eq!(found(CORE), Vec::<String>::new());
        assert_eq!(found(TABLE[0].1), ["eventTime", "count"]);
    }
}
