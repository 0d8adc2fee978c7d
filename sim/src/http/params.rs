//! Options of the verbs, from the query and, for deletions, from the body.

use std::str::FromStr;

use http::HeaderMap;
use serde_json::Value;

use super::route::Query;
use crate::options::FIELD_MANAGER_MAX;
use crate::{Cause, DeleteOptions, FieldValidation, ListOptions, Propagation, Status, WatchOptions, WriteOptions};

/// The words of `propagationPolicy` as a real server lists them.
const PROPAGATION: [&str; 4] = ["Foreground", "Background", "Orphan", "nil"];

/// The options of a list, and of a deletion of a collection.
pub(crate) fn list_options(query: &Query) -> Result<ListOptions, Status> {
    Ok(ListOptions {
        label_selector: query.non_empty("labelSelector"),
        field_selector: query.non_empty("fieldSelector"),
        limit: whole(query, "limit")?,
        continue_token: query.non_empty("continue"),
        resource_version: query.non_empty("resourceVersion"),
        resource_version_match: query.non_empty("resourceVersionMatch"),
    })
}

/// The options of a watch.
pub(crate) fn watch_options(query: &Query) -> Result<WatchOptions, Status> {
    Ok(WatchOptions {
        resource_version: query.non_empty("resourceVersion"),
        resource_version_match: query.non_empty("resourceVersionMatch"),
        label_selector: query.non_empty("labelSelector"),
        field_selector: query.non_empty("fieldSelector"),
        timeout_seconds: whole(query, "timeoutSeconds")?.filter(|seconds| *seconds > 0),
        allow_bookmarks: query.flag("allowWatchBookmarks").unwrap_or_default(),
        send_initial_events: query.flag("sendInitialEvents"),
    })
}

/// The options of a write; `kind` is `CreateOptions`, `UpdateOptions` or `PatchOptions`, for errors.
pub(crate) fn write_options(query: &Query, headers: &HeaderMap, kind: &str) -> Result<WriteOptions, Status> {
    Ok(WriteOptions {
        dry_run: dry_run(query.all("dryRun"), kind)?,
        field_manager: query.non_empty("fieldManager").or_else(|| manager(headers)),
        force: query.flag("force"),
        field_validation: match query.get("fieldValidation") {
            None | Some("") => FieldValidation::default(),
            Some("Ignore") => FieldValidation::Ignore,
            Some("Warn") => FieldValidation::Warn,
            Some("Strict") => FieldValidation::Strict,
            Some(other) => {
                let cause = Cause::not_supported("fieldValidation", other, &["", "Ignore", "Strict", "Warn"]);
                return Err(Status::invalid("meta.k8s.io", kind, "", &[cause]));
            }
        },
        ..WriteOptions::default()
    })
}

/// Without a field manager, the server takes the client's name up to the first slash.
fn manager(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(http::header::USER_AGENT)?.to_str().ok()?;
    let name = agent.split('/').next().unwrap_or_default();
    // Cut, not refused: nobody chose it as the name of a writer.
    let name: String = name.chars().filter(|c| !c.is_control()).take(FIELD_MANAGER_MAX).collect();
    Some(name).filter(|name| !name.is_empty())
}

