//! Commands in containers, over a WebSocket on an upgraded connection.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Client;
use kube::api::{Api, AttachParams};
use tokio::io::{AsyncRead, AsyncReadExt};

use super::http_io::{connection, failure};
use crate::cluster::request::{check_segment, exec_operation};
use crate::cluster::status::{StatusBody, StatusCause, StatusDetails};
use crate::cluster::{ClusterError, ClusterErrorKind, EXEC_OUTPUT_BYTES_MAX, ExecOutcome, ExecRequest};

/// Runs the command and waits for it within its time.
pub(super) async fn exec(client: &Client, request: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
    let operation = exec_operation(request);
    check_segment(&operation, "namespace", &request.namespace)?;
    check_segment(&operation, "pod", &request.pod)?;
    check_segment(&operation, "container", &request.container)?;
    match tokio::time::timeout(request.timeout, run(client, request, &operation)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(failure(
            &operation,
            ClusterErrorKind::Timeout,
            format!("timed out after {:?}; the process may still run", request.timeout),
        )),
    }
}

async fn run(client: &Client, request: &ExecRequest, operation: &str) -> Result<ExecOutcome, ClusterError> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), &request.namespace);
    let params = AttachParams {
        container: Some(request.container.clone()),
        stdin: false,
        stdout: true,
        stderr: true,
        ..AttachParams::default()
    };
    let mut process =
        pods.exec(&request.pod, &request.command, &params).await.map_err(|error| api_failure(operation, error))?;
    // The status first, then both outputs side by side to their ends: a pipe holds a kilobyte, and who reads only one
    // of them waits for ever (rust-stack §1.6).
    let status = process.take_status();
    let (stdout, stderr) = (process.stdout(), process.stderr());
    let status = async {
        match status {
            Some(status) => status.await,
            None => None,
        }
    };
    let (stdout, stderr, status) = tokio::join!(drain(stdout), drain(stderr), status);
    let Some(status) = status else {
        let message = "the connection ended before the process did";
        return Err(failure(operation, ClusterErrorKind::Connection, message));
    };
    Ok(ExecOutcome { exit_code: exit_code(operation, status)?, stdout, stderr })
}

/// Reads to the end and keeps the beginning. A broken pipe is an end: the status tells what happened.
async fn drain(output: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let Some(mut output) = output else { return Vec::new() };
    let mut kept = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        match output.read(&mut chunk).await {
            Ok(0) | Err(_) => return kept,
            Ok(length) => {
                let room = EXEC_OUTPUT_BYTES_MAX - kept.len();
                kept.extend_from_slice(&chunk[..length.min(room)]);
            }
        }
    }
}

fn exit_code(operation: &str, status: Status) -> Result<i32, ClusterError> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let mut causes = Vec::new();
    for cause in status.details.and_then(|details| details.causes).unwrap_or_default() {
        if cause.reason.as_deref() == Some("ExitCode")
            && let Some(code) = cause.message.as_deref().and_then(|code| code.parse().ok())
        {
            return Ok(code);
        }
        causes.push(StatusCause { reason: cause.reason, message: cause.message, field: cause.field });
    }
    if let Some(code) = status.message.as_deref().and_then(code_in_text) {
        return Ok(code);
    }
    let body = StatusBody {
        kind: None,
        code: status.code.and_then(|code| u16::try_from(code).ok()),
        reason: status.reason,
        message: status.message,
        details: Some(StatusDetails { causes: Some(causes), retry_after_seconds: None }),
    };
    Err(body.into_error(operation, 0))
}

/// The exit code at the end of an error's text: virtual nodes say it nowhere else.
fn code_in_text(message: &str) -> Option<i32> {
    let (before, code) = message.rsplit_once(' ')?;
    let named = before.ends_with("exit status") || before.ends_with("exit code");
    code.parse().ok().filter(|code| named && *code != 0)
}

fn api_failure(operation: &str, error: kube::Error) -> ClusterError {
    let kube::Error::Api(status) = error else { return connection(operation, &error) };
    let details = status.details.map(|details| StatusDetails {
        causes: Some(
            details
                .causes
                .into_iter()
                .map(|cause| StatusCause {
                    reason: Some(cause.reason),
                    message: Some(cause.message),
                    field: Some(cause.field),
                })
                .collect(),
        ),
        retry_after_seconds: Some(u64::from(details.retry_after_seconds)),
    });
    let body = StatusBody {
        kind: None,
        code: Some(status.code),
        reason: Some(status.reason),
        message: Some(status.message),
        details,
    };
    body.into_error(operation, status.code)
}
