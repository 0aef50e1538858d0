//! Networks and filters of groups: what they take, and what they make of it.

use std::net::IpAddr;

use api::group_filter::GroupFilter;
use api::network::Network;

#[test]
fn networks_match() {
    for (network, address, expected) in [
        ("10.0.0.0/8", "10.255.0.1", Some(8)),
        ("10.0.0.0/8", "11.0.0.1", None),
        ("10.0.0.0/8", "::ffff:10.1.2.3", Some(8)),
        ("192.168.1.7/32", "192.168.1.7", Some(32)),
        ("192.168.1.7/32", "192.168.1.6", None),
        ("0.0.0.0/0", "1.2.3.4", Some(0)),
        ("0.0.0.0/0", "fd00::1", None),
        ("::/0", "fd00::1", Some(0)),
        ("::/0", "::ffff:10.1.2.3", None),
        ("fd00::/9", "fd7f::1", Some(9)),
        ("fd00::/9", "fd80::1", None),
        ("::1/128", "::1", Some(128)),
    ] {
        let parsed: Network = network.parse().expect(network);
        let address: IpAddr = address.parse().expect(address);
        assert_eq!(parsed.matches(address), expected, "{network} {address}");
    }
    for text in [
        "",
        "10.0.0.0",
        "10.0.0.0/",
        "10.0.0.0/33",
        "::/129",
        "a/8",
        "10.0.0.0/+8",
        "10.0.0.0/999",
    ] {
        assert!(text.parse::<Network>().is_err(), "{text}");
    }
}

#[test]
fn filters_are_written_in_one_form() {
    for (text, expected) in [
        ("type:vm", Some("type:vm")),
        ("include:type:ct", Some("type:ct")),
        ("exclude:group:host/a.b-c", Some("exclude:group:host/a.b-c")),
        ("regex:^vm/1\\d+$", Some("regex:^vm/1\\d+$")),
        ("regex:a:b", Some("regex:a:b")),
        ("include:regex:", Some("regex:")),
        ("include:include:type:vm", None),
        ("exclude:", None),
        ("type:", None),
        ("Type:vm", None),
        ("group:vm/.a", None),
        ("group:qemu/1", None),
        ("regex:[", None),
        ("regex:(a{1000}){1000}", None),
        ("", None),
    ] {
        let found = text.parse::<GroupFilter>().map(|filter| filter.to_string());
        assert_eq!(found.as_deref().ok(), expected, "{text}");
    }
    let long = format!("regex:{}", "a".repeat(5000));
    assert!(long.parse::<GroupFilter>().is_err());
}
