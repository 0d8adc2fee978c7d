//! Kinds of coordination.k8s.io.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "Lease",
    api_version: "coordination.k8s.io/v1",
    plural: "leases",
    variant: lease,
    poisons: &[
        ("/spec", "null"),
        ("/spec", "{}"),
        ("/spec/leaseDurationSeconds", "0"),
        ("/spec/leaseDurationSeconds", "-15"),
        ("/spec/leaseDurationSeconds", "\"x\""),
        ("/spec/leaseDurationSeconds", "null"),
        ("/spec/leaseTransitions", "-1"),
        ("/spec/leaseTransitions", "2147483648"),
        ("/spec/holderIdentity", "\"\""),
        ("/spec/holderIdentity", "null"),
        ("/spec/holderIdentity", "5"),
        ("/spec/renewTime", "\"yesterday\""),
        ("/spec/renewTime", "\"2026-01-01T00:00:00Z\""),
        ("/spec/renewTime", "null"),
        ("/spec/acquireTime", "\"2026-01-01T00:00:00.5+01:00\""),
        ("/spec/strategy", "\"OldestEmulationVersion\""),
        ("/spec/strategy", "\"Odd\""),
        ("/spec/preferredHolder", "\"somebody\""),
        ("/spec/odd", "1"),
    ],
    ..Kind::DEFAULT
}];

fn lease(dice: &mut Dice, _: &str) -> Value {
    let mut spec = json!({"leaseDurationSeconds": *dice.one(&[15, 40])});
    if !dice.once_in(4) {
        spec["holderIdentity"] = (*dice.one(&["ada", "bob"])).into();
        spec["renewTime"] = "2026-01-01T00:00:00.123456Z".into();
    }
    if dice.once_in(3) {
        spec["leaseTransitions"] = dice.below(3).into();
        spec["acquireTime"] = "2025-12-31T23:59:59.000000Z".into();
    }
    json!({"spec": spec})
}
