//! What a backup or a restore has to say: [`Results`], its warnings and errors by scope, and [`JobLog`], its log file.
//!
//! Both lie in the bucket beside the archive (ark-behaviour §2.9, §4.1) and both are bounded: a cluster in which every
//! object fails must not cost more memory than one in which none does. What does not fit is counted, and the count is
//! part of what is stored. Neither ever holds content of an object.
//!
//! # Differences
//! Ark v0.6 stored results for restores only. Here backups store them too, in the same shape.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::sync::Arc;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::api::go::{empty_as_null, null_as_default};
use crate::clock::Clock;

mod log;

pub use log::{JobLog, LogLevel};

/// Most messages that one [`ResultSet`] keeps: enough to see every kind of failure, little enough to read.
pub const MESSAGES_MAX: usize = 10_000;

/// Longest message, in bytes; the rest is cut off. An API server may quote whole documents in its errors.
pub const MESSAGE_BYTES_MAX: usize = 4 * 1024;

/// Longest results file that is read back, uncompressed: both sets full, with room for escapes.
pub const RESULTS_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Results that could not be read.
#[derive(Debug, Error)]
pub enum ResultsError {
    /// The bytes are not gzip, or more than [`RESULTS_BYTES_MAX`] come out of them.
    #[error("the results are not a readable gzip file: {0}")]
    Gzip(#[source] std::io::Error),
    /// The text is not a results document.
    #[error("the results are not a results document: {0}")]
    Json(#[source] serde_json::Error),
}

/// Where a message belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The job itself: buckets, discovery, lists.
    Ark,
    /// A cluster-scoped object.
    Cluster,
    /// An object in this namespace.
    Namespace(&'a str),
}

impl<'a> Scope<'a> {
    /// The scope of an object: of its namespace, or of the cluster where it has none.
    pub fn of(namespace: Option<&'a str>) -> Self {
        namespace.map_or(Self::Cluster, Self::Namespace)
    }
}

/// Messages by scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResultSet {
    /// About the job itself.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    pub ark: Vec<String>,
    /// About cluster-scoped objects.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    pub cluster: Vec<String>,
    /// About objects in namespaces.
    #[serde(default, deserialize_with = "null_as_default", serialize_with = "empty_as_null")]
    pub namespaces: BTreeMap<String, Vec<String>>,
    /// Messages that did not fit; absent where there are none, as in the files of v0.6.
    #[serde(default, deserialize_with = "null_as_default", skip_serializing_if = "is_zero")]
    pub omitted: u64,
}

// The serialiser hands the field over by reference.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde's skip_serializing_if calls")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl ResultSet {
    /// Adds a message; beyond [`MESSAGES_MAX`] it is only counted.
    pub fn add(&mut self, scope: Scope<'_>, message: impl Into<String>) {
        if self.kept() >= MESSAGES_MAX {
            self.omitted += 1;
            return;
        }
        let mut message = message.into();
        if message.len() > MESSAGE_BYTES_MAX {
            message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
            message.push('…');
        }
        match scope {
            Scope::Ark => self.ark.push(message),
            Scope::Cluster => self.cluster.push(message),
            Scope::Namespace(name) => self.namespaces.entry(name.to_owned()).or_default().push(message),
        }
    }

    /// How many messages were added, kept or not.
    pub fn count(&self) -> u64 {
        self.kept() as u64 + self.omitted
    }

    /// Whether nothing was added.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The messages: of the job, of the cluster, then of the namespaces in order.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.ark.iter().chain(&self.cluster).chain(self.namespaces.values().flatten()).map(String::as_str)
    }

    fn kept(&self) -> usize {
        self.ark.len() + self.cluster.len() + self.namespaces.values().map(Vec::len).sum::<usize>()
    }
}

/// Warnings and errors of one job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Results {
    /// What failed.
    #[serde(default, deserialize_with = "null_as_default")]
    pub errors: ResultSet,
    /// What a person should look at.
    #[serde(default, deserialize_with = "null_as_default")]
    pub warnings: ResultSet,
}

impl Results {
    /// Notes a failure.
    pub fn error(&mut self, scope: Scope<'_>, message: impl Into<String>) {
        self.errors.add(scope, message);
    }

    /// Notes something to look at.
    pub fn warning(&mut self, scope: Scope<'_>, message: impl Into<String>) {
        self.warnings.add(scope, message);
    }

    /// The file in the bucket: gzip of one JSON document and a newline.
    pub fn to_gzip(&self) -> Vec<u8> {
        let mut file = GzEncoder::new(Vec::new(), Compression::default());
        serde_json::to_writer(&mut file, self).expect("strings serialise, and a vector takes every write");
        file.write_all(b"\n").and_then(|()| file.finish()).expect("a vector takes every write")
    }

    /// Reads [`to_gzip`](Self::to_gzip)'s file, or one that v0.6 wrote.
    ///
    /// # Errors
    /// Where the bytes are not such a file or too many come out of them.
    pub fn from_gzip(file: &[u8]) -> Result<Self, ResultsError> {
        let mut text = Vec::new();
        MultiGzDecoder::new(file).take(RESULTS_BYTES_MAX + 1).read_to_end(&mut text).map_err(ResultsError::Gzip)?;
        if text.len() as u64 > RESULTS_BYTES_MAX {
            return Err(ResultsError::Gzip(std::io::Error::other("it holds more than a results file may")));
        }
        serde_json::from_slice(&text).map_err(ResultsError::Json)
    }
}

/// A log for a job: its clock and the fields that every line carries.
pub fn job_log(clock: Arc<dyn Clock>, kind: &'static str, namespace: &str, name: &str) -> JobLog {
    let name = if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") };
    JobLog::new(clock, vec![(kind, name)])
}

#[cfg(test)]
mod tests {
    use super::{MESSAGE_BYTES_MAX, MESSAGES_MAX, Results, Scope};

    #[test]
    fn empty_results_have_the_shape_of_v0_6() {
        assert_eq!(
            serde_json::to_string(&Results::default()).expect("strings"),
            r#"{"errors":{"ark":null,"cluster":null,"namespaces":null},"warnings":{"ark":null,"cluster":null,"namespaces":null}}"#
        );
    }

    #[test]
    fn a_file_reads_back_and_damage_is_named() {
        let mut results = Results::default();
        results.error(Scope::Ark, "list widgets: gone");
        results.error(Scope::of(Some("shop")), "pods shop/db: hook failed");
        results.warning(Scope::of(None), "persistentvolumes disk: absent");
        let file = results.to_gzip();
        assert_eq!(Results::from_gzip(&file).expect("as written"), results);
        assert_eq!((results.errors.count(), results.warnings.count()), (2, 1));
        assert!(Results::from_gzip(&file[..file.len() / 2]).is_err());
        assert!(Results::from_gzip(b"{}").is_err());
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut results = Results::default();
        for _ in 0..MESSAGES_MAX + 5 {
            results.error(Scope::Cluster, "x");
        }
        results.warning(Scope::Ark, "ü".repeat(MESSAGE_BYTES_MAX));
        assert_eq!((results.errors.count(), results.errors.omitted), (MESSAGES_MAX as u64 + 5, 5));
        assert!(results.warnings.ark[0].len() <= MESSAGE_BYTES_MAX + 3);
        assert_eq!(Results::from_gzip(&results.to_gzip()).expect("as written"), results);
    }
}
