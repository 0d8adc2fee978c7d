//! Discovery over HTTP: two requests where the server knows the aggregated form, else one a group version.

use bytes::Bytes;
use http::Method;
use serde::de::DeserializeOwned;

use super::http_io::{Http, JSON};
use super::page::corrupt;
use crate::cluster::discovery::{
    Aggregated, CoreVersions, GroupList, ResourceList, ServedGroup, assemble, group_version,
};
use crate::cluster::request::check_segment;
use crate::cluster::{BrokenGroup, ClusterError, Discovery};

/// Both ages of the aggregated form, and the plain one for servers that know neither.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
    application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// More group versions than this are not asked for one by one; a cluster full of operators has some three hundred.
const GROUP_VERSIONS_MAX: usize = 5_000;

pub(super) async fn discover(http: &Http<'_>) -> Result<Discovery, ClusterError> {
    let operation = "discover the API";
    let (mut groups, mut broken) = (Vec::new(), Vec::new());
    for path in ["/api", "/apis"] {
        let body = http.ask_for(operation, Method::GET, path, AGGREGATED, None).await?;
        let document: Aggregated = parse(operation, &body)?;
        if document.kind.as_deref() == Some("APIGroupDiscoveryList") {
            document.read(&mut groups, &mut broken);
            continue;
        }
        let plain = if path == "/api" {
            vec![parse::<CoreVersions>(operation, &body)?.into_group()]
        } else {
            parse::<GroupList>(operation, &body)?.into_groups()
        };
        describe(http, plain, &mut groups, &mut broken).await?;
    }
    Ok(assemble(groups, broken))
}

/// Asks for the resources of every group version; one that fails is named and the rest goes on.
async fn describe(
    http: &Http<'_>,
    plain: Vec<ServedGroup>,
    groups: &mut Vec<ServedGroup>,
    broken: &mut Vec<BrokenGroup>,
) -> Result<(), ClusterError> {
    let count: usize = plain.iter().map(|group| group.versions.len()).sum();
    if count > GROUP_VERSIONS_MAX {
        return Err(corrupt("discover the API", &format!("the server names {count} group versions")));
    }
    for mut group in plain {
        let mut served = Vec::new();
        for mut version in std::mem::take(&mut group.versions) {
            let name = group_version(&group.name, &version.version);
            match resources(http, &group.name, &version.version, &name).await {
                Ok(list) => {
                    version.resources = list.into_resources(&group.name, &version.version);
                    served.push(version);
                }
                Err(error) => broken.push(BrokenGroup { group_version: name, reason: error.message }),
            }
        }
        group.versions = served;
        groups.push(group);
    }
    Ok(())
}

async fn resources(http: &Http<'_>, group: &str, version: &str, name: &str) -> Result<ResourceList, ClusterError> {
    let operation = format!("discover {name}");
    check_segment(&operation, "version", version)?;
    let path = if group.is_empty() {
        format!("/api/{version}")
    } else {
        check_segment(&operation, "group", group)?;
        format!("/apis/{group}/{version}")
    };
    let body = http.ask_for(&operation, Method::GET, &path, JSON, None).await?;
    parse(&operation, &body)
}

fn parse<T: DeserializeOwned>(operation: &str, body: &Bytes) -> Result<T, ClusterError> {
    serde_json::from_slice(body)
        .map_err(|error| corrupt(operation, &format!("the answer is no discovery document: {error}")))
}
