//! What a caller of the server can rely on, checked through its public interface.

mod applies;
mod definitions;
mod deletes;
mod kinds;
mod limits;
mod lists;
mod quotas;
mod schemas;
mod watches;
mod writes;

use kubesim::{ApiServer, ListOptions, Object, Options, Status, Target, WriteOptions};
use serde_json::{Value, json};

/// A server with only its namespaces.
fn server() -> ApiServer {
    ApiServer::new(Options::default())
}

fn config_maps() -> Target {
    Target::new("", "v1", "configmaps").in_namespace("default")
}

fn namespaces() -> Target {
    Target::new("", "v1", "namespaces")
}

fn create(server: &ApiServer, target: &Target, body: Value) -> Result<Object, Status> {
    server.create(target, body, &WriteOptions::default())
}

fn config_map(server: &ApiServer, name: &str) -> Object {
    let body = json!({"metadata": {"name": name}, "data": {"a": "1"}});
    create(server, &config_maps(), body).expect("a config map")
}

fn names(server: &ApiServer, target: &Target, options: &ListOptions) -> Vec<String> {
    let list = server.list(target, options).expect("a list");
    list.items.iter().map(|object| object.name().to_owned()).collect()
}

/// The parts of a refusal that clients look at.
fn refusal<T: std::fmt::Debug>(result: Result<T, Status>) -> (u16, String) {
    let status = result.expect_err("a refusal");
    (status.code, status.reason)
}
