//! A control plane: etcd and kube-apiserver, and as far as asked for the controllers, the scheduler and a node.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Request;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::error::RigError;
use crate::folder::Folder;
use crate::pki::{self, Authority};
use crate::process::Process;
use crate::tools::{self, Tool};

/// How often a program is asked whether it is there, and how long is waited between: some minutes on a slow machine.
const ASKED: usize = 900;
const POLL: Duration = Duration::from_millis(100);

/// How often a start is tried: another program may take a port between its choice and its use.
const ATTEMPTS: usize = 3;

/// The range of service addresses.
const SERVICES: &str = "10.96.0.0/16";

/// Which controllers run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Controllers {
    /// None: the API server alone stores and checks.
    #[default]
    None,
    /// Those with these names, as `namespace-controller`.
    Only(Vec<String>),
    /// All that need no cloud.
    All,
}

/// What a control plane has beyond etcd and the API server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The controllers.
    pub controllers: Controllers,
    /// Whether there is a scheduler and a node on which pods run and `exec` answers.
    pub node: bool,
}

impl Options {
    /// Everything: what people call a cluster.
    pub fn full() -> Self {
        Self { controllers: Controllers::All, node: true }
    }

    /// The API server, and the two controllers without which nothing that was deleted goes.
    pub fn api() -> Self {
        let names = ["namespace-controller", "garbage-collector-controller"];
        Self { controllers: Controllers::Only(names.map(str::to_owned).to_vec()), node: false }
    }
}

/// A running control plane; it stops when it is dropped.
#[derive(Debug)]
pub struct ControlPlane {
    // Dropped in this order: who asks first, who is asked last, the folder at the end.
    others: Vec<Process>,
    api_server: Process,
    _etcd: Process,
    api_arguments: Vec<String>,
    kubeconfig: PathBuf,
    folder: Folder,
}

impl ControlPlane {
    /// Builds what is missing, starts everything and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`RigError::NotAvailable`] where it would have to be built and there is no Go.
    pub async fn start(options: Options) -> Result<Self, RigError> {
        let mut needed = vec![Tool::Etcd, Tool::ApiServer];
        if options.controllers != Controllers::None {
            needed.push(Tool::ControllerManager);
        }
        if options.node {
            needed.extend([Tool::Scheduler, Tool::Kwok]);
        }
        tokio::task::spawn_blocking(move || tools::build(&needed, |_| {})).await.expect("building does not panic")?;
        // Two providers may be compiled in, and then somebody has to choose.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut attempt = 1;
        loop {
            match Self::once(&options).await {
                Err(RigError::Start { log, .. }) if attempt < ATTEMPTS && log.contains("address already in use") => {
                    attempt += 1;
                }
                started => return started,
            }
        }
    }

    async fn once(options: &Options) -> Result<Self, RigError> {
        let folder = Folder::new()?;
        let [etcd_port, peer_port, api_port, kwok_port, manager_port, scheduler_port] = free_ports()?;
        let authority = Authority::new()?;
        folder.write("ca.crt", &authority.pair.certificate)?;
        folder.write("ca.key", &authority.pair.key)?;
        let (private, public) = pki::signing_key()?;
        folder.write("accounts.key", &private)?;
        folder.write("accounts.pub", &public)?;
        for (name, user, group) in [
            ("server", "kube-apiserver", None),
            ("admin", "admin", Some("system:masters")),
            ("proxy", "front-proxy", None),
        ] {
            let pair = authority.sign(user, group)?;
            folder.write(&format!("{name}.crt"), &pair.certificate)?;
            folder.write(&format!("{name}.key"), &pair.key)?;
        }
        let kubeconfig = folder.write("kubeconfig", &kubeconfig(&folder, api_port))?;

        let etcd_url = format!("http://127.0.0.1:{etcd_port}");
        let peer_url = format!("http://127.0.0.1:{peer_port}");
        let etcd = [
            ("data-dir", path(&folder, "etcd")),
            ("listen-client-urls", etcd_url.clone()),
            ("advertise-client-urls", etcd_url.clone()),
            ("listen-peer-urls", peer_url.clone()),
            ("initial-advertise-peer-urls", peer_url.clone()),
            ("initial-cluster", format!("default={peer_url}")),
            ("quota-backend-bytes", (4_u64 << 30).to_string()),
            ("log-level", "warn".to_owned()),
            // The data need not survive the machine.
            ("unsafe-no-fsync", "true".to_owned()),
        ];
        let etcd = Process::start(&folder, "etcd", &tools::program(Tool::Etcd), &flags(&etcd), &[])?;
        let service_accounts = options.controllers == Controllers::All;
        let api_arguments = flags(&api_server(&folder, &etcd_url, api_port, service_accounts));
        let api_server =
            Process::start(&folder, "kube-apiserver", &tools::program(Tool::ApiServer), &api_arguments, &[])?;
        let mut plane = Self { others: Vec::new(), api_server, _etcd: etcd, api_arguments, kubeconfig, folder };
        plane.wait_ready().await?;
        plane.start_controllers(&options.controllers, manager_port)?;
        if options.node {
            plane.start_node(scheduler_port, kwok_port).await?;
        }
        plane.settle(options).await?;
        Ok(plane)
    }

