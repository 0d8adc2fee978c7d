//! Cuts a page of a list into its objects without copying or rebuilding them, in one pass over its text.
//!
//! API servers say first where a list goes on and then what is on it, so that the beginning of the text is enough to ask for the next page
//! ([`uncut`]). A text in another order is read whole at once.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::http_io::failure;
use crate::cluster::{ClusterError, ClusterErrorKind, ListPage, UncutPage};
use crate::object::{ApiResource, ObjectType, RawObject};

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata {
    #[serde(rename = "continue")]
    continue_token: Option<String>,
    remaining_item_count: Option<u64>,
    resource_version: Option<String>,
}

impl ListMetadata {
    /// The page with these objects.
    fn page(self, items: Vec<RawObject>) -> ListPage {
        ListPage {
            items,
            continue_token: self.continue_token.filter(|token| !token.is_empty()),
            remaining_item_count: self.remaining_item_count,
            resource_version: self.resource_version.unwrap_or_default(),
        }
    }
}

/// Takes an answer that is one page.
///
/// # Errors
/// Where the text is no list. Of a text that begins like one the rest is checked when it is cut.
pub(super) fn uncut(operation: String, resource: &ApiResource, body: Bytes) -> Result<UncutPage, ClusterError> {
    let Some((metadata, is_empty)) = front(&body) else {
        return read(&operation, resource, &body).map(UncutPage::from);
    };
    let (bytes, resource) = (body.len(), resource.clone());
    let cut = move || read(&operation, &resource, &body).map(|page| page.items);
    Ok(UncutPage::new(metadata.page(Vec::new()), bytes, is_empty, cut))
}

/// What a list says before its objects, and whether it has any; `None` where it says that in another order, or is no list.
fn front(text: &[u8]) -> Option<(ListMetadata, bool)> {
    let mut walk = Walk { text, at: 0 };
    let mut metadata = None;
    walk.take(b'{')?;
    loop {
        let key: Cow<'_, str> = walk.value().ok()?;
        walk.take(b':')?;
        match key.as_ref() {
            "items" => return Some((metadata?, walk.take(b'[').is_none() || walk.take(b']').is_some())),
            "metadata" => metadata = walk.value().ok()?,
            _ => drop(walk.value::<IgnoredAny>().ok()?),
        }
        walk.take(b',')?;
    }
}

/// Reads one page, in one pass. The objects share its bytes.
fn read(operation: &str, resource: &ApiResource, body: &Bytes) -> Result<ListPage, ClusterError> {
    // The parser's own words may quote the text; objects hold secrets.
    let no_list = |at: usize| corrupt(operation, &format!("the answer is not a list of objects (byte {at})"));
    let api_version = resource.api_version();
    let mut walk = Walk { text: body, at: 0 };
    let (mut metadata, mut items) = (None, None);
    walk.take(b'{').ok_or_else(|| no_list(walk.at))?;
    let mut ended = walk.take(b'}').is_some();
    while !ended {
        let key: Cow<'_, str> = walk.value().map_err(|_| no_list(walk.at))?;
        walk.take(b':').ok_or_else(|| no_list(walk.at))?;
        match key.as_ref() {
            "metadata" => metadata = walk.value().map_err(|_| no_list(walk.at))?,
            "items" if items.is_none() && walk.take(b'[').is_some() => {
                let mut objects = Vec::new();
                let mut last = walk.take(b']').is_some();
                while !last {
                    walk.space();
                    let start = walk.at;
                    let error = |error: &dyn std::fmt::Display| {
                        corrupt(operation, &format!("item {} of the list is {error}", objects.len()))
                    };
                    let head: ObjectType<'_> = walk.value().map_err(|_| error(&"no object"))?;
                    let raw = RawObject::new(body.slice(start..walk.at));
                    objects.push(raw.typed(&head, &api_version, &resource.kind).map_err(|reason| error(&reason))?);
                    last = walk.take(b']').is_some();
                    if !last {
                        walk.take(b',').ok_or_else(|| no_list(walk.at))?;
                    }
                }
                items = Some(objects);
            }
            // Anything but `null` would be no list.
            "items" => walk.value::<()>().map_err(|_| no_list(walk.at))?,
            _ => drop(walk.value::<IgnoredAny>().map_err(|_| no_list(walk.at))?),
        }
        ended = walk.take(b'}').is_some();
        if !ended {
            walk.take(b',').ok_or_else(|| no_list(walk.at))?;
        }
    }
    walk.space();
    if walk.at < body.len() {
        return Err(no_list(walk.at));
    }
    Ok(metadata.unwrap_or_else(ListMetadata::default).page(items.unwrap_or_default()))
}

/// A walk through the text of an object or a list, value by value, that knows where each one lies.
struct Walk<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Walk<'t> {
    fn space(&mut self) {
        let rest = self.text[self.at..].iter();
        self.at += rest.take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
    }

    /// Goes over this sign, if it comes next.
    fn take(&mut self, sign: u8) -> Option<()> {
        self.space();
        (self.text.get(self.at) == Some(&sign)).then(|| self.at += 1)
    }

    /// Goes over a whole value and reads it.
    fn value<T: Deserialize<'t>>(&mut self) -> Result<T, serde_json::Error> {
        let mut values = serde_json::Deserializer::from_slice(&self.text[self.at..]).into_iter::<T>();
        // Of no value at all the error is that of an empty text.
        let value = values.next().unwrap_or_else(|| serde_json::from_slice(b""))?;
        self.at += values.byte_offset();
        Ok(value)
    }
}

