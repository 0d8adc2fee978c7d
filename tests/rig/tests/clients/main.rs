//! Clients that nobody of this project wrote, on the simulator and on a real API server: kube-rs `runtime`, client-go, kubectl.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test that compares says what it compared, or why it did not"
)]

mod client_go;
mod kube_runtime;
mod kubectl;
mod simulator;
