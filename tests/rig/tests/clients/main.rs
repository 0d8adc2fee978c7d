//! Clients that nobody of this project wrote, on the simulator and on a real API server: kube-rs `runtime`, client-go, kubectl.

mod client_go;
mod kube_runtime;
mod kubectl;
mod simulator;
