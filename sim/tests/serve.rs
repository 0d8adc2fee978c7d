//! The `kubesim` command: what it prints, how it ends, and what it refuses.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder of this test, empty at first.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("an old folder goes");
    }
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("written");
    path.to_str().expect("text").to_owned()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubesim"));
    command.args(["serve", "--listen", "127.0.0.1:0"]).args(arguments);
    command
}

/// Runs to the end: for calls that are refused.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let Output { status, stderr, stdout } = command(arguments).output().expect("it runs");
    assert!(stdout.is_empty(), "nothing is announced");
    (status.code(), String::from_utf8(stderr).expect("text"))
}

/// A server that ends with the test.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdout(Stdio::piped()).spawn().expect("it runs");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("piped");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let url = line.trim().strip_prefix("serving on ").expect("an address").to_owned();
        Self { child, url }
    }

    fn terminate(mut self) -> Option<i32> {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &pid]).status().expect("kill runs");
        assert!(sent.success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

const WIDGETS: &str = "\
apiVersion: shop.example.com/v1
kind: Widget
metadata: {name: w, namespace: shop}
spec: {size: 3}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.shop.example.com}
spec:
  group: shop.example.com
  scope: Namespaced
  names: {plural: widgets, kind: Widget}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
";

#[test]
fn it_serves_what_it_loaded_and_ends_on_a_signal() {
    let folder = folder("serves");
    let manifest = file(&folder, "widgets.yaml", WIDGETS);
    let kubeconfig = folder.join("kubeconfig").to_str().expect("text").to_owned();
    let arguments = ["--load", &manifest, "--write-kubeconfig", &kubeconfig];
    let served = Served::start(&arguments);
    let written = fs::read_to_string(&kubeconfig).expect("a kubeconfig");
    assert!(written.contains(&format!("server: {}", served.url)), "{written}");
    assert_eq!(served.terminate(), Some(0));
    // Its own file may be written again.
    assert_eq!(Served::start(&arguments).terminate(), Some(0));
}

/// The status line of a GET by whoever has this token.
fn status(url: &str, path: &str, token: &str) -> String {
    let address = url.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(address).expect("a connection");
    let token = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n{token}Connection: close\r\n\r\n").expect("sent");
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a line");
    line.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn tokens_and_roles_are_a_matter_of_flags() {
    let pods = "/api/v1/pods";
    let served = Served::start(&["--token", "s=jane:system:masters", "--token", "t=joe:a,b", "--rbac", "--anonymous"]);
    let code = |token: &str| status(&served.url, pods, token);
    assert_eq!(["s", "t", "other", ""].map(code), ["200", "403", "401", "403"]);
    let open = Served::start(&["--token", "t=joe"]);
    assert_eq!(["t", ""].map(|token| status(&open.url, pods, token)), ["200", "200"]);
    for wrong in ["t", "=joe", "t=", "a b=joe"] {
        assert_eq!(refused(&["--token", wrong]).0, Some(2), "{wrong}");
    }
}

#[test]
fn objects_that_cannot_be_created_are_named() {
    let folder = folder("unknown");
    let manifest = file(
        &folder,
        "things.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fine}\n---\n\
         apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\n---\n\
         apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Not_Fine}\n",
    );
    let (code, message) = refused(&["--load", &manifest]);
    assert_eq!(code, Some(1), "{message}");
    assert!(message.contains("things.yaml document 2") && message.contains("Thing"), "{message}");
    assert!(message.contains("things.yaml document 3") && message.contains("Not_Fine"), "{message}");
}

#[test]
fn wrong_input_is_refused() {
    let folder = folder("wrong");
    let broken = file(&folder, "broken.yaml", "apiVersion: v1\nkind: ConfigMap\n---\na: [\n");
    let (code, message) = refused(&["--load", &broken]);
    assert_eq!(code, Some(2));
    assert!(message.contains("broken.yaml") && message.contains("document 2"), "{message}");

    let absent = folder.join("absent.yaml").to_str().expect("text").to_owned();
    assert_eq!(refused(&["--load", &absent]).0, Some(2));

    let own = file(&folder, "kubeconfig", "apiVersion: v1\nkind: Config\nusers: []\n");
    let (code, message) = refused(&["--write-kubeconfig", &own]);
    assert_eq!(code, Some(2));
    assert!(message.contains("was not written by kubesim"), "{message}");
    assert!(fs::read_to_string(&own).expect("still there").contains("users: []"));

    assert_eq!(refused(&["--seed", "banana"]).0, Some(2));
}

/// Runs only where there is a `kubectl`; elsewhere it says so.
#[test]
fn kubectl_works() {
    if Command::new("kubectl").args(["version", "--client"]).output().is_err() {
        println!("skipped: there is no kubectl here");
        return;
    }
    let folder = folder("kubectl");
    let manifest = file(&folder, "widgets.yaml", WIDGETS);
    let pod = file(
        &folder,
        "pod.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: x}]}\n",
    );
    let served = Served::start(&["--load", &manifest]);
    let kubectl = |arguments: &[&str]| {
        let output = Command::new("kubectl")
            .args(["--server", &served.url, "--kubeconfig", "", "--cache-dir"])
            .arg(folder.join("cache"))
            .args(arguments)
            .output()
            .expect("kubectl runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    for (arguments, expected) in [
        (&["create", "-f", &pod][..], "pod/p created"),
        (&["wait", "--for=condition=Ready", "pod/p", "--timeout=60s"], "condition met"),
        (&["get", "pods", "-o", "wide"], "1/1     Running"),
        (&["get", "pod", "p", "-o", "yaml"], "nodeName: node-1"),
        (&["describe", "pod", "p"], "Node:"),
        (&["exec", "p", "--", "echo", "hello"], "hello"),
        (&["logs", "p"], ""),
        (&["get", "widgets", "-A"], "shop        w"),
        (&["get", "all", "-A"], "service/kubernetes"),
        (&["api-resources"], "shop.example.com/v1"),
        (&["explain", "widgets"], "Widget"),
        (&["create", "quota", "q", "--hard=pods=10"], "resourcequota/q created"),
        (&["create", "priorityclass", "high", "--value=7"], "priorityclass.scheduling.k8s.io/high created"),
        (&["create", "cronjob", "nightly", "--image=x", "--schedule=0 3 * * *"], "cronjob.batch/nightly created"),
        (&["create", "token", "default"], "."),
        (&["create", "namespace", "extra"], "namespace/extra created"),
        (&["delete", "pod", "p"], "deleted"),
        (&["delete", "namespace", "extra"], "deleted"),
    ] {
        let (code, out, err) = kubectl(arguments);
        assert_eq!(code, Some(0), "kubectl {arguments:?}: {out}{err}");
        assert!(out.contains(expected), "kubectl {arguments:?}: {out}{err}");
    }
    let (code, _, err) = kubectl(&["exec", "no-such-pod", "--", "true"]);
    assert_eq!(code, Some(1), "{err}");
}
