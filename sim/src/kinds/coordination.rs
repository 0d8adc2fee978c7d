//! The rules of coordination.k8s.io: leases.

use serde_json::Value;

use super::pod_spec::read::{field, whole};
use super::{Causes, Rules, Table};

pub(super) const TABLE: Table = &[(
    "leases",
    Rules {
        prepare_create: uncoordinated,
        prepare_update: |_, new| uncoordinated(new),
        validate,
        validate_update: |_, new, causes| validate(new, causes),
        ..Rules::NONE
    },
)];

/// Coordinated election is not switched on by default: its fields are dropped.
fn uncoordinated(value: &mut Value) {
    if let Some(spec) = value.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("strategy");
        spec.remove("preferredHolder");
    }
}

fn validate(value: &Value, causes: &mut Causes) {
    let spec = field(value, "spec");
    causes.at("spec", |causes| {
        if let Some(seconds) = whole(spec, "leaseDurationSeconds").filter(|seconds| *seconds <= 0) {
            causes.invalid("leaseDurationSeconds", &seconds.into(), "must be greater than 0");
        }
        if let Some(count) = whole(spec, "leaseTransitions").filter(|count| *count < 0) {
            causes.invalid("leaseTransitions", &count.into(), "must be greater than or equal to 0");
        }
    });
}
