//! What a client may say beside the body, and connections beyond what the process can hold.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use kubesim::{ApiServer, Options, Target, WriteOptions};
use serde_json::{Value, json};

use super::{send, server};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

/// Patience with a server that must answer at once.
const PATIENCE: Duration = Duration::from_secs(20);

fn put(server: &ApiServer, path: &str, body: &Value) -> u16 {
    send(server, "PUT", path, "application/json", body.to_string().into_bytes()).0.as_u16()
}

#[test]
fn an_update_that_creates_says_so() {
    let server = server();
    let path = "/api/v1/namespaces/default/limitranges/small";
    let range = json!({"metadata": {"name": "small"}, "spec": {"limits": []}});
    assert_eq!(put(&server, path, &range), 201);
    assert_eq!(put(&server, path, &range), 200);
    let lease = json!({"metadata": {"name": "leader"}, "spec": {"holderIdentity": "a"}});
    let path = format!("{LEASES}/leader");
    assert_eq!(put(&server, &path, &lease), 201);
    assert_eq!(put(&server, &path, &lease), 422, "a lease is replaced by who says which one was seen");
    assert_eq!(put(&server, "/api/v1/namespaces/default/configmaps/a", &json!({"metadata": {"name": "a"}})), 404);
}

#[test]
fn the_name_of_a_writer_is_checked_by_both_mouths() {
    let server = server();
    let lease = json!({"metadata": {"name": "leader"}});
    for bad in ["x".repeat(129), "a\nb".to_owned()] {
        let options = WriteOptions { field_manager: Some(bad.clone()), ..WriteOptions::default() };
        let target = Target::new("coordination.k8s.io", "v1", "leases").in_namespace("default");
        let direct = server.create(&target, lease.clone(), &options).expect_err("a refusal");
        let path = format!("{LEASES}?fieldManager={}", bad.replace('\n', "%0A"));
        let (status, said) = send(&server, "POST", &path, "application/json", lease.to_string().into_bytes());
        assert_eq!((status.as_u16(), &said), (422, &direct.to_value()));
        assert_eq!(said["details"]["causes"][0]["field"], "fieldManager");
    }
}

#[test]
fn both_mouths_miss_the_same_things() {
    let server = ApiServer::new(Options::default());
    let definition = json!({"metadata": {"name": "things.example.com"}, "spec": {
        "group": "example.com", "scope": "Cluster", "names": {"plural": "things", "kind": "Thing"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
    }});
    let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let (created, _) = send(&server, "POST", definitions, "application/json", definition.to_string().into_bytes());
    assert_eq!(created, 201);
    for (group, resource, page) in [("example.com", "nothings", true), ("apps", "nothings", false)] {
        let missed = server.get(&Target::new(group, "v1", resource).named("a")).expect_err("not served");
        assert_eq!((missed.code, missed.is_plain_404()), (404, page), "{group}");
    }
}

/// The server of a process that may open few files.
fn with_files(limit: u32) -> (std::process::Child, String) {
    let program = env!("CARGO_BIN_EXE_kubesim");
    let mut child = Command::new("sh")
        .args(["-c", &format!("ulimit -n {limit}; exec \"$0\" serve --bare --listen 127.0.0.1:0"), program])
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("serving on http://").expect("an address").to_owned();
    (child, address)
}

fn asked(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn a_server_without_a_descriptor_left_waits_for_one() {
    let (mut child, address) = with_files(40);
    let many: Vec<_> = (0..80).map(|_| TcpStream::connect(&address).expect("the listener's queue takes it")).collect();
    drop(many);
    let version = asked(&address, "GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    // A length that is only announced is refused before anything comes.
    let long =
        "POST /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n";
    let long = asked(&address, long);
    child.kill().expect("it runs until now");
    child.wait().expect("it ends");
    assert!(version.starts_with("HTTP/1.1 200"), "{version}");
    assert!(long.starts_with("HTTP/1.1 413"), "{long}");
}
