//! kube-rs `runtime`: watcher with both ways to begin, reflector, a controller with a finalizer and owned objects, conditions, and a
//! Lease taken by apply.
//!
//! One session, told as lines; the simulator and the real server must tell the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::runtime::controller::{Action, Controller};
use kube::runtime::finalizer::{Event as Finalized, finalizer};
use kube::runtime::reflector::{self, ObjectRef};
use kube::runtime::wait::{await_condition, conditions};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Client, CustomResource, CustomResourceExt as _, Resource as _, ResourceExt as _};
use kubesim::actors::Actors;
use kubesim::{ApiServer, Clock};
use rig::{ControlPlane, Options};
use serde_json::json;

/// How long a step may take, on the clock of the server.
const PATIENCE: Duration = Duration::from_mins(1);

/// A kind for the controller: it keeps a config map with this text for each.
#[derive(CustomResource, serde::Deserialize, serde::Serialize, Clone, Debug, schemars::JsonSchema)]
#[kube(group = "runtime.example.com", version = "v1", kind = "Note", namespaced, status = "NoteStatus")]
pub(crate) struct NoteSpec {
    text: String,
}

/// What the controller says of a note.
#[derive(serde::Deserialize, serde::Serialize, Clone, Debug, Default, schemars::JsonSchema)]
pub(crate) struct NoteStatus {
    written: Option<String>,
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("{what} took too long"))
}

fn map(name: &str, round: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"app": "runtime"}}, "data": {"round": round}}))
        .expect("a config map")
}

fn round(map: &ConfigMap) -> String {
    map.data.as_ref().and_then(|data| data.get("round")).cloned().unwrap_or_default()
}

/// Everything, as lines.
async fn session(client: Client, namespace: &str) -> Vec<String> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = serde_json::from_value(json!({"metadata": {"name": namespace}})).expect("a namespace");
    namespaces.create(&PostParams::default(), &object).await.expect("a namespace is created");
    let mut lines = Vec::new();
    for (name, config) in [
        ("paged list", watcher::Config::default().labels("app=runtime").page_size(2)),
        ("streamed list", watcher::Config::default().labels("app=runtime").streaming_lists()),
    ] {
        lines.extend(within(name, watches(&client, namespace, name, config)).await);
    }
    lines.extend(within("the reflector", reflects(&client, namespace)).await);
    lines.extend(Box::pin(within("the controller", controls(&client, namespace))).await);
    lines.extend(within("the lease", leases(&client, namespace)).await);
    namespaces.delete(namespace, &DeleteParams::background()).await.expect("the namespace is deleted");
    lines
}

/// A watcher over three objects and what then happens to them.
async fn watches(client: &Client, namespace: &str, name: &str, config: watcher::Config) -> Vec<String> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    for number in 0..3 {
        maps.create(&PostParams::default(), &map(&format!("m-{number}"), "1")).await.expect("a map is created");
    }
    let mut events = std::pin::pin!(watcher(maps.clone(), config));
    let mut initial = BTreeSet::new();
    loop {
        match events.next().await.expect("a watcher never ends").expect("no error") {
            watcher::Event::Init => {}
            watcher::Event::InitApply(object) => {
                initial.insert(format!("{} round {}", object.name_any(), round(&object)));
            }
            watcher::Event::InitDone => break,
            other => panic!("{other:?} before the first objects were through"),
        }
    }
    let mut lines = vec![format!("{name}: begins with {initial:?}")];
    let patch = Patch::Merge(json!({"data": {"round": "2"}}));
    maps.patch("m-1", &PatchParams::default(), &patch).await.expect("a patch");
    // Out of the selection, which a watcher sees as a deletion.
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": null}}}));
    maps.patch("m-2", &PatchParams::default(), &patch).await.expect("a patch");
    maps.delete("m-0", &DeleteParams::default()).await.expect("a deletion");
    for _ in 0..3 {
        lines.push(match events.next().await.expect("a watcher never ends").expect("no error") {
            watcher::Event::Apply(object) => format!("{name}: {} at round {}", object.name_any(), round(&object)),
            watcher::Event::Delete(object) => format!("{name}: {} gone", object.name_any()),
            other => format!("{name}: unexpected {other:?}"),
        });
    }
    maps.delete_collection(&DeleteParams::default(), &ListParams::default().fields("metadata.name!=kube-root-ca.crt"))
        .await
        .expect("all maps go");
    lines
}

