//! IP addresses and ranges of them, as fields hold them: what is wrong with them, and what a writer is warned of.
//!
//! Older fields take forms that newer ones do not; nobody takes zeros in front, or IPv4 inside IPv6. Both can be read all the same
//! ([`sloppy`]), so that messages can tell what was meant.

use std::net::IpAddr;

use serde_json::Value;

use super::Causes;

/// An address, zeros in front of its numbers or not.
pub(crate) fn sloppy(text: &str) -> Option<IpAddr> {
    let plain = |group: &str| match group.trim_start_matches('0') {
        "" if !group.is_empty() => "0".to_owned(),
        rest => rest.to_owned(),
    };
    let four = |text: &str| text.split('.').map(plain).collect::<Vec<_>>().join(".");
    if !text.contains(':') {
        return four(text).parse().ok();
    }
    let groups = text.split(':').map(|group| if group.contains('.') { four(group) } else { plain(group) });
    groups.collect::<Vec<_>>().join(":").parse().ok()
}

/// The form that everybody agrees on.
fn canonical(address: IpAddr) -> String {
    address.to_canonical().to_string()
}

fn is_mapped(address: IpAddr) -> bool {
    address.is_ipv6() && address.to_canonical().is_ipv4()
}

/// Whether it is an IPv4 address, inside an IPv6 one too.
pub(crate) fn is_four(address: IpAddr) -> bool {
    address.to_canonical().is_ipv4()
}

/// What is wrong with an address in an older field.
pub(crate) fn legacy_problems(text: &str) -> Vec<String> {
    let Some(address) = sloppy(text) else {
        return vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()];
    };
    match text.parse::<IpAddr>() {
        Err(_) => vec!["must not have leading 0s".to_owned()],
        Ok(_) if is_mapped(address) => vec!["must not be an IPv4-mapped IPv6 address".to_owned()],
        Ok(_) => Vec::new(),
    }
}

/// What is wrong with an address in a newer field.
pub(crate) fn problems(text: &str) -> Vec<String> {
    let wrong = legacy_problems(text);
    match sloppy(text).map(canonical) {
        Some(form) if wrong.is_empty() && form != text => vec![format!("must be in canonical form ({form:?})")],
        _ => wrong,
    }
}

/// What whoever writes an address to an older field is warned of.
pub(crate) fn warning(path: &str, text: &str) -> Option<String> {
    let address = sloppy(text)?;
    let form = canonical(address);
    if text.parse::<IpAddr>().is_err() || is_mapped(address) {
        return Some(format!("{path}: non-standard IP address {text:?} is invalid: use {form:?}"));
    }
    (address.is_ipv6() && form != text)
        .then(|| format!("{path}: IPv6 address {text:?} should be in RFC 5952 canonical format ({form:?})"))
}

/// What is wrong with an address that traffic is sent to.
pub(crate) fn endpoint_problems(text: &str) -> Vec<String> {
    let Some(address) = sloppy(text).map(|address| address.to_canonical()) else {
        return vec!["must be a valid IP address".to_owned()];
    };
    let (link, group) = match address {
        IpAddr::V4(four) => (four.is_link_local(), four.octets()[..3] == [224, 0, 0]),
        IpAddr::V6(six) => (six.is_unicast_link_local(), six.segments()[0] & 0xff0f == 0xff02),
    };
    [
        (address.is_unspecified(), format!("may not be unspecified ({text})")),
        (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()),
        (link, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()),
        (group, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned()),
    ]
    .into_iter()
    .filter_map(|(wrong, why)| wrong.then_some(why))
    .collect()
}

/// An address and how many of its bits are the network's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) address: IpAddr,
    /// The address without the bits behind the prefix.
    pub(crate) network: IpAddr,
    pub(crate) length: u8,
}

impl Range {
    /// `10.0.0.0/8`, zeros in front or not, bits behind the prefix or not.
    pub(crate) fn sloppy(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address = sloppy(address)?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let length = length.parse::<u8>().ok().filter(|length| *length <= if address.is_ipv4() { 32 } else { 128 })?;
        Some(Self { address, network: masked(address, length), length })
    }

    /// Whether an address is in it.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let (network, length) = self.plain();
        let address = address.to_canonical();
        network.is_ipv4() == address.is_ipv4() && masked(address, length) == network
    }

    /// The network and its length, those of IPv4 where it is inside IPv6.
    fn plain(&self) -> (IpAddr, u8) {
        let length = if is_mapped(self.network) { self.length.saturating_sub(96) } else { self.length };
        (self.network.to_canonical(), length)
    }

    fn canonical(&self) -> String {
        let (network, length) = self.plain();
        format!("{network}/{length}")
    }

    /// The range as it is read where zeros in front are not taken.
    fn strict(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        address.parse::<IpAddr>().ok()?;
        if length.len() > 1 && length.starts_with('0') {
            return None;
        }
        Self::sloppy(text)
    }
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(four) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length.min(32))).unwrap_or_default();
            IpAddr::V4((four.to_bits() & mask).into())
        }
        IpAddr::V6(six) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or_default();
            IpAddr::V6((six.to_bits() & mask).into())
        }
    }
}

