//! Real systems for the tests: a Kubernetes control plane and a MinIO, built from source and started on this machine.
