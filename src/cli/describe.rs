//! `describe`: everything Ark knows of a backup or a restore, for people (ark-behaviour §9.4).
//!
//! # Differences
//! * The phase stands before the lists, as in later versions, and times, counts and the archive's size follow it.
//! * A hook shows its own lists; v0.6 showed the backup's.

use std::fmt::Write;

use clap::Args;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta, Time};

use super::args::StoreArgs;
use super::columns::DESCRIPTION;
use super::error::{CliError, Exit};
use super::human::{self, NONE};
use super::listing::{self, Found};
use super::output::Output;
use super::selector::{self, Selector};
use super::session::Session;
use crate::api::{Backup, BackupSpec, ExecHook, Hook, ResourceHook, Restore, RestoreSpec};
use crate::results::{ResultSet, Results};

/// `backup describe`, `restore describe`.
#[derive(Args, Clone, Debug)]
pub(crate) struct DescribeArgs {
    /// Names; all where there are none
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Only those whose labels match
    #[arg(short = 'l', long, value_name = "SELECTOR", default_value = "", hide_default_value = true)]
    pub(crate) selector: Selector,
    #[command(flatten)]
    pub(crate) store: StoreArgs,
}

/// Describes backups.
pub(crate) async fn backups(session: &Session, args: &DescribeArgs, output: &mut Output) -> Result<Exit, CliError> {
    let found = listing::find_backups(session, &args.store, &args.names, &args.selector, output).await?;
    let texts: Vec<String> = found.iter().map(|found| backup(&found.object, found.results.as_ref())).collect();
    output.text(&texts.join("\n\n"))?;
    Ok(Exit::Done)
}

/// Describes restores.
pub(crate) async fn restores(session: &Session, args: &DescribeArgs, output: &mut Output) -> Result<Exit, CliError> {
    let found: Vec<Found<Restore>> = listing::find_restores(session, &args.store, &args.names, &args.selector).await?;
    let texts: Vec<String> = found.iter().map(|found| restore(&found.object, found.results.as_ref())).collect();
    output.text(&texts.join("\n\n"))?;
    Ok(Exit::Done)
}

/// The description of a backup.
pub(crate) fn backup(backup: &Backup, results: Option<&Results>) -> String {
    let mut page = Page::default();
    page.metadata(&backup.metadata);
    let status = backup.status.clone().unwrap_or_default();
    page.blank();
    page.line("Phase", format!("{:?}", status.phase));
    page.line("Backup Format Version", status.version.to_string());
    page.time("Started", status.start_timestamp.as_ref());
    page.time("Completed", status.completion_timestamp.as_ref());
    page.time("Expiration", status.expiration.as_ref());
    if let Some(progress) = &status.progress {
        page.line("Items", format!("{} of {}", progress.items_backed_up, progress.total_items));
    }
    if let Some(archive) = &status.archive {
        page.line("Archive", format!("{} entries, {}", archive.items, human::size(archive.bytes)));
        page.line("SHA-256", archive.sha256.clone());
    }
    page.blank();
    page.backup_spec(&backup.spec);
    page.list("Validation errors", &status.validation_errors);
    page.blank();
    if status.volume_backups.is_empty() {
        page.line("Persistent Volumes", "<none included>");
    } else {
        page.heading("Persistent Volumes");
        for (name, volume) in &status.volume_backups {
            page.at(1).heading(name);
            let mut page = page.at(2);
            page.line("Snapshot ID", volume.snapshot_id.clone());
            page.line("Type", volume.volume_type.clone());
            page.line("Availability Zone", volume.availability_zone.clone());
            page.line("IOPS", volume.iops.map_or_else(|| "<N/A>".to_owned(), |iops| iops.to_string()));
        }
    }
    page.blank();
    page.results(results, status.warnings.unwrap_or(0), status.errors.unwrap_or(0), &status.messages);
    page.finish()
}

/// The description of a restore.
pub(crate) fn restore(restore: &Restore, results: Option<&Results>) -> String {
    let mut page = Page::default();
    page.metadata(&restore.metadata);
    let status = restore.status.clone().unwrap_or_default();
    page.blank();
    page.line("Backup", restore.spec.backup_name.clone());
    page.line("Phase", format!("{:?}", status.phase));
    if !status.failure_reason.is_empty() {
        page.line("Failure", status.failure_reason.clone());
    }
    page.time("Started", status.start_timestamp.as_ref());
    page.time("Completed", status.completion_timestamp.as_ref());
    if let Some(progress) = &status.progress {
        page.heading("Items");
        let mut page = page.at(1);
        page.line("Created", progress.created.to_string());
        page.line("Updated", progress.updated.to_string());
        page.line("Unchanged", progress.unchanged.to_string());
        page.line("Different", progress.different.to_string());
        page.line("Skipped", progress.skipped.to_string());
        page.line("Failed", progress.failed.to_string());
    }
    page.blank();
    page.restore_spec(&restore.spec);
    page.list("Validation errors", &status.validation_errors);
    page.blank();
    page.results(results, status.warnings, status.errors, &status.messages);
    page.finish()
}

