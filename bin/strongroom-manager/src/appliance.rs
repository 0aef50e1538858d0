//! Commands for the machine itself that only the original's appliance has (cli.md 5.12). They are in the tree with all their options, so that a
//! script is told what it cannot have and not that its words are wrong. Where a route does the work, its row comes before these.

use anyhow::Result;
use api::kinds::{self, TEXT};
use api::schema::{Kind, Param, Schema};
use console::report::Failure;

/// A command that does nothing here.
pub struct Gone {
    pub words: &'static str,
    pub about: &'static str,
    pub positional: &'static [&'static str],
    pub params: Schema,
    pub output: bool,
    why: &'static str,
}

const fn gone(
    words: &'static str,
    positional: &'static [&'static str],
    params: &'static [&'static [Param]],
    why: &'static str,
) -> Gone {
    Gone {
        words,
        about: "Not available on this installation.",
        positional,
        params: Schema(params),
        output: false,
        why,
    }
}

impl Gone {
    /// Takes `--output-format`.
    const fn data(mut self) -> Gone {
        self.output = true;
        self
    }

    /// Says what is not done here, and who does it.
    pub fn refuse(&self) -> Result<()> {
        let text = format!("'{}' is not available on this installation", self.words);
        Err(Failure::new(text).hint(self.why).into())
    }
}

/// The command of these words.
pub fn find(words: &str) -> Option<&'static Gone> {
    ALL.iter().find(|gone| gone.words == words)
}

const DNS: &str = "name servers are set in /etc/resolv.conf or by the system's own service";
const NETWORK: &str =
    "network interfaces are the operating system's affair; set them with its tools";
const DISKS: &str =
    "disks are prepared with the operating system's tools; then `datastore create NAME PATH`";
const REVOKE: &str = "a certificate is revoked where it was ordered; `cert update --force` makes a new one of our own";
const SUBSCRIPTION: &str = "subscriptions are the original vendor's; this program needs none";

const fn text(name: &'static str) -> Param {
    Param::optional(name, TEXT)
}

const fn needed(name: &'static str) -> Param {
    Param::required(name, TEXT)
}

const METHOD: Kind = Kind::Enum(&["manual", "static", "dhcp", "loopback", "auto"]);
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)];
const IFACE: &[Param] = &[needed("iface")];
const DISK: &[Param] = &[needed("disk")];
const NAME: &[Param] = &[needed("name")];
const ADD: &[Param] = &[Param::optional("add-datastore", Kind::Boolean)];

#[rustfmt::skip]
const INTERFACE: &[Param] = &[
    Param::optional("type", Kind::Enum(&["loopback", "eth", "bridge", "bond", "vlan", "alias", "unknown"])),
    Param::optional("autostart", Kind::Boolean),
    Param::optional("method", METHOD),
    Param::optional("method6", METHOD),
    text("cidr"), text("cidr6"), text("gateway"), text("gateway6"),
    Param::optional("mtu", Kind::Integer { min: 46, max: 65535 }).or("1500"),
    text("bridge_ports"),
    Param::optional("bridge_vlan_aware", Kind::Boolean),
    Param::optional("vlan-id", Kind::Integer { min: 1, max: 4094 }),
    text("vlan-raw-device"),
    Param::optional("bond_mode", Kind::Enum(&["balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad", "balance-tlb", "balance-alb"])),
    text("bond-primary"),
    Param::optional("bond_xmit_hash_policy", Kind::Enum(&["layer2", "layer2+3", "layer3+4"])),
    text("slaves"), text("comments"), text("comments6"),
];

#[rustfmt::skip]
const INTERFACE_DELETE: &[Param] = &[Param::optional("delete", Kind::Array(&Kind::Enum(&[
    "cidr", "cidr6", "gateway", "gateway6", "method", "method6", "comments", "comments6", "mtu", "autostart", "bridge_ports",
    "bridge_vlan_aware", "slaves", "bond-primary", "bond_xmit_hash_policy",
])))];

#[rustfmt::skip]
const POOL: &[Param] = &[
    needed("devices"),
    Param::required("raidlevel", Kind::Enum(&["single", "mirror", "raid10", "raidz", "raidz2", "raidz3"])),
    Param::optional("ashift", Kind::Integer { min: 9, max: 16 }).or("12"),
    Param::optional("compression", Kind::Enum(&["gzip", "lz4", "lzjb", "zle", "zstd", "on", "off"])).or("on"),
];

#[rustfmt::skip]
const NAME_SERVERS: &[Param] = &[
    text("search"), text("dns1"), text("dns2"), text("dns3"),
    Param::optional("delete", Kind::Array(&Kind::Enum(&["dns1", "dns2", "dns3"]))),
];

/// By their words.
#[rustfmt::skip]
pub const ALL: &[Gone] = &[
    gone("acme cert revoke", &[], &[], REVOKE),
    gone("disk fs create", &["name"], &[NAME, &[needed("disk"), Param::optional("filesystem", Kind::Enum(&["ext4", "xfs"]))], ADD], DISKS),
    gone("disk fs delete", &["name"], &[NAME], DISKS),
    gone("disk fs list", &[], &[], DISKS).data(),
    gone("disk initialize", &["disk"], &[DISK, &[text("uuid")]], DISKS),
    gone("disk list", &[], &[], DISKS).data(),
    gone("disk smart-attributes", &["disk"], &[DISK], DISKS).data(),
    gone("disk wipe", &["disk"], &[DISK], DISKS),
    gone("disk zpool create", &["name"], &[NAME, POOL, ADD], DISKS),
    gone("disk zpool list", &[], &[], DISKS).data(),
    gone("dns get", &[], &[], DNS).data(),
    gone("dns set", &[], &[NAME_SERVERS, DIGEST], DNS),
    gone("network changes", &[], &[], NETWORK),
    gone("network create", &["iface"], &[IFACE, INTERFACE], NETWORK),
    gone("network list", &[], &[], NETWORK).data(),
    gone("network reload", &[], &[], NETWORK),
    gone("network remove", &["iface"], &[IFACE, DIGEST], NETWORK),
    gone("network revert", &[], &[], NETWORK),
    gone("network update", &["iface"], &[IFACE, INTERFACE, INTERFACE_DELETE, DIGEST], NETWORK),
    gone("subscription get", &[], &[], SUBSCRIPTION).data(),
    gone("subscription remove", &[], &[], SUBSCRIPTION),
    gone("subscription set", &["key"], &[&[needed("key")]], SUBSCRIPTION),
    gone("subscription set-offline-key", &["data"], &[&[needed("data")]], SUBSCRIPTION),
    gone("subscription update", &[], &[&[Param::optional("force", Kind::Boolean).or("false")]], SUBSCRIPTION),
];