/// Takes an answer that is one object.
pub(super) fn object(operation: &str, resource: &ApiResource, body: Bytes) -> Result<RawObject, ClusterError> {
    RawObject::new(body)
        .with_type(&resource.api_version(), &resource.kind)
        .map_err(|error| corrupt(operation, &format!("the answer is {error}")))
}

pub(super) fn corrupt(operation: &str, message: &str) -> ClusterError {
    failure(operation, ClusterErrorKind::Corrupt, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn resource() -> ApiResource {
        ApiResource {
            group: String::new(),
            version: "v1".into(),
            plural: "configmaps".into(),
            singular: "configmap".into(),
            kind: "ConfigMap".into(),
            namespaced: true,
            preferred: true,
            short_names: Vec::new(),
            verbs: ["list".to_owned()].into(),
            subresources: std::collections::BTreeSet::default(),
        }
    }

    fn cut(text: &str) -> Result<(bool, ListPage), ClusterError> {
        let page = uncut("list configmaps".into(), &resource(), Bytes::copy_from_slice(text.as_bytes()))?;
        Ok((page.is_empty, page.cut()?))
    }

    #[test]
    fn the_end_of_a_page_is_known_wherever_the_text_says_it() {
        for text in [
            r#"{"kind":"ConfigMapList","metadata":{"continue":"c","remainingItemCount":4,"resourceVersion":"7"},"items":[{"a":1}]}"#,
            r#" {"items" : [ {"a":1} ] , "metadata":{"resourceVersion":"7","remainingItemCount":4,"continue":"c"},"odd":[{}]} "#,
        ] {
            let (is_empty, page) = cut(text).expect("a list");
            assert_eq!((page.continue_token.as_deref(), page.remaining_item_count), (Some("c"), Some(4)), "{text}");
            assert_eq!((is_empty, page.items.len(), page.resource_version.as_str()), (false, 1, "7"), "{text}");
            assert_eq!(page.items[0].bytes(), r#"{"apiVersion":"v1","kind":"ConfigMap","a":1}"#, "{text}");
        }
        for text in ["{}", r#"{"items":null}"#, r#"{"metadata":{},"items":null}"#, r#"{"metadata":{},"items":[ ]}"#] {
            let (is_empty, page) = cut(text).expect("a list");
            assert!(is_empty && page.items.is_empty(), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_refused_with_nothing_of_its_text() {
        let begun = r#"{"metadata":{},"items":["#;
        for text in [
            "",
            "[]",
            "{",
            r#"{"items":"s3cret"}"#,
            r#"{"metadata":"s3cret"}"#,
            r#"{"items":[]} s3cret"#,
            r#"{"items":[],"items":[]}"#,
            &format!(r#"{begun}"s3cret"]}}"#),
            &format!(r#"{begun}["s3cret"]]}}"#),
            &format!(r#"{begun}{{"kind":7,"a":"s3cret"}}]}}"#),
            &format!(r#"{begun}{{}} {{"a":"s3cret"}}]}}"#),
            &format!(r"{begun}{{}},]}}"),
            &format!(r"{begun}{{}}"),
            &format!(r#"{begun}{{}}],"s3cret"}}"#),
        ] {
            let error = cut(text).expect_err(text);
            assert_eq!(error.kind, ClusterErrorKind::Corrupt, "{text}");
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn one_pass_reads_what_a_parser_reads(
            names in prop::collection::vec("\\PC{0,8}", 0..6), typed in any::<bool>(), first in any::<bool>(),
        ) {
            let items: Vec<Value> = names
                .iter()
                .map(|name| {
                    let mut item = json!({"metadata": {"name": name}, "data": {name.as_str(): [name, {"}": 1.5}]}});
                    if typed {
                        item["apiVersion"] = "v1".into();
                        item["kind"] = "ConfigMap".into();
                    }
                    item
                })
                .collect();
            let (items_text, metadata) = (Value::from(items.clone()), json!({"continue": "]}", "resourceVersion": "1"}));
            let text = if first {
                format!(r#"{{"metadata":{metadata},"items":{items_text}}}"#)
            } else {
                format!(r#"{{"items":{items_text},"metadata":{metadata}}}"#)
            };
            let (is_empty, page) = cut(&text).expect("a list");
            prop_assert_eq!(is_empty, names.is_empty());
            prop_assert_eq!(page.continue_token.as_deref(), Some("]}"));
            for (item, raw) in items.iter().zip(&page.items) {
                let read = raw.value().expect("JSON");
                prop_assert_eq!(&read["metadata"], &item["metadata"]);
                prop_assert_eq!(&read["data"], &item["data"]);
                prop_assert_eq!((&read["apiVersion"], &read["kind"]), (&json!("v1"), &json!("ConfigMap")));
            }
            prop_assert_eq!(page.items.len(), items.len());
        }
    }
}
