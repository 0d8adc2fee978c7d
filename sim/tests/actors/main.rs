//! What the actors do, step by step, seen only through the direct mouth.

mod binding;
mod collecting;
mod daemons;
mod mirrors;
mod namespaces;
mod quotas;
mod running;
mod tokens;
mod workloads;

use kubesim::actors::{ActorKind, Actors, Settings};
use kubesim::{ApiServer, DeleteOptions, ListOptions, Object, Options, Patch, Propagation, Target, WriteOptions};
use serde_json::{Value, json};

/// A server with actors, and short ways to speak to it.
struct World {
    server: ApiServer,
    actors: Actors,
}

/// Where an object is: `v1/pods`, `apps/v1/deployments`.
fn target(resource: &str) -> Target {
    let parts: Vec<&str> = resource.split('/').collect();
    match parts[..] {
        [version, plural] => Target::new("", version, plural),
        [group, version, plural] => Target::new(group, version, plural),
        _ => panic!("{resource} is not group/version/plural"),
    }
}

impl World {
    fn new(kinds: &[ActorKind]) -> Self {
        let server = ApiServer::new(Options::default());
        let actors = Actors::only(&server, kinds);
        let world = Self { server, actors };
        world.create("v1/namespaces", "", json!({"metadata": {"name": "t"}}));
        world
    }

    fn all() -> Self {
        Self::new(&ActorKind::ALL)
    }

    fn provisioning() -> Self {
        let mut world = Self::all();
        world.actors = world.actors.clone().with(Settings { provisioner: true, ..Settings::default() });
        world
    }

    fn at(resource: &str, namespace: &str, name: &str) -> Target {
        let target = target(resource);
        let target = if namespace.is_empty() { target } else { target.in_namespace(namespace) };
        if name.is_empty() { target } else { target.named(name) }
    }

    fn create(&self, resource: &str, namespace: &str, mut body: Value) -> Object {
        let target = Self::at(resource, namespace, "");
        let def = self
            .server
            .resource(&target.group, &target.version, &target.resource)
            .unwrap_or_else(|| panic!("{resource} is not served"));
        body["kind"] = def.kind.clone().into();
        body["apiVersion"] = def.api_version().into();
        self.server
            .create(&target, body, &WriteOptions::default())
            .unwrap_or_else(|status| panic!("cannot create in {resource}: {status:?}"))
    }

    fn find(&self, resource: &str, namespace: &str, name: &str) -> Option<Object> {
        self.server.get(&Self::at(resource, namespace, name)).ok()
    }

    fn get(&self, resource: &str, namespace: &str, name: &str) -> Value {
        let found = self.find(resource, namespace, name);
        found.unwrap_or_else(|| panic!("no {resource} {namespace}/{name}")).value().clone()
    }

    fn list(&self, resource: &str, namespace: &str) -> Vec<Object> {
        let target = Self::at(resource, namespace, "");
        self.server.list(&target, &ListOptions::default()).expect("a served resource").items
    }

    fn patch(&self, resource: &str, namespace: &str, name: &str, patch: Value) -> Object {
        let target = Self::at(resource, namespace, name);
        self.server
            .patch(&target, &Patch::Merge(patch), &WriteOptions::default())
            .unwrap_or_else(|status| panic!("cannot patch {resource} {name}: {status:?}"))
    }

    fn delete(&self, resource: &str, namespace: &str, name: &str, propagation: Propagation) {
        let options = DeleteOptions { propagation: Some(propagation), ..DeleteOptions::default() };
        self.server
            .delete(&Self::at(resource, namespace, name), &options)
            .unwrap_or_else(|status| panic!("cannot delete {resource} {name}: {status:?}"));
    }

    fn settle(&mut self) {
        let steps = self.actors.settle();
        assert!(steps < 200, "the actors undo each other's writes");
    }

    fn condition(&self, resource: &str, namespace: &str, name: &str, kind: &str) -> Value {
        let object = self.get(resource, namespace, name);
        let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or(Value::Null)
    }
}

fn deployment(name: &str, replicas: u64, image: &str) -> Value {
    json!({
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "c", "image": image}]},
            },
        },
    })
}

fn pod(name: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}})
}

fn claim(name: &str, size: &str, class: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class,
            "resources": {"requests": {"storage": size}},
        },
    })
}

fn volume(name: &str, size: &str, class: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": size},
            "storageClassName": class,
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": "/data"},
        },
    })
}
