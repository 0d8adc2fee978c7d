//! What a caller says besides the object: the target, and the options of each verb.
//!
//! Owns plain data only; the verbs interpret it. Texts stay as the caller gave them, so that every mouth answers the same error.

use serde_json::Value;

use crate::object::Object;
use crate::status::{Cause, Status};

/// The resource, and where needed the object, that a call is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version within the group.
    pub version: String,
    /// The plural name.
    pub resource: String,
    /// The namespace; `None` for cluster-scoped resources and for lists over all namespaces.
    pub namespace: Option<String>,
    /// The name; `None` for collections.
    pub name: Option<String>,
    /// For example `status`.
    pub subresource: Option<String>,
}

impl Target {
    /// A collection over the whole cluster.
    pub fn new(group: &str, version: &str, resource: &str) -> Self {
        Self { group: group.to_owned(), version: version.to_owned(), resource: resource.to_owned(), ..Self::default() }
    }

    /// The same in one namespace.
    pub fn in_namespace(mut self, namespace: &str) -> Self {
        self.namespace = Some(namespace.to_owned());
        self
    }

    /// One object of it.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// A subresource of it.
    #[expect(clippy::should_implement_trait, reason = "nothing is subtracted: the word is Kubernetes'")]
    pub fn sub(mut self, subresource: &str) -> Self {
        self.subresource = Some(subresource.to_owned());
        self
    }
}

/// Which objects a list gives, of which revision, how many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// As `app=x,tier in (a,b),!gone`.
    pub label_selector: Option<String>,
    /// As `metadata.name=x`.
    pub field_selector: Option<String>,
    /// The most objects of a page; `None` or 0 is all.
    pub limit: Option<u64>,
    /// The token of the page before.
    pub continue_token: Option<String>,
    /// A revision, see `resource_version_match`.
    pub resource_version: Option<String>,
    /// `Exact` or `NotOlderThan`.
    pub resource_version_match: Option<String>,
}

/// How strictly unknown fields are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// Taken silently.
    Ignore,
    /// Taken, with a warning.
    #[default]
    Warn,
    /// Refused.
    Strict,
}

/// How a write is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// Answer as if, store nothing.
    pub dry_run: bool,
    /// The name of the writer.
    pub field_manager: Option<String>,
    /// What happens to unknown fields.
    pub field_validation: FieldValidation,
    /// Paths of fields that the text of the body had twice: a value no longer shows them.
    pub duplicates: Vec<String>,
    /// Of an apply: whether it takes fields from their owners. Nothing else may have it.
    pub force: Option<bool>,
}

/// The longest name of a writer, in bytes.
pub(crate) const FIELD_MANAGER_MAX: usize = 128;

impl WriteOptions {
    /// 422 for the name of a writer that is too long or cannot be printed; `kind` is that of the options, as `CreateOptions`.
    pub(crate) fn check(&self, kind: &str) -> Result<(), Status> {
        let manager = self.field_manager.as_deref().unwrap_or_default();
        let cause = if manager.len() > FIELD_MANAGER_MAX {
            let message = format!("Too long: may not be more than {FIELD_MANAGER_MAX} bytes");
            Cause { reason: "FieldValueTooLong".to_owned(), message, field: "fieldManager".to_owned() }
        } else if let Some((at, letter)) = manager.char_indices().find(|(_, letter)| letter.is_control()) {
            let quoted: String = manager.chars().map(printed).collect();
            let detail = format!("invalid character U+{:04X} (at position {at})", u32::from(letter));
            let message = format!("Invalid value: \"{quoted}\": {detail}");
            Cause { reason: "FieldValueInvalid".to_owned(), message, field: "fieldManager".to_owned() }
        } else {
            return Ok(());
        };
        Err(Status::invalid("meta.k8s.io", kind, "", &[cause]))
    }
}

/// A letter as Go quotes it.
fn printed(letter: char) -> String {
    match letter {
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        letter if letter.is_ascii_control() => format!("\\x{:02x}", u32::from(letter)),
        letter => letter.to_string(),
    }
}

/// What a deletion does to the objects that the deleted one owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They go first; the owner waits with a finalizer.
    Foreground,
    /// The owner goes; they follow.
    Background,
    /// They stay, without the owner.
    Orphan,
}

/// How a deletion is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// `None` is the default of the resource.
    pub propagation: Option<Propagation>,
    /// In seconds; `None` is the default of the resource, 0 is at once.
    pub grace_period_seconds: Option<i64>,
    /// Only when the stored object has this uid.
    pub uid: Option<String>,
    /// Only when the stored object has this resourceVersion.
    pub resource_version: Option<String>,
    /// Answer as if, change nothing.
    pub dry_run: bool,
}

/// A change to an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Patch {
    /// RFC 6902: a list of operations.
    Json(Value),
    /// RFC 7396.
    Merge(Value),
    /// Strategic merge, of built-in kinds.
    Strategic(Value),
    /// Server-side apply.
    Apply(Value),
}

/// What a deletion answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// The object is gone; the details name it.
    Status(Status),
    /// The object as it is now, waiting for its finalizers or its grace; or as it was last, for the kinds that answer so.
    Object(Object),
}

/// Which changes a watch gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WatchOptions {
    /// Changes after this revision; `None` and `0` begin with the objects of now.
    pub resource_version: Option<String>,
    /// Only `NotOlderThan`, together with `send_initial_events`.
    pub resource_version_match: Option<String>,
    /// As in a list.
    pub label_selector: Option<String>,
    /// As in a list.
    pub field_selector: Option<String>,
    /// When the stream ends, on the server's clock; `None` is after half an hour to an hour.
    pub timeout_seconds: Option<u64>,
    /// Whether the caller understands bookmarks.
    pub allow_bookmarks: bool,
    /// Begin with the objects of now and say when they end.
    pub send_initial_events: Option<bool>,
}
