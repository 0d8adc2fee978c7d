//! A kubeconfig that leads to a served simulator.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What a file that this crate wrote begins with: only such a file may be overwritten.
pub const MARK: &str = "# Written by kubesim. It leads to a simulated cluster and holds no secrets.\n";

/// The name of cluster, user and context.
const NAME: &str = "kubesim";

/// Where clients reach a server that listens at `address`: all interfaces are reached on the loopback.
pub fn server_url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// The text of a kubeconfig for a server that listens at `address`.
pub fn kubeconfig(address: SocketAddr) -> String {
    let url = server_url(address);
    format!(
        "{MARK}apiVersion: v1\nkind: Config\ncurrent-context: {NAME}\npreferences: {{}}\nclusters:\n- name: {NAME}\n  \
         cluster:\n    server: {url}\nusers:\n- name: {NAME}\n  user: {{}}\ncontexts:\n- name: {NAME}\n  context:\n    \
         cluster: {NAME}\n    user: {NAME}\n    namespace: default\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_kubeconfig() {
        let text = kubeconfig("0.0.0.0:7000".parse().unwrap());
        let value = crate::manifest::yaml(&text).unwrap();
        assert_eq!(value["clusters"][0]["cluster"]["server"], "http://127.0.0.1:7000");
        assert_eq!(value["contexts"][0]["context"]["namespace"], "default");
        assert_eq!(server_url("[::]:1".parse().unwrap()), "http://[::1]:1");
    }
}