/// A reflector's store follows the server.
async fn reflects(client: &Client, namespace: &str) -> Vec<String> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let (reader, writer) = reflector::store::<Secret>();
    let stream =
        reflector::reflector(writer, watcher(secrets.clone(), watcher::Config::default().fields("type=Opaque")));
    let driver = tokio::spawn(stream.default_backoff().touched_objects().for_each(|_| async {}));
    reader.wait_until_ready().await.expect("the reflector runs");
    let secret = |name: &str, kind: &str| -> Secret {
        serde_json::from_value(json!({"metadata": {"name": name}, "type": kind, "stringData": {"a": "b"}}))
            .expect("a secret")
    };
    secrets.create(&PostParams::default(), &secret("plain", "Opaque")).await.expect("a secret is created");
    secrets.create(&PostParams::default(), &secret("other", "example.com/other")).await.expect("a secret is created");
    let found = ObjectRef::new("plain").within(namespace);
    while reader.get(&found).is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let names: BTreeSet<_> = reader.state().iter().map(|object| object.name_any()).collect();
    secrets.delete("plain", &DeleteParams::default()).await.expect("a deletion");
    while reader.get(&found).is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    driver.abort();
    vec![format!("reflector: held {names:?}, then {} objects", reader.len())]
}

/// What a reconciler needs.
struct Context {
    client: Client,
    namespace: String,
}

/// Keeps the config map of a note: applies it while the note lives, deletes it before the note goes.
async fn reconcile(
    note: Arc<Note>,
    context: Arc<Context>,
) -> Result<Action, Box<kube::runtime::finalizer::Error<kube::Error>>> {
    let notes: Api<Note> = Api::namespaced(context.client.clone(), &context.namespace);
    finalizer(&notes, "runtime.example.com/text", note, |event| async {
        let maps: Api<ConfigMap> = Api::namespaced(context.client.clone(), &context.namespace);
        match event {
            Finalized::Apply(note) => {
                let owned = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
                    "name": format!("of-{}", note.name_any()), "ownerReferences": [note.controller_owner_ref(&())],
                }, "data": {"round": note.spec.text}});
                let params = PatchParams::apply("notes").force();
                maps.patch(&format!("of-{}", note.name_any()), &params, &Patch::Apply(&owned)).await?;
                let status = json!({"status": {"written": note.spec.text}});
                notes.patch_status(&note.name_any(), &PatchParams::default(), &Patch::Merge(&status)).await?;
            }
            Finalized::Cleanup(note) => {
                maps.delete(&format!("of-{}", note.name_any()), &DeleteParams::default()).await?;
            }
        }
        Ok(Action::await_change())
    })
    .await
    .map_err(Box::new)
}

