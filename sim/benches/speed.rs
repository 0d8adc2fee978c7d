//! How long the calls of the simulator take, printed: each kind of write, and pages of few and of many objects beside each other.
//!
//! `cargo bench -p kubesim`; with `-- --test` everything runs once with few objects.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a benchmark reads the machine's clock and prints"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use kubesim::{ApiServer, ListOptions, Options, Patch, Target, WriteOptions};
use serde_json::{Value, json};

fn config_maps() -> Target {
    Target::new("", "v1", "configmaps").in_namespace("default")
}

fn config_map(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": format!("c-{number:06}"), "labels": {"app": format!("app-{}", number % 10)}},
        "data": {"settings": "key = value\n".repeat(40)},
    })
}

fn pod(number: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("p-{number:06}"), "labels": {"app": "web"}},
        "spec": {
            "containers": [{
                "name": "main", "image": "nginx:1", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                "resources": {"requests": {"cpu": "100m"}}, "ports": [{"containerPort": 80}],
                "volumeMounts": [{"name": "data", "mountPath": "/data"}],
            }],
            "volumes": [{"name": "data", "emptyDir": {}}],
        },
    })
}

/// Runs a call `count` times and prints what one took.
fn timed(name: &str, count: usize, mut call: impl FnMut(usize)) -> Duration {
    let start = Instant::now();
    for number in 0..count {
        call(number);
    }
    let each = start.elapsed() / u32::try_from(count).expect("a small number");
    println!("{name:<40} {each:>12.2?}");
    each
}

fn options() -> WriteOptions {
    WriteOptions { field_manager: Some("speed".to_owned()), ..WriteOptions::default() }
}

/// The quickest of a few first pages of 500.
fn page(server: &ApiServer) -> Duration {
    let options = ListOptions { limit: Some(500), ..ListOptions::default() };
    let time = |()| {
        let start = Instant::now();
        black_box(server.list(&config_maps(), &options).expect("a page"));
        start.elapsed()
    };
    (0..20).map(|_| time(())).min().expect("a few")
}

fn main() {
    // Cargo says so where it means to measure.
    let share = if std::env::args().any(|argument| argument == "--bench") { 1 } else { 100 };
    let server = ApiServer::new(Options::default());
    let options = options();
    let create = |number: usize| {
        server.create(&config_maps(), config_map(number), &options).expect("a config map");
    };
    timed("create config map", 1_000 / share, create);
    let small = page(&server);
    println!("{:<40} {small:>12.2?}", "page of 500 of 1,000");
    timed("create config map", 29_000 / share, |number| create(number + 1_000));
    let large = page(&server);
    println!("{:<40} {large:>12.2?}", "page of 500 of 30,000");
    let name = |number: usize| config_maps().named(&format!("c-{number:06}"));
    timed("get", 1_000 / share, |number| {
        black_box(server.get(&name(number)).expect("an object"));
    });
    timed("update config map", 1_000 / share, |number| {
        let mut body = config_map(number);
        body["data"]["more"] = "x".into();
        server.update(&name(number), body, &options).expect("an update");
    });
    timed("merge patch", 1_000 / share, |number| {
        let patch = Patch::Merge(json!({"data": {"more": "y"}}));
        server.patch(&name(number), &patch, &options).expect("a patch");
    });
    timed("apply", 1_000 / share, |number| {
        let mut config = config_map(number);
        config["data"] = json!({"applied": "z"});
        let options = WriteOptions { field_manager: Some("applier".to_owned()), ..WriteOptions::default() };
        server.patch(&name(number), &Patch::Apply(config), &options).expect("an apply");
    });
    let pods = Target::new("", "v1", "pods").in_namespace("default");
    timed("create pod", 1_000 / share, |number| {
        server.create(&pods, pod(number), &options).expect("a pod");
    });
    let bare = ApiServer::new(Options { admission: false, ..Options::default() });
    timed("create config map without admission", 10_000 / share, |number| {
        bare.create(&config_maps(), config_map(number), &options).expect("a config map");
    });
    println!("{:<40} {:>12.2}", "page of many, beside one of few", large.as_secs_f64() / small.as_secs_f64());
}
