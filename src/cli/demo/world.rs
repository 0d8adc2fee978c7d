//! The world of a demo: the built-in one, or a person's own manifests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use kubesim::manifest;
use kubesim::{ApiServer, LoadError, Target};
use serde_json::{Value, json};

use super::picture::Key;
use crate::cli::error::CliError;
use crate::object::GroupResource;

/// The built-in world and the custom resources of its definition.
const BUILT_IN: [(&str, &str); 2] = [
    ("world.yaml", include_str!("../../../fixtures/world/world.yaml")),
    ("widgets.yaml", include_str!("../../../fixtures/world/widgets.yaml")),
];

/// Longest manifest that is read, in bytes.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A world that was loaded.
#[derive(Debug)]
pub(crate) struct World {
    /// What it is called in the narrative.
    pub(crate) title: String,
    /// The objects that were loaded.
    pub(crate) objects: BTreeSet<Key>,
    /// The namespaces that its objects lie in, in the order of the files.
    pub(crate) namespaces: Vec<String>,
}

/// A file of manifests.
struct File {
    name: String,
    text: String,
}

/// Loads files, or the built-in world where there are none.
pub(crate) fn load(server: &ApiServer, files: &[PathBuf]) -> Result<World, CliError> {
    let mut world = World { title: String::new(), objects: BTreeSet::new(), namespaces: Vec::new() };
    if files.is_empty() {
        "the built-in world".clone_into(&mut world.title);
        let built_in = BUILT_IN.map(|(name, text)| File { name: name.to_owned(), text: text.to_owned() });
        load_files(server, &built_in, &mut world)?;
        finish_built_in(server, &mut world)?;
        return Ok(world);
    }
    let read = files.iter().map(|path| read(path)).collect::<Result<Vec<File>, CliError>>()?;
    world.title = read.iter().map(|file| file.name.as_str()).collect::<Vec<_>>().join(", ");
    load_files(server, &read, &mut world)?;
    Ok(world)
}

fn read(path: &Path) -> Result<File, CliError> {
    let name = path.display().to_string();
    let failed = |error: std::io::Error| CliError::usage(format!("{name}: {error}"));
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > FILE_BYTES_MAX {
        return Err(CliError::usage(format!("{name} is longer than {FILE_BYTES_MAX} bytes")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(File { name, text })
}

/// Creates the objects in the order of the files, after definitions and namespaces, which the others need.
fn load_files(server: &ApiServer, files: &[File], world: &mut World) -> Result<(), CliError> {
    let mut wrong = Vec::new();
    let mut all = Vec::new();
    for file in files {
        match manifest::parse(&file.text) {
            Ok(found) => all.extend(found.into_iter().map(|found| (file.name.as_str(), found))),
            Err(error) => wrong.push(format!("{}: {error}", file.name)),
        }
    }
    all.sort_by_key(|(_, found)| match found.object["kind"].as_str() {
        Some("CustomResourceDefinition") => 0,
        Some("Namespace") => 1,
        _ => 2,
    });
    for (file, found) in all {
        if let Err(error) = load_one(server, &found.object, world) {
            wrong.push(format!("{file}, document {}: {error}", found.document));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    let mut error = CliError::failed(format!(
        "the world cannot be loaded: {}",
        if let [one] = wrong.as_slice() { one.clone() } else { format!("\n  {}", wrong.join("\n  ")) }
    ));
    if wrong.iter().any(|line| line.contains("no kind ")) {
        error = error.hint("add the CustomResourceDefinition of an unknown kind to the files");
    }
    Err(error)
}

fn load_one(server: &ApiServer, object: &Value, world: &mut World) -> Result<(), LoadError> {
    for loaded in server.load(vec![object.clone()]) {
        let loaded = loaded?;
        let target = server.target_of(loaded.value()).expect("what was created has a served kind");
        let namespace = loaded.namespace().map(ToOwned::to_owned);
        let space = if loaded.kind() == "Namespace" { Some(loaded.name().to_owned()) } else { namespace.clone() };
        if let Some(space) = space.filter(|space| !world.namespaces.contains(space)) {
            world.namespaces.push(space);
        }
        let resource = GroupResource::new(target.group, target.resource);
        world.objects.insert(Key { resource, namespace, name: loaded.name().to_owned() });
    }
    Ok(())
}

/// What the files of the built-in world cannot say: a status, and an owner by its uid.
fn finish_built_in(server: &ApiServer, world: &mut World) -> Result<(), CliError> {
    let unfinished = |error: &dyn std::fmt::Display| CliError::failed(format!("the built-in world is broken: {error}"));
    let big = Target::new("shop.example.com", "v1", "widgets").in_namespace("shop").named("big");
    let status = json!({"status": {"phase": "Ready", "observedGeneration": 1}});
    let widget = server
        .patch(&big.clone().sub("status"), &kubesim::Patch::Merge(status), &kubesim::WriteOptions::default())
        .map_err(|status| unfinished(&status))?;
    let settings = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": "big-settings",
            "namespace": "shop",
            "ownerReferences": [{
                "apiVersion": "shop.example.com/v1",
                "kind": "Widget",
                "name": "big",
                "uid": widget.uid(),
            }],
        },
        "data": {"size": "42"},
    });
    load_one(server, &settings, world).map_err(|error| unfinished(&error))
}
