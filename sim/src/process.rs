//! `exec` on the server: which container a call means, and the script that answers it.

use std::sync::Arc;

use serde_json::Value;

use crate::access::Caller;
use crate::exec::{ExecCall, ExecOptions, ExecScript, Process};
use crate::meta;
use crate::object::Object;
use crate::options::Target;
use crate::server::ApiServer;
use crate::status::Status;

impl ApiServer {
    /// What answers `exec` from now on.
    pub fn set_exec(&self, script: impl ExecScript) {
        self.set_script(Arc::new(script));
    }

    /// Runs a command in a container of a pod. 404 without the pod, 400 where the container is ambiguous or unknown or the pod does
    /// not run. The delay of the answer is the caller's to wait.
    pub fn exec(&self, namespace: &str, pod: &str, options: &ExecOptions) -> Result<Process, Status> {
        let target = Target::new("", "v1", "pods").in_namespace(namespace).named(pod);
        self.may(&self.lock(), "create", &target.clone().sub("exec"))?;
        let found = self.for_caller(Caller { allowed: true, ..self.caller().clone() }).get(&target)?;
        let call = ExecCall {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            container: container(&found, options.container.as_deref())?,
            command: options.command.clone(),
            stdin: options.stdin.clone(),
        };
        let text = |path| meta::at(found.value(), path).and_then(Value::as_str).unwrap_or_default();
        let phase = text("status.phase");
        if matches!(phase, "Succeeded" | "Failed") {
            return Err(Status::bad_request(format!(
                "cannot exec into a container in a completed pod; current phase is {phase}"
            )));
        }
        if text("spec.nodeName").is_empty() {
            return Err(Status::bad_request(format!("pod {pod} does not have a host assigned")));
        }
        if call.command.is_empty() {
            return Err(Status::bad_request("you must specify at least one command for the container"));
        }
        Ok(self.script().run(&call))
    }
}

/// The container that is asked for, or the only one. An annotation that names a default is the business of `kubectl`.
pub(crate) fn container(pod: &Object, asked: Option<&str>) -> Result<String, Status> {
    let list = |path| meta::at(pod.value(), path).and_then(Value::as_array).into_iter().flatten();
    let names = |path| list(path).map(|container| meta::text(container, "name")).collect::<Vec<_>>();
    let main = names("spec.containers");
    let name = pod.name();
    match (asked.filter(|asked| !asked.is_empty()), main.as_slice()) {
        (Some(asked), _) => {
            let others = [names("spec.initContainers"), names("spec.ephemeralContainers")].concat();
            if main.contains(&asked) || others.contains(&asked) {
                return Ok(asked.to_owned());
            }
            Err(Status::bad_request(format!("container {asked} is not valid for pod {name}")))
        }
        (None, &[one]) => Ok(one.to_owned()),
        (None, many) => Err(Status::bad_request(format!(
            "a container name must be specified for pod {name}, choose one of: [{}]",
            many.join(" ")
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::options::WriteOptions;
    use crate::server::Options;

    #[test]
    fn a_call_reaches_the_script_of_the_right_container() {
        let server = ApiServer::new(Options::default());
        let pods = Target::new("", "v1", "pods").in_namespace("default");
        let body = json!({"metadata": {"name": "p"}, "spec": {"nodeName": "n", "containers": [{"name": "a", "image": "i"}, {"name": "b", "image": "i"}]}});
        server.create(&pods, body, &WriteOptions::default()).expect("a pod");
        server.set_exec(|call: &ExecCall| Process::ok(call.container.clone()));
        let exec = |container: Option<&str>, command: &[&str]| {
            let container = container.map(str::to_owned);
            let command = command.iter().map(|&word| word.to_owned()).collect();
            server.exec("default", "p", &ExecOptions { container, command, ..ExecOptions::default() })
        };
        assert_eq!(exec(Some("b"), &["x"]).expect("an answer").stdout, "b");
        for (container, command) in [(None, &["x"][..]), (Some("c"), &["x"]), (Some("a"), &[])] {
            assert_eq!(exec(container, command).expect_err("a refusal").code, 400);
        }
        let absent = server.exec("default", "q", &ExecOptions::default());
        assert_eq!(absent.expect_err("no such pod").code, 404);
    }
}