/// A description in the making: lines of tab-separated cells.
#[derive(Debug, Default)]
struct Page {
    text: String,
}

/// The page, written at a depth of indentation.
struct Indented<'a> {
    page: &'a mut Page,
    depth: usize,
}

impl Page {
    fn finish(self) -> String {
        DESCRIPTION.align(&self.text)
    }

    fn at(&mut self, depth: usize) -> Indented<'_> {
        Indented { page: self, depth }
    }

    fn blank(&mut self) {
        self.text.push('\n');
    }

    fn line(&mut self, name: &str, value: impl Into<String>) {
        self.at(0).line(name, value);
    }

    fn heading(&mut self, name: &str) {
        self.at(0).heading(name);
    }

    fn time(&mut self, name: &str, at: Option<&Time>) {
        self.line(name, at.map_or_else(|| "<n/a>".to_owned(), |at| human::time(at.0)));
    }

    fn list(&mut self, name: &str, items: &[String]) {
        self.blank();
        if items.is_empty() {
            self.line(name, NONE);
            return;
        }
        self.heading(name);
        for item in items {
            self.at(1).item(item);
        }
    }

    fn metadata(&mut self, metadata: &ObjectMeta) {
        self.line("Name", metadata.name.clone().unwrap_or_default());
        self.line("Namespace", metadata.namespace.clone().unwrap_or_default());
        self.pairs("Labels", metadata.labels.as_ref());
        self.pairs("Annotations", metadata.annotations.as_ref());
    }

    fn pairs(&mut self, name: &str, pairs: Option<&std::collections::BTreeMap<String, String>>) {
        let pairs = pairs.into_iter().flatten();
        let mut first = true;
        for (key, value) in pairs {
            let title = if first { format!("{name}:") } else { String::new() };
            writeln!(self.text, "{title}\t{key}={}", value.replace(['\n', '\t'], " ")).expect("writing to a String");
            first = false;
        }
        if first {
            self.line(name, NONE);
        }
    }

    fn backup_spec(&mut self, spec: &BackupSpec) {
        self.scope(
            (&spec.included_namespaces, &spec.excluded_namespaces),
            (&spec.included_resources, &spec.excluded_resources),
            spec.include_cluster_resources,
        );
        self.label_selector(spec.label_selector.as_ref());
        self.line("Snapshot PVs", tristate(spec.snapshot_volumes, "true", "false"));
        self.blank();
        self.line("TTL", spec.ttl.to_string());
        self.blank();
        if spec.hooks.resources.is_empty() {
            self.line("Hooks", NONE);
        } else {
            self.heading("Hooks");
            for hook in &spec.hooks.resources {
                self.hook(hook);
            }
        }
    }

    fn restore_spec(&mut self, spec: &RestoreSpec) {
        self.scope(
            (&spec.included_namespaces, &spec.excluded_namespaces),
            (&spec.included_resources, &spec.excluded_resources),
            spec.include_cluster_resources,
        );
        self.pairs("Namespace mappings", Some(&spec.namespace_mapping));
        self.blank();
        self.label_selector(spec.label_selector.as_ref());
        self.line("Restore PVs", tristate(spec.restore_pvs, "true", "false"));
    }

    fn scope(&mut self, namespaces: (&[String], &[String]), resources: (&[String], &[String]), cluster: Option<bool>) {
        self.heading("Namespaces");
        self.at(1).line("Included", joined(namespaces.0, "*"));
        self.at(1).line("Excluded", joined(namespaces.1, NONE));
        self.blank();
        self.heading("Resources");
        self.at(1).line("Included", joined(resources.0, "*"));
        self.at(1).line("Excluded", joined(resources.1, NONE));
        self.at(1).line("Cluster-scoped", tristate(cluster, "included", "excluded"));
        self.blank();
    }

    fn label_selector(&mut self, given: Option<&LabelSelector>) {
        self.line("Label selector", selector::text(given).unwrap_or_else(|| NONE.to_owned()));
        self.blank();
    }

    fn hook(&mut self, hook: &ResourceHook) {
        self.at(1).heading(&hook.name);
        let mut page = self.at(2);
        page.line("Included namespaces", joined(&hook.included_namespaces, "*"));
        page.line("Excluded namespaces", joined(&hook.excluded_namespaces, NONE));
        page.line("Included resources", joined(&hook.included_resources, "*"));
        page.line("Excluded resources", joined(&hook.excluded_resources, NONE));
        page.line("Label selector", selector::text(hook.label_selector.as_ref()).unwrap_or_else(|| NONE.to_owned()));
        let before = if hook.pre.is_empty() { &hook.hooks } else { &hook.pre };
        for (title, hooks) in [("Pre Exec Hook", before), ("Post Exec Hook", &hook.post)] {
            for exec in hooks.iter().filter_map(|Hook { exec }| exec.as_ref()) {
                self.at(2).heading(title);
                self.exec(exec);
            }
        }
    }

    fn exec(&mut self, exec: &ExecHook) {
        let mut page = self.at(3);
        let container = if exec.container.is_empty() { "<first>" } else { &exec.container };
        page.line("Container", container);
        page.line("Command", exec.command.join(" "));
        page.line("On Error", exec.on_error.map_or_else(|| "Fail".to_owned(), |mode| format!("{mode:?}")));
        page.line("Timeout", exec.timeout.to_string());
    }

    fn results(&mut self, results: Option<&Results>, warnings: i64, errors: i64, messages: &[String]) {
        if let Some(results) = results {
            self.result_set("Warnings", &results.warnings);
            self.blank();
            self.result_set("Errors", &results.errors);
            return;
        }
        self.line("Warnings", if warnings == 0 { NONE.to_owned() } else { warnings.to_string() });
        self.line("Errors", if errors == 0 { NONE.to_owned() } else { errors.to_string() });
        for message in messages {
            self.at(1).item(message);
        }
        if warnings + errors > 0 {
            self.at(1).item("(`--store URL` shows all of them)");
        }
    }

    fn result_set(&mut self, name: &str, set: &ResultSet) {
        if set.is_empty() {
            self.line(name, NONE);
            return;
        }
        self.heading(name);
        for (scope, messages) in [("Ark", &set.ark), ("Cluster", &set.cluster)] {
            self.scoped(1, scope, messages);
        }
        if !set.namespaces.is_empty() {
            self.at(1).heading("Namespaces");
            for (namespace, messages) in &set.namespaces {
                self.scoped(2, namespace, messages);
            }
        }
        if set.omitted > 0 {
            self.at(1).item(&format!("and {} more that did not fit", set.omitted));
        }
    }

    fn scoped(&mut self, depth: usize, scope: &str, messages: &[String]) {
        if messages.is_empty() {
            self.at(depth).line(scope, NONE);
            return;
        }
        self.at(depth).heading(scope);
        for message in messages {
            self.at(depth + 1).item(message);
        }
    }
}

