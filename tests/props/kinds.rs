//! Every kind that a cluster serves: simulator, backup, bucket, restore, simulator.

use ark::api::BackupSpec;
use ark::restore::Outcome;
use kubesim::{ApiServer, ResourceDef};
use serde_json::{Value, json};

use super::plausible::plausible;
use super::rig::{bring_back, bucket, comparable, fixtures, live, paused, save, server};

/// What a restore changes beside what the server sets everywhere, and why.
const CHANGED: &[(&str, &[&str], &str)] = &[
    ("Pod", &["spec/nodeName"], "scheduled anew"),
    (
        "Service",
        &["spec/clusterIP", "spec/clusterIPs", "spec/healthCheckNodePort", "spec/ports/*/nodePort"],
        "allocated anew",
    ),
    ("Job", &["spec/selector", "spec/template/metadata/labels"], "made anew from its uid"),
    ("PersistentVolume", &["spec/claimRef/uid", "spec/claimRef/resourceVersion"], "bound anew, to the same claim"),
    ("PersistentVolumeClaim", &["spec/volumeName"], "its volume is not in the backup"),
];

/// Kinds of which nothing is ever restored.
const NEVER: &[&str] = &[
    "CSINode",
    "CertificateSigningRequest",
    "Event",
    "Lease",
    "Node",
    "PodCertificateRequest",
    "ResourceSlice",
    "VolumeAttachment",
];

/// Serves the kinds of the fixtures that a 1.36 cluster serves only behind a feature gate.
fn serve_gated(server: &ApiServer) {
    let gated = [
        ("certificates.k8s.io", "clustertrustbundles", "ClusterTrustBundle", false),
        ("certificates.k8s.io", "podcertificaterequests", "PodCertificateRequest", true),
        ("resource.k8s.io", "devicetaintrules", "DeviceTaintRule", false),
    ];
    server.serve_resources(
        gated.map(|(group, plural, kind, namespaced)| ResourceDef::new(group, "v1", plural, kind, namespaced)).into(),
    );
}

#[test]
fn every_kind_comes_back_equal_but_for_what_the_table_names() {
    paused(async {
        let (source, target, store) = (server(1, false), server(2, false), bucket());
        serve_gated(&source);
        serve_gated(&target);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kinds"}});
        assert!(source.load(vec![namespace])[0].is_ok());
        let mut files: Vec<_> =
            std::fs::read_dir(fixtures("kinds")).expect("a folder").map(|file| file.expect("a file").path()).collect();
        files.sort();
        let mut saved = Vec::new();
        let mut refused = Vec::new();
        for file in &files {
            let mut object: Value = serde_json::from_slice(&std::fs::read(file).expect("a file")).expect("JSON");
            plausible(&mut object);
            let kind = object["kind"].as_str().expect("a kind").to_owned();
            match source.load(vec![object]).remove(0) {
                Ok(stored) => saved.push((kind, stored.value().clone())),
                Err(error) => refused.push(error.to_string()),
            }
        }
        assert_eq!(refused, Vec::<String>::new());
        assert_eq!(saved.len(), 59);

        let outcome = save(&source, &store, "kinds", BackupSpec::default()).await;
        assert_eq!(outcome.results.errors.count(), 0, "{:#?}", outcome.results.errors);
        let done = bring_back(&target, &store, "kinds", "back").await;
        assert_eq!(done.results.errors.count(), 0, "{:#?}", done.results.errors);

        for (kind, before) in saved {
            let name = before["metadata"]["name"].as_str().expect("a name");
            let item = done
                .items
                .iter()
                .find(|item| item.name == name)
                .unwrap_or_else(|| panic!("{kind} is not in the archive"));
            if NEVER.contains(&kind.as_str()) {
                assert!(
                    matches!(&item.outcome, Outcome::Skipped(reason) if !reason.is_empty()),
                    "{kind}: {:?}",
                    item.outcome
                );
                continue;
            }
            assert_eq!(item.outcome, Outcome::Created, "{kind}");
            let after = live(&target, &item.resource.group, &item.resource.resource, item.namespace.as_deref(), name);
            let changed = CHANGED.iter().find(|(other, _, _)| *other == kind).map_or(&[][..], |(_, paths, _)| paths);
            let after = after.expect("restored");
            assert_eq!(comparable(after.clone(), changed), comparable(before.clone(), changed), "{kind}");
            for path in changed {
                let others: Vec<_> = changed.iter().copied().filter(|other| other != path).collect();
                assert_ne!(
                    comparable(after.clone(), &others),
                    comparable(before.clone(), &others),
                    "{kind} keeps {path}"
                );
            }
        }
    });
}
