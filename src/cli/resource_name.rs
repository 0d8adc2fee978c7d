//! The resources of an archive by the names that people type: `deploy`, `Deployment`, `deployments`, `deployments.apps`.
//!
//! An archive names its directories and nothing else, and `backup cat` asks no cluster. The short names are those of
//! Kubernetes' own resources; a singular is guessed from its plural as English forms it.

use std::collections::BTreeSet;

use crate::cluster::Discovery;
use crate::object::{ApiResource, GroupResource, ResourceMapper};

/// Short names that every API server has, by plural.
const SHORT: [(&str, &str); 31] = [
    ("certificatesigningrequests", "csr"),
    ("componentstatuses", "cs"),
    ("configmaps", "cm"),
    ("controllerrevisions", "crev"),
    ("cronjobs", "cj"),
    ("customresourcedefinitions", "crd"),
    ("customresourcedefinitions", "crds"),
    ("daemonsets", "ds"),
    ("deployments", "deploy"),
    ("endpoints", "ep"),
    ("events", "ev"),
    ("horizontalpodautoscalers", "hpa"),
    ("ingresses", "ing"),
    ("limitranges", "limits"),
    ("namespaces", "ns"),
    ("networkpolicies", "netpol"),
    ("nodes", "no"),
    ("persistentvolumeclaims", "pvc"),
    ("persistentvolumes", "pv"),
    ("poddisruptionbudgets", "pdb"),
    ("pods", "po"),
    ("priorityclasses", "pc"),
    ("replicasets", "rs"),
    ("replicationcontrollers", "rc"),
    ("resourcequotas", "quota"),
    ("serviceaccounts", "sa"),
    ("services", "svc"),
    ("statefulsets", "sts"),
    ("storageclasses", "sc"),
    ("volumeattributesclasses", "vac"),
    ("ipaddresses", "ip"),
];

/// The directory among these that `text` means, as a cluster that serves them would understand it.
pub(crate) fn resolve(text: &str, directories: &BTreeSet<GroupResource>) -> Option<GroupResource> {
    let resources = directories.iter().map(resource).collect();
    let discovery = Discovery { resources, ..Discovery::default() };
    ResourceMapper::new(&discovery).resolve(text).map(ApiResource::group_resource)
}

fn resource(directory: &GroupResource) -> ApiResource {
    let singular = singular(&directory.resource);
    let short = SHORT.iter().filter(|(plural, _)| *plural == directory.resource);
    ApiResource {
        group: directory.group.clone(),
        version: "v1".to_owned(),
        plural: directory.resource.clone(),
        kind: singular.clone(),
        singular,
        namespaced: true,
        preferred: true,
        short_names: short.map(|(_, short)| (*short).to_owned()).collect(),
        verbs: ["create", "delete", "get", "list"].map(str::to_owned).into(),
        subresources: BTreeSet::new(),
    }
}

fn singular(plural: &str) -> String {
    if let Some(stem) = plural.strip_suffix("ies") {
        return format!("{stem}y");
    }
    let hisses = ["sses", "xes", "ches", "shes"].iter().any(|end| plural.ends_with(end));
    plural.strip_suffix(if hisses { "es" } else { "s" }).unwrap_or(plural).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_need_not_know_the_names_of_directories() {
        let directories = [
            "deployments.apps",
            "networkpolicies.networking.k8s.io",
            "ingresses.networking.k8s.io",
            "pods",
            "widgets.shop.example.com",
            "leases.coordination.k8s.io",
        ];
        let directories: BTreeSet<GroupResource> =
            directories.into_iter().map(|name| GroupResource::from(name.to_owned())).collect();
        for (text, found) in [
            ("deploy", Some("deployments.apps")),
            ("Deployment", Some("deployments.apps")),
            ("deployments", Some("deployments.apps")),
            ("deployment.apps", Some("deployments.apps")),
            ("netpol", Some("networkpolicies.networking.k8s.io")),
            ("ingress", Some("ingresses.networking.k8s.io")),
            ("po", Some("pods")),
            ("widget", Some("widgets.shop.example.com")),
            ("lease", Some("leases.coordination.k8s.io")),
            ("svc", None),
            ("nonsense", None),
        ] {
            assert_eq!(resolve(text, &directories).map(|name| name.to_string()).as_deref(), found, "{text}");
        }
    }
}
