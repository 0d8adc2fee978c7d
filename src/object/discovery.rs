//! [`Discovery`]: what a cluster serves. It lies beside the names that are looked up in it, and [`crate::cluster`] hands it
//! out.

use super::ApiResource;

/// What [`Cluster::discover`](crate::cluster::Cluster::discover) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// Every served resource in every version, without subresources. The server's order of groups, with `extensions`
    /// last; inside a group the preferred version first; inside a version by plural name.
    pub resources: Vec<ApiResource>,
    /// Groups the server could not describe, such as an aggregated API whose backend is down.
    pub broken: Vec<BrokenGroup>,
}

/// A group and version that could not be discovered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BrokenGroup {
    /// `metrics.k8s.io/v1beta1`.
    pub group_version: String,
    /// What the server said.
    pub reason: String,
}