impl Indented<'_> {
    fn indent(&mut self) {
        self.page.text.extend(std::iter::repeat_n('\t', self.depth));
    }

    fn line(&mut self, name: &str, value: impl Into<String>) {
        self.indent();
        let value: String = value.into();
        writeln!(self.page.text, "{name}:\t{}", value.replace(['\n', '\t'], " ")).expect("writing to a String");
    }

    fn heading(&mut self, name: &str) {
        self.indent();
        writeln!(self.page.text, "{name}:").expect("writing to a String");
    }

    fn item(&mut self, text: &str) {
        self.indent();
        writeln!(self.page.text, "{}", text.replace(['\n', '\t'], " ")).expect("writing to a String");
    }
}

fn joined(items: &[String], empty: &str) -> String {
    if items.is_empty() { empty.to_owned() } else { items.join(", ") }
}

fn tristate(flag: Option<bool>, yes: &str, no: &str) -> String {
    match flag {
        None => "auto",
        Some(true) => yes,
        Some(false) => no,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use crate::api::{Backup, BackupSpec, Restore, RestoreSpec};
    use crate::results::{Results, Scope};

    #[test]
    fn a_backup_reads_like_a_page() {
        let mut backup = Backup::new("nightly", BackupSpec::default());
        backup.metadata.namespace = Some("heptio-ark".to_owned());
        backup.spec.excluded_namespaces = vec!["kube-system".to_owned()];
        let text = super::backup(&backup, None);
        let expected = "\
Name:         nightly
Namespace:    heptio-ark
Labels:       <none>
Annotations:  <none>

Phase:                  New
Backup Format Version:  0
Started:                <n/a>
Completed:              <n/a>
Expiration:             <n/a>

Namespaces:
  Included:  *
  Excluded:  kube-system

Resources:
  Included:        *
  Excluded:        <none>
  Cluster-scoped:  auto

Label selector:  <none>

Snapshot PVs:  auto

TTL:  0s

Hooks:  <none>

Validation errors:  <none>

Persistent Volumes:  <none included>

Warnings:  <none>
Errors:    <none>
";
        assert_eq!(text, expected);
    }

    #[test]
    fn results_are_shown_by_scope() {
        let restore = Restore::new("r", RestoreSpec { backup_name: "b".to_owned(), ..RestoreSpec::default() });
        let mut results = Results::default();
        results.warning(Scope::Namespace("shop"), "a\nb");
        let text = super::restore(&restore, Some(&results));
        assert!(text.ends_with(
            "Warnings:\n  Ark:      <none>\n  Cluster:  <none>\n  Namespaces:\n    shop:\n      a b\n\nErrors:  <none>\n"
        ));
    }
}