/// A controller: definition, finalizer, an owned object that is mended when somebody deletes it, cleanup.
async fn controls(client: &Client, namespace: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let definitions: Api<CustomResourceDefinition> = Api::all(client.clone());
    let definition = Note::crd();
    let name = definition.name_any();
    definitions
        .patch(&name, &PatchParams::apply("notes"), &Patch::Apply(&definition))
        .await
        .expect("the definition is applied");
    await_condition(definitions.clone(), &name, conditions::is_crd_established()).await.expect("a condition");
    let notes: Api<Note> = Api::namespaced(client.clone(), namespace);
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let context = Arc::new(Context { client: client.clone(), namespace: namespace.to_owned() });
    let controller = Controller::new(notes.clone(), watcher::Config::default())
        .owns(maps.clone(), watcher::Config::default())
        .run(reconcile, |_, _, _| Action::requeue(Duration::from_secs(1)), context);
    let driver = tokio::spawn(controller.for_each(|_| async {}));
    let text = |text: &str| Note::new("first", NoteSpec { text: text.to_owned() });
    notes.create(&PostParams::default(), &text("one")).await.expect("a note is created");
    let written = |text: &'static str| {
        move |note: Option<&Note>| note.and_then(|note| note.status.as_ref()?.written.as_deref()) == Some(text)
    };
    let note = await_condition(notes.clone(), "first", written("one")).await.expect("a condition").expect("a note");
    lines.push(format!("controller: finalizers {:?}, generation {:?}", note.finalizers(), note.metadata.generation));
    notes
        .patch("first", &PatchParams::default(), &Patch::Merge(json!({"spec": {"text": "two"}})))
        .await
        .expect("a patch");
    await_condition(notes.clone(), "first", written("two")).await.expect("a condition");
    let owned = maps.get("of-first").await.expect("the note's map");
    let owner = &owned.owner_references()[0];
    lines.push(format!("controller: owned map says {}, owner {} {}", round(&owned), owner.kind, owner.name));
    let uid = owned.uid().expect("a uid");
    maps.delete("of-first", &DeleteParams::default()).await.expect("a deletion");
    let again = move |map: Option<&ConfigMap>| map.is_some_and(|map| map.uid().is_some_and(|now| now != uid));
    await_condition(maps.clone(), "of-first", again).await.expect("a condition");
    lines.push("controller: the deleted map came back".to_owned());
    let uid = note.uid().expect("a uid");
    notes.delete("first", &DeleteParams::default()).await.expect("a deletion");
    await_condition(notes.clone(), "first", conditions::is_deleted(&uid)).await.expect("a condition");
    let left = maps.get_opt("of-first").await.expect("an answer");
    lines.push(format!("controller: note gone, map left: {}", left.is_some()));
    driver.abort();
    definitions.delete(&name, &DeleteParams::default()).await.expect("the definition is deleted");
    lines
}

/// Two holders of one Lease: the second is told whose it is, and takes it by force.
async fn leases(client: &Client, namespace: &str) -> Vec<String> {
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    let take = |holder: &'static str, force: bool| {
        let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "turn"},
            "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}});
        let mut params = PatchParams::apply(holder);
        params.force = force;
        let leases = leases.clone();
        async move { leases.patch("turn", &params, &Patch::Apply(&lease)).await }
    };
    take("ada", false).await.expect("nobody holds it");
    let refused = match take("bob", false).await.expect_err("ada holds it") {
        kube::Error::Api(status) => format!("{} {}: {}", status.code, status.reason, status.message),
        other => panic!("{other}"),
    };
    let lease = take("bob", true).await.expect("by force");
    let managers: BTreeMap<_, _> = lease
        .managed_fields()
        .iter()
        .map(|entry| (entry.manager.clone().unwrap_or_default(), entry.operation.clone().unwrap_or_default()))
        .collect();
    vec![
        format!("lease: {refused}"),
        format!("lease: held by {:?}, managers {managers:?}", lease.spec.and_then(|spec| spec.holder_identity)),
    ]
}

/// What a session tells on the simulator, in virtual time.
async fn simulated() -> Vec<String> {
    let start = "2026-01-01T00:00:00Z".parse().expect("a time");
    let server =
        ApiServer::new(kubesim::Options { clock: Clock::tokio(start), bootstrap: true, ..kubesim::Options::default() });
    let actors = tokio::spawn(Actors::all(&server).run());
    let lines = Box::pin(session(Client::new(server.service(), "default"), "runtime")).await;
    actors.abort();
    lines
}

#[tokio::test(start_paused = true)]
async fn the_runtime_works_on_the_simulator() {
    let lines = Box::pin(simulated()).await;
    let told = lines.join("\n");
    for part in
        ["paged list: m-2 gone", "streamed list: m-1 at round 2", "the deleted map came back", "map left: false", "409"]
    {
        assert!(told.contains(part), "nothing of {part:?} in:\n{told}");
    }
}

#[tokio::test]
async fn the_runtime_is_told_the_same_by_a_real_server() {
    let Some(plane) = rig::or_skip(ControlPlane::start(Options::api()).await) else {
        return;
    };
    let real = Box::pin(session(plane.client().await.expect("a client"), "runtime")).await;
    let simulated = Box::pin(simulated()).await;
    assert_eq!(simulated.join("\n"), real.join("\n"));
}
