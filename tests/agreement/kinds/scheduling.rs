//! Kinds of scheduling.k8s.io. No class here is the one for all pods: it would change what others see.

use serde_json::{Value, json};

use super::Kind;
use crate::script::Dice;

pub(super) const KINDS: &[Kind] = &[Kind {
    kind: "PriorityClass",
    api_version: "scheduling.k8s.io/v1",
    plural: "priorityclasses",
    namespaced: false,
    variant: priority_class,
    poisons: &[
        ("/value", "1000000001"),
        ("/value", "77"),
        ("/value", "-5"),
        ("/value", "null"),
        ("/value", "\"x\""),
        ("/value", "2147483648"),
        ("/value", "1.5"),
        ("/preemptionPolicy", "\"Odd\""),
        ("/preemptionPolicy", "\"\""),
        ("/preemptionPolicy", "null"),
        ("/preemptionPolicy", "\"Never\""),
        ("/globalDefault", "\"yes\""),
        ("/globalDefault", "false"),
        ("/description", "5"),
        ("/description", "\"\""),
        ("/metadata/name", "\"system-odd\""),
        ("/metadata/name", "\"system-node-critical\""),
        ("/spec", "{}"),
    ],
    ..Kind::DEFAULT
}];

fn priority_class(dice: &mut Dice, _: &str) -> Value {
    let mut class = json!({"value": *dice.one(&[10, 10, 10, 0, 1_000_000_000])});
    if dice.once_in(3) {
        class["preemptionPolicy"] = (*dice.one(&["Never", "PreemptLowerPriority"])).into();
    }
    if dice.once_in(2) {
        class["description"] = (*dice.one(&["one", "two"])).into();
    }
    if dice.once_in(5) {
        class["globalDefault"] = false.into();
    }
    class
}