    fn start_controllers(&mut self, controllers: &Controllers, port: u16) -> Result<(), RigError> {
        let names = match controllers {
            Controllers::None => return Ok(()),
            Controllers::Only(names) => names.join(","),
            // There is no cloud that would give node addresses or attach disks.
            Controllers::All => "*,-node-ipam-controller,-persistentvolume-attach-detach-controller".to_owned(),
        };
        let folder = &self.folder;
        let arguments = [
            ("kubeconfig", path(folder, "kubeconfig")),
            ("controllers", names),
            ("leader-elect", "false".to_owned()),
            ("service-account-private-key-file", path(folder, "accounts.key")),
            ("root-ca-file", path(folder, "ca.crt")),
            ("cluster-signing-cert-file", path(folder, "ca.crt")),
            ("cluster-signing-key-file", path(folder, "ca.key")),
            ("secure-port", port.to_string()),
        ];
        let program = tools::program(Tool::ControllerManager);
        self.others.push(Process::start(folder, "kube-controller-manager", &program, &flags(&arguments), &[])?);
        Ok(())
    }

    async fn start_node(&mut self, scheduler_port: u16, kwok_port: u16) -> Result<(), RigError> {
        let folder = &self.folder;
        let arguments = [
            ("kubeconfig", path(folder, "kubeconfig")),
            ("leader-elect", "false".to_owned()),
            ("secure-port", scheduler_port.to_string()),
        ];
        let program = tools::program(Tool::Scheduler);
        let scheduler = Process::start(folder, "kube-scheduler", &program, &flags(&arguments), &[])?;
        let stages = std::fs::read_to_string(tools::stage_file())
            .map_err(RigError::io(format!("reading {}", tools::stage_file().display())))?;
        // `exec` runs the command on this machine.
        let local = "apiVersion: kwok.x-k8s.io/v1alpha1\nkind: ClusterExec\nmetadata: {name: local}\nspec: {execs: [{local: {}}]}\n";
        folder.write("kwok.yaml", &format!("{stages}\n---\n{local}"))?;
        let arguments = [
            ("kubeconfig", path(folder, "kubeconfig")),
            ("manage-all-nodes", "true".to_owned()),
            ("config", path(folder, "kwok.yaml")),
            ("node-ip", "127.0.0.1".to_owned()),
            ("node-port", kwok_port.to_string()),
            ("server-address", format!("127.0.0.1:{kwok_port}")),
            ("tls-cert-file", path(folder, "server.crt")),
            ("tls-private-key-file", path(folder, "server.key")),
        ];
        let kwok = Process::start(folder, "kwok", &tools::program(Tool::Kwok), &flags(&arguments), &[])?;
        self.others.extend([scheduler, kwok]);
        let room = json!({"cpu": "64", "memory": "512Gi", "pods": "1000"});
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1", "labels": {
            "kubernetes.io/hostname": "node-1", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        }}, "status": {"capacity": room, "allocatable": room}});
        let request = Request::post("/api/v1/nodes")
            .header("content-type", "application/json")
            .body(node.to_string().into_bytes())
            .expect("a request of constants");
        self.client().await?.request::<Value>(request).await.map_err(|error| self.client_error(&error))?;
        Ok(())
    }

    /// Waits for what the controllers make of a fresh cluster.
    async fn settle(&mut self, options: &Options) -> Result<(), RigError> {
        if options.controllers == Controllers::All {
            self.wait_for("/api/v1/namespaces/default/serviceaccounts/default", "the default service account", |_| {
                true
            })
            .await?;
        }
        if options.node {
            self.wait_for("/api/v1/nodes/node-1", "a node that is ready", |node| {
                let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
                let ready = conditions
                    .into_iter()
                    .flatten()
                    .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
                // The taint goes a moment after the condition comes.
                ready && node.pointer("/spec/taints").is_none()
            })
            .await?;
        }
        Ok(())
    }

    async fn wait_for(&mut self, url: &str, what: &str, done: impl Fn(&Value) -> bool) -> Result<(), RigError> {
        let client = self.client().await?;
        for _ in 0..ASKED {
            let request = Request::get(url).body(Vec::new()).expect("a request of constants");
            if client.request::<Value>(request).await.is_ok_and(|answer| done(&answer)) {
                return Ok(());
            }
            sleep(POLL).await;
        }
        let asked = self.others.last().unwrap_or(&self.api_server);
        Err(asked.failed(&format!("{what} did not come")))
    }

    /// Waits until the API server says that it is ready.
    async fn wait_ready(&mut self) -> Result<(), RigError> {
        let client = self.client().await?;
        for _ in 0..ASKED {
            let request = Request::get("/readyz").body(Vec::new()).expect("a request of constants");
            if client.request_text(request).await.is_ok() {
                return Ok(());
            }
            if !self.api_server.is_running() {
                return Err(self.api_server.failed("it ended"));
            }
            sleep(POLL).await;
        }
        Err(self.api_server.failed("it never said that it is ready"))
    }

    /// The kubeconfig of an administrator.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A client of an administrator. It repeats nothing by itself.
    pub async fn client(&self) -> Result<Client, RigError> {
        client(&self.kubeconfig).await
    }

    fn client_error(&self, error: &kube::Error) -> RigError {
        RigError::Client { path: self.kubeconfig.clone(), reason: error.to_string() }
    }

    /// The process id of the API server.
    pub fn api_server_id(&self) -> u32 {
        self.api_server.id()
    }

    /// Kills the API server at once, as a crash does. What was written stays in etcd.
    pub fn kill_api_server(&mut self) {
        self.api_server.kill();
    }

    /// Starts a killed API server again, at the same address with the same data, and waits until it is ready.
    pub async fn restart_api_server(&mut self) -> Result<(), RigError> {
        self.api_server.kill();
        let program = tools::program(Tool::ApiServer);
        self.api_server = Process::start(&self.folder, "kube-apiserver", &program, &self.api_arguments, &[])?;
        self.wait_ready().await
    }
}

