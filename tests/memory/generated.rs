//! A cluster of config maps that exist only while they are asked for.

use std::fmt::Write as _;
use std::time::Duration;

use ark::cluster::{
    ClusterError, ClusterErrorKind, DeleteOptions, Discovery, ExecOutcome, ExecRequest, ListOptions, ListPage, Patch,
    Target, WatchEvent, WatchOptions,
};
use ark::object::{ApiResource, RawObject};
use async_trait::async_trait;
use futures::stream::BoxStream;

/// Serves `count` config maps of about 1.2 kB in 30 namespaces, and those namespaces.
#[derive(Debug)]
pub(crate) struct Cluster {
    count: u64,
    texts: Vec<String>,
}

/// More texts than the compressor's window holds, so that none is found again.
const TEXTS: u64 = 64;

impl Cluster {
    pub(crate) fn new(count: u64) -> Self {
        Self { count, texts: (0..TEXTS).map(text).collect() }
    }
}

fn resource(plural: &str, kind: &str) -> ApiResource {
    ApiResource {
        group: String::new(),
        version: "v1".into(),
        plural: plural.into(),
        singular: kind.to_lowercase(),
        kind: kind.into(),
        namespaced: true,
        preferred: true,
        short_names: vec![],
        verbs: ["create", "delete", "get", "list"].map(String::from).into(),
        subresources: [].into(),
    }
}

/// Text that compresses about as well as configuration does: words of a little generator seeded by the index.
fn text(index: u64) -> String {
    let mut state = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(1_300);
    while text.len() < 1_100 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        write!(text, "key-{:04x} = {:x}\\n", state & 0xffff, state >> 40).expect("a String takes all");
    }
    text
}

fn unsupported<T>(operation: &str) -> Result<T, ClusterError> {
    Err(ClusterError {
        kind: ClusterErrorKind::NotFound,
        operation: operation.into(),
        message: "this cluster only lists".into(),
        code: 404,
        retry_after: None,
        causes: vec![],
    })
}

#[async_trait]
impl ark::cluster::Cluster for Cluster {
    async fn discover(&self) -> Result<Discovery, ClusterError> {
        Ok(Discovery { resources: vec![resource("configmaps", "ConfigMap")], broken: vec![] })
    }

    async fn list(&self, _: &ApiResource, _: Option<&str>, options: &ListOptions) -> Result<ListPage, ClusterError> {
        // A real answer takes a moment, and so lets the pages fetched ahead be seen.
        tokio::time::sleep(Duration::from_millis(1)).await;
        let start: u64 = options.continue_token.as_deref().map_or(0, |token| token.parse().expect("our own token"));
        let end = (start + u64::from(options.limit.expect("a backup always pages"))).min(self.count);
        let items = (start..end)
            .map(|index| {
                RawObject::new(format!(
                    concat!(
                        r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"item-{:09}","#,
                        r#""namespace":"ns-{:02}","uid":"{:032x}","resourceVersion":"7"}},"data":{{"text":"{}"}}}}"#
                    ),
                    index,
                    index * 30 / self.count,
                    index,
                    self.texts[(index % TEXTS) as usize]
                ))
            })
            .collect();
        Ok(ListPage {
            items,
            continue_token: (end < self.count).then(|| end.to_string()),
            remaining_item_count: Some(self.count - end),
            resource_version: "7".into(),
        })
    }

    async fn get(&self, _: &ApiResource, _: Option<&str>, _: &str) -> Result<RawObject, ClusterError> {
        unsupported("get")
    }

    async fn create(&self, _: &ApiResource, _: Option<&str>, _: &RawObject) -> Result<RawObject, ClusterError> {
        unsupported("create")
    }

    async fn update(&self, _: Target<'_>, _: &RawObject) -> Result<RawObject, ClusterError> {
        unsupported("update")
    }

    async fn patch(&self, _: Target<'_>, _: &Patch) -> Result<RawObject, ClusterError> {
        unsupported("patch")
    }

    async fn delete(&self, _: Target<'_>, _: &DeleteOptions) -> Result<(), ClusterError> {
        unsupported("delete")
    }

    async fn watch(
        &self,
        _: &ApiResource,
        _: Option<&str>,
        _: &WatchOptions,
    ) -> Result<BoxStream<'static, Result<WatchEvent, ClusterError>>, ClusterError> {
        unsupported("watch")
    }

    async fn exec(&self, _: &ExecRequest) -> Result<ExecOutcome, ClusterError> {
        unsupported("exec")
    }
}
