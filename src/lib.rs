//! Backup and restore for Kubernetes.
