//! The demo, as a person starts it: on the built-in world, on one of their own, and on one that cannot be loaded.

use crate::person::Person;

/// A world of one's own: a definition behind its object, a list, a volume, and two namespaces.
const OWN_WORLD: &str = r"
apiVersion: example.com/v1
kind: Gadget
metadata: {name: one, namespace: mine}
spec: {size: 1}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: mine}}
- {apiVersion: v1, kind: Namespace, metadata: {name: other}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: mine}, data: {a: b}}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: gadgets, singular: gadget, kind: Gadget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

/// The line of the narrative that says that the proof holds.
const VERDICT: &str = "Every object is back, and every difference has its reason.";

#[test]
fn the_built_in_world_comes_back() {
    let person = Person::new(None);
    let said = person.ark("demo --store {}/bucket");
    assert_eq!(said.code, 0, "{said:?}");
    for line in ["1. The cluster", "2. The backup", "3. The disaster", "4. The restore", "5. The comparison"] {
        assert!(said.out.lines().any(|said| said == line), "{line} is missing: {}", said.out);
    }
    let has = |text: &str| said.out.contains(text);
    assert!(has("pods run again in shop") && has("2   widgets.shop.example.com") && has(VERDICT), "{}", said.out);
    assert!(has("widgets.shop.example.com shop/big was held by a finalizer"), "{}", said.out);
    assert_eq!(said.err, "", "nothing is left to say");
    let listed = person.ark("backup get -o name --store {}/bucket");
    assert_eq!(listed.out, "backup.ark.heptio.com/demo\n", "the bucket is a bucket like any other");
    let again = person.ark("demo --store {}/bucket");
    assert_eq!(again.code, 1, "a backup is never overwritten: {again:?}");
}

#[test]
fn a_world_of_ones_own_comes_back() {
    let person = Person::new(None);
    std::fs::write(person.folder().join("own.yaml"), OWN_WORLD).expect("written");
    let said = person.ark("demo --world {}/own.yaml");
    assert_eq!(said.code, 0, "{said:?}");
    for text in ["in mine, other", "The namespace mine is deleted", "gadgets.example.com", VERDICT] {
        assert!(said.out.contains(text), "{text}: {}", said.out);
    }
    let said = person.ark("demo --world {}/own.yaml --destroy nowhere");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("nowhere") && said.err.contains("mine, other"), "{said:?}");
}

#[test]
fn what_cannot_be_loaded_is_named_by_file_and_document() {
    let person = Person::new(None);
    let text =
        format!("{OWN_WORLD}---\napiVersion: example.com/v2\nkind: Gizmo\nmetadata: {{name: x, namespace: mine}}\n");
    std::fs::write(person.folder().join("own.yaml"), text).expect("written");
    let said = person.ark("demo --world {}/own.yaml");
    assert_eq!(said.code, 1, "{said:?}");
    for text in ["own.yaml, document 4", "Gizmo", "hint: add the CustomResourceDefinition"] {
        assert!(said.err.contains(text), "{text}: {said:?}");
    }
    let said = person.ark("demo --world {}/absent.yaml");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.err.contains("absent.yaml"), "{said:?}");
}
