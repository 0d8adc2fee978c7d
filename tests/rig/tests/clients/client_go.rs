//! client-go: a small Go program with a shared informer, applies and a leader election, on the simulator and on a real API server.
//!
//! The program is `tools/client-go`; it tells what it saw in lines that do not depend on timing.

use std::path::PathBuf;
use std::process::Command;

use rig::{ControlPlane, Options, Tool};

use crate::simulator::Simulator;

/// What the program told; it must have seen everything.
async fn told(kubeconfig: PathBuf) -> String {
    let run = move || Command::new(rig::program(Tool::ClientGo)).arg(kubeconfig).arg("client-go").output();
    let output = tokio::task::spawn_blocking(run).await.expect("no panic").expect("the program is built");
    assert!(output.status.success(), "client-go: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn client_go_is_told_the_same_by_a_real_server() {
    let built = tokio::task::spawn_blocking(|| rig::build(&[Tool::ClientGo], |_| {})).await.expect("no panic");
    if rig::or_skip(built).is_none() {
        return;
    }
    let Some(plane) = rig::or_skip(ControlPlane::start(Options::api()).await) else {
        return;
    };
    let simulator = Simulator::start().await;
    let simulated = told(simulator.kubeconfig()).await;
    assert!(simulated.contains("held by second"), "{simulated}");
    assert_eq!(simulated, told(plane.kubeconfig().to_owned()).await);
}