/// What is wrong with a range in an older field.
pub(crate) fn legacy_range_problems(text: &str) -> Vec<String> {
    if Range::sloppy(text).is_none() {
        return vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()];
    }
    let why = match Range::strict(text) {
        None => "must not have leading 0s in IP or prefix length",
        Some(range) if is_mapped(range.address) => "must not have an IPv4-mapped IPv6 address",
        Some(range) if range.address != range.network => "must not have bits set beyond the prefix length",
        Some(_) => return Vec::new(),
    };
    vec![why.to_owned()]
}

/// What is wrong with a range in a newer field.
pub(crate) fn range_problems(text: &str) -> Vec<String> {
    let wrong = legacy_range_problems(text);
    match Range::sloppy(text).map(|range| range.canonical()) {
        Some(form) if wrong.is_empty() && form != text => vec![format!("must be in canonical form ({form:?})")],
        _ => wrong,
    }
}

/// What whoever writes a range to an older field is warned of.
pub(crate) fn range_warnings(path: &str, text: &str) -> Vec<String> {
    let Some(range) = Range::sloppy(text) else {
        return Vec::new();
    };
    let mut warnings = Vec::new();
    let form = range.canonical();
    if range.address.to_canonical() != range.network.to_canonical() {
        let one = format!("{}/{}", canonical(range.address), if range.address.is_ipv4() { 32 } else { 128 });
        warnings
            .push(format!("{path}: CIDR value {text:?} is ambiguous in this context (should be {form:?} or {one:?}?)"));
    }
    match Range::strict(text) {
        Some(strict) if !is_mapped(strict.address) => {
            let form = format!("{}/{}", strict.address, strict.length);
            if warnings.is_empty() && strict.address.is_ipv6() && form != text {
                warnings.push(format!(
                    "{path}: IPv6 CIDR value {text:?} should be in RFC 5952 canonical format ({form:?})"
                ));
            }
        }
        _ => warnings.push(format!("{path}: non-standard CIDR value {text:?} is invalid: use {form:?}")),
    }
    warnings
}

/// Problems of a text as causes at a field.
pub(crate) fn refuse(field: &str, text: &str, problems: Vec<String>, causes: &mut Causes) {
    for problem in problems {
        causes.invalid(field, &Value::from(text), &problem);
    }
}

/// An address in an older field, unless it was there before. Whether it is fine.
pub(crate) fn legacy(field: &str, text: &str, before: &[&str], causes: &mut Causes) -> bool {
    let wrong = if before.contains(&text) { Vec::new() } else { legacy_problems(text) };
    let fine = wrong.is_empty();
    refuse(field, text, wrong, causes);
    fine
}

/// A range in an older field, unless it was there before.
pub(crate) fn legacy_range(field: &str, text: &str, before: &[&str], causes: &mut Causes) {
    if !before.contains(&text) {
        refuse(field, text, legacy_range_problems(text), causes);
    }
}

/// Whether it is an address of IPv6.
pub(crate) fn is_six(text: &str) -> bool {
    sloppy(text).is_some_and(|address| !is_four(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_form() {
        for (text, older, newer) in [
            ("10.0.0.1", "", ""),
            ("2001:db8::1", "", ""),
            ("2001:DB8:0::1", "", "must be in canonical form (\"2001:db8::1\")"),
            ("010.0.0.1", "must not have leading 0s", "must not have leading 0s"),
            ("00001::", "must not have leading 0s", "must not have leading 0s"),
            ("::ffff:1.2.3.4", "must not be an IPv4-mapped IPv6 address", "must not be an IPv4-mapped IPv6 address"),
            (
                "1.2.3",
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
                "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            ),
        ] {
            assert_eq!(legacy_problems(text).join(""), older, "{text}");
            assert_eq!(problems(text).join(""), newer, "{text}");
        }
        assert_eq!(
            warning("a", "010.0.0.1").as_deref(),
            Some("a: non-standard IP address \"010.0.0.1\" is invalid: use \"10.0.0.1\"")
        );
        assert_eq!(warning("a", "10.0.0.1"), None);
        assert_eq!(endpoint_problems("127.0.0.1").len(), 1);
        assert_eq!(endpoint_problems("ff02::1").len(), 1);
        assert_eq!(endpoint_problems("10.0.0.1").len(), 0);
    }

    #[test]
    fn ranges_have_one_form() {
        for (text, why) in [
            ("10.0.0.0/8", ""),
            ("0.0.0.0/0", ""),
            ("::/0", ""),
            ("10.0.0.1/8", "must not have bits set beyond the prefix length"),
            ("10.0.0.0/08", "must not have leading 0s in IP or prefix length"),
            ("::ffff:10.0.0.0/104", "must not have an IPv4-mapped IPv6 address"),
            ("2001:DB8::/32", "must be in canonical form (\"2001:db8::/32\")"),
            ("10.0.0.0/33", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
            ("10.0.0.0", "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
        ] {
            assert_eq!(range_problems(text).join(""), why, "{text}");
        }
        assert_eq!(
            range_warnings("a", "10.0.0.1/8"),
            [
                "a: CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)"
            ]
        );
        let range = Range::sloppy("10.1.0.0/16").expect("a range");
        assert!(range.contains(sloppy("10.1.2.3").expect("an address")));
        assert!(!range.contains(sloppy("10.2.2.3").expect("an address")));
        assert!(!range.contains(sloppy("::1").expect("an address")));
    }
}
