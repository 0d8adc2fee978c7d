//! A person at a shell: runs the built `ark` against a simulated cluster on a loopback socket, with folders of their own.

use std::path::Path;
use std::process::{Command, Output};

use kubesim::actors::Actors;
use kubesim::{ApiServer, Options};
use serde_json::Value;
use tempfile::TempDir;

use crate::tree::top;

/// A cluster on a socket, and the runtime that serves it.
pub(crate) struct Cluster {
    pub(crate) server: ApiServer,
    address: std::net::SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Cluster {
    /// A cluster with the objects of a bare one and no Ark; its controllers run when [`settle`](Self::settle) is called.
    pub(crate) fn start() -> Self {
        let server = ApiServer::new(Options { bootstrap: true, ..Options::default() });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("an address");
        let served = server.clone();
        runtime.spawn(async move { served.serve(listener).await });
        Self { server, address, _runtime: runtime }
    }

    /// Loads a manifest of the fixtures; its own definitions and namespaces stand in front of what needs them.
    pub(crate) fn load(&self, path: &str) {
        let text = std::fs::read_to_string(top().join(path)).expect("a manifest");
        for found in kubesim::manifest::parse(&text).expect("manifests") {
            for loaded in self.server.load(vec![found.object]) {
                loaded.expect("loaded");
            }
        }
    }

    /// Lets the controllers work until nothing is left to do.
    pub(crate) fn settle(&self) {
        Actors::all(&self.server).settle();
    }
}

/// The person.
pub(crate) struct Person {
    folder: TempDir,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Person {
    /// A person with empty folders and, where there is a cluster, a kubeconfig of it.
    pub(crate) fn new(cluster: Option<&Cluster>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        if let Some(cluster) = cluster {
            let config = kubesim::kubeconfig::kubeconfig(cluster.address);
            std::fs::write(folder.path().join("kubeconfig"), config).expect("written");
        }
        Self { folder }
    }

    /// Their folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs `ark` with a line of arguments; `{}` stands for their folder, `{fixtures}` for the recorded files.
    pub(crate) fn ark(&self, line: &str) -> Said {
        let fixtures = top().join("fixtures");
        let words = line.split_whitespace().map(|word| {
            word.replace("{fixtures}", &fixtures.display().to_string())
                .replace("{}", &self.folder().display().to_string())
        });
        let output: Output = Command::new(env!("CARGO_BIN_EXE_ark"))
            .args(words)
            .current_dir(self.folder())
            .env_clear()
            .env("HOME", self.folder())
            .env("KUBECONFIG", self.folder().join("kubeconfig"))
            .output()
            .expect("the built binary runs");
        Said {
            code: output.status.code().expect("no signal"),
            out: self.plain(&output.stdout),
            err: self.plain(&output.stderr),
        }
    }

    /// Output with what differs from run to run replaced: folders, ports, times and sizes.
    fn plain(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes);
        let folder = self.folder().canonicalize().expect("their folder");
        let text = text
            .replace(&folder.display().to_string(), "{}")
            .replace(&self.folder().display().to_string(), "{}")
            .replace(&top().join("fixtures").display().to_string(), "{fixtures}");
        let lines: Vec<String> = text.lines().map(plain_line).collect();
        if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" }
    }
}

fn plain_line(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let mut plain: Vec<String> = Vec::new();
    let mut index = 0;
    while index < words.len() {
        let number = words[index].parse::<f64>().is_ok();
        let unit = words.get(index + 1).map_or("", |unit| unit.trim_end_matches(['.', ',', ';']));
        if number && ["ms", "s", "B", "KiB", "MiB"].contains(&unit) {
            plain.push(format!("[..] {}", words[index + 1]));
            index += 2;
        } else {
            plain.push(words[index].to_owned());
            index += 1;
        }
    }
    plain.join(" ")
}

/// Objects of a cluster by `resource namespace/name`, without what changes by itself.
pub(crate) fn objects(
    server: &ApiServer,
    group: &str,
    version: &str,
    resource: &str,
    namespace: &str,
) -> Vec<(String, Value)> {
    let target = kubesim::Target::new(group, version, resource).in_namespace(namespace);
    let list = server.list(&target, &kubesim::ListOptions::default()).expect("listed");
    list.items.iter().map(|object| (object.name().to_owned(), object.value().clone())).collect()
}