/// A client of what a kubeconfig leads to.
pub(crate) async fn client(kubeconfig: &Path) -> Result<Client, RigError> {
    let failed = |reason: String| RigError::Client { path: kubeconfig.to_owned(), reason };
    let config = Kubeconfig::read_from(kubeconfig).map_err(|error| failed(error.to_string()))?;
    let mut config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default())
        .await
        .map_err(|error| failed(error.to_string()))?;
    config.default_retry = false;
    Client::try_from(config).map_err(|error| failed(error.to_string()))
}

/// Ports that nobody listens on now, all different.
fn free_ports<const N: usize>() -> Result<[u16; N], RigError> {
    let io = || RigError::io("looking for a free port");
    let listeners: Vec<_> = (0..N).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<_, _>>().map_err(io())?;
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        *port = listener.local_addr().map_err(io())?.port();
    }
    Ok(ports)
}

fn flags(pairs: &[(&str, String)]) -> Vec<String> {
    pairs.iter().map(|(name, value)| format!("--{name}={value}")).collect()
}

fn path(folder: &Folder, name: &str) -> String {
    folder.file(name).display().to_string()
}

fn api_server(folder: &Folder, etcd: &str, port: u16, service_accounts: bool) -> Vec<(&'static str, String)> {
    let file = |name: &str| path(folder, name);
    let text = str::to_owned;
    let mut arguments = vec![
        ("etcd-servers", text(etcd)),
        ("secure-port", port.to_string()),
        ("bind-address", text("127.0.0.1")),
        ("advertise-address", text("127.0.0.1")),
        ("endpoint-reconciler-type", text("none")),
        // Otherwise the server itself writes the statuses of flow schemas, whenever it finds the time.
        ("enable-priority-and-fairness", text("false")),
        ("tls-cert-file", file("server.crt")),
        ("tls-private-key-file", file("server.key")),
        ("client-ca-file", file("ca.crt")),
        ("service-account-key-file", file("accounts.pub")),
        ("service-account-signing-key-file", file("accounts.key")),
        ("service-account-issuer", text("https://kubernetes.default.svc")),
        ("service-cluster-ip-range", text(SERVICES)),
        ("authorization-mode", text("Node,RBAC")),
        ("allow-privileged", text("true")),
        ("kubelet-client-certificate", file("admin.crt")),
        ("kubelet-client-key", file("admin.key")),
        ("requestheader-client-ca-file", file("ca.crt")),
        ("requestheader-allowed-names", text("front-proxy")),
        ("requestheader-username-headers", text("X-Remote-User")),
        ("requestheader-group-headers", text("X-Remote-Group")),
        ("requestheader-extra-headers-prefix", text("X-Remote-Extra-")),
        ("proxy-client-cert-file", file("proxy.crt")),
        ("proxy-client-key-file", file("proxy.key")),
    ];
    if !service_accounts {
        // Nobody makes the accounts that its pods would need.
        arguments.push(("disable-admission-plugins", text("ServiceAccount")));
    }
    arguments
}

fn kubeconfig(folder: &Folder, port: u16) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: rig\n\
         clusters: [{{name: rig, cluster: {{server: 'https://127.0.0.1:{port}', certificate-authority: '{}'}}}}]\n\
         users: [{{name: admin, user: {{client-certificate: '{}', client-key: '{}'}}}}]\n\
         contexts: [{{name: rig, context: {{cluster: rig, user: admin, namespace: default}}}}]\n",
        path(folder, "ca.crt"),
        path(folder, "admin.crt"),
        path(folder, "admin.key"),
    )
}