/// The options of a deletion: the body where there is one, else the query.
pub(crate) fn delete_options(query: &Query, body: Option<&Value>) -> Result<DeleteOptions, Status> {
    const KIND: &str = "DeleteOptions";
    let Some(body) = body else {
        return Ok(DeleteOptions {
            propagation: propagation(query.get("propagationPolicy"), query.flag("orphanDependents"))?,
            grace_period_seconds: number(query, "gracePeriodSeconds")?,
            dry_run: dry_run(query.all("dryRun"), KIND)?,
            ..DeleteOptions::default()
        });
    };
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
    let dry = match body.get("dryRun") {
        Some(Value::Array(words)) => words.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    Ok(DeleteOptions {
        propagation: propagation(text("/propagationPolicy"), body.get("orphanDependents").and_then(Value::as_bool))?,
        grace_period_seconds: body.get("gracePeriodSeconds").and_then(Value::as_i64),
        uid: text("/preconditions/uid").map(str::to_owned),
        resource_version: text("/preconditions/resourceVersion").map(str::to_owned),
        // Clients send the query's dry run beside a body without one.
        dry_run: dry_run(dry.into_iter(), KIND)? || dry_run(query.all("dryRun"), KIND)?,
    })
}

fn propagation(policy: Option<&str>, orphan: Option<bool>) -> Result<Option<Propagation>, Status> {
    Ok(match policy {
        Some("Foreground") => Some(Propagation::Foreground),
        Some("Background") => Some(Propagation::Background),
        Some("Orphan") => Some(Propagation::Orphan),
        None | Some("") => orphan.map(|orphan| if orphan { Propagation::Orphan } else { Propagation::Background }),
        Some(other) => {
            let cause = Cause::not_supported("propagationPolicy", other, &PROPAGATION);
            return Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", &[cause]));
        }
    })
}

fn dry_run<'a>(words: impl Iterator<Item = &'a str>, kind: &str) -> Result<bool, Status> {
    let all: Vec<&str> = words.collect();
    let mut dry = false;
    for word in &all {
        if *word != "All" {
            let given = Value::from(all.clone());
            let cause = Cause {
                message: format!("Unsupported value: {given}: supported values: \"All\""),
                ..Cause::not_supported("dryRun", word, &["All"])
            };
            return Err(Status::invalid("meta.k8s.io", kind, "", &[cause]));
        }
        dry = true;
    }
    Ok(dry)
}

/// A number that means nothing below zero.
fn whole(query: &Query, key: &str) -> Result<Option<u64>, Status> {
    Ok(number::<i64>(query, key)?.and_then(|number| u64::try_from(number).ok()))
}

fn number<N: FromStr>(query: &Query, key: &str) -> Result<Option<N>, Status> {
    match query.get(key) {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse()
            .map(Some)
            .map_err(|_| Status::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_watches() {
        let query = Query::parse("&limit=3&labelSelector=a%3Db&continue=&timeoutSeconds=5&allowWatchBookmarks=true");
        let options = list_options(&query).unwrap();
        assert_eq!(options.limit, Some(3));
        assert_eq!(options.label_selector.as_deref(), Some("a=b"));
        assert_eq!(options.continue_token, None);
        let options = watch_options(&query).unwrap();
        assert_eq!((options.timeout_seconds, options.allow_bookmarks), (Some(5), true));
        assert_eq!(list_options(&Query::parse("limit=x")).unwrap_err().code, 400);
        assert_eq!(list_options(&Query::parse("limit=-1")).unwrap().limit, None);
    }

    #[test]
    fn deletions() {
        let query = Query::parse("propagationPolicy=Orphan&gracePeriodSeconds=0&dryRun=All");
        let options = delete_options(&query, None).unwrap();
        assert_eq!(options.propagation, Some(Propagation::Orphan));
        assert_eq!((options.grace_period_seconds, options.dry_run), (Some(0), true));
        let body = json!({"preconditions": {"uid": "u"}, "orphanDependents": false, "dryRun": []});
        let options = delete_options(&Query::default(), Some(&body)).unwrap();
        assert_eq!(options.uid.as_deref(), Some("u"));
        assert_eq!(options.propagation, Some(Propagation::Background));
        let refused = delete_options(&Query::default(), Some(&json!({"propagationPolicy": "Nonsense"})));
        assert_eq!(
            refused.unwrap_err().message,
            "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Nonsense\": \
             supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
        );
    }

    #[test]
    fn writes() {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::USER_AGENT, "kubectl/v1.32 (linux)".parse().unwrap());
        let options =
            write_options(&Query::parse("dryRun=All&fieldValidation=Strict"), &headers, "CreateOptions").unwrap();
        assert!(options.dry_run);
        assert_eq!(options.field_manager.as_deref(), Some("kubectl"));
        assert_eq!(options.field_validation, FieldValidation::Strict);
        assert_eq!(write_options(&Query::parse("dryRun=Some"), &headers, "CreateOptions").unwrap_err().code, 422);
    }
}
