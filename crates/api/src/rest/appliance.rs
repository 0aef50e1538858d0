//! Below `/nodes/{node}`, what administers the machine itself (server.md 10). This server does not own the machine, so most of these calls only have
//! their parameters here.

use crate::kinds;
use crate::pattern;
use crate::schema::{Field, Format, Kind, Param, Returns, Schema};

const ANY: usize = usize::MAX;
const NODE: &[Param] = &[Param::required("node", kinds::NODE)];

/// The node alone.
pub const NODE_ONLY: Schema = Schema(&[NODE]);

/// `POST status`
pub const POWER: Schema = Schema(&[
    NODE,
    &[Param::required(
        "command",
        Kind::Enum(&["reboot", "shutdown"]),
    )],
]);

// apt

const PACKAGE_NAME: Kind = Kind::pattern(0, ANY, package_name);

/// `[a-z0-9][-+.a-z0-9:]+`
fn package_name(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    text.len() > 1
        && text.bytes().next().is_some_and(word)
        && text.bytes().all(|b| word(b) || b"-+.:".contains(&b))
}

/// `GET apt/changelog`
pub const CHANGELOG: Schema = Schema(&[
    NODE,
    &[
        Param::required("name", PACKAGE_NAME),
        Param::optional("version", kinds::TEXT),
    ],
]);
/// `POST apt/update`
pub const APT_UPDATE: Schema = Schema(&[
    NODE,
    &[
        Param::optional("notify", Kind::Boolean).or("false"),
        Param::optional("quiet", Kind::Boolean).or("false"),
    ],
]);
/// `POST apt/repositories`
pub const REPOSITORY_CHANGE: Schema = Schema(&[
    NODE,
    &[
        Param::required("path", kinds::TEXT),
        Param::required("index", Kind::at_least(i64::MIN)),
        Param::optional("enabled", Kind::Boolean),
        Param::optional("digest", kinds::DIGEST),
    ],
]);

/// `[a-z][a-z0-9]*(-[a-z0-9]+)*`
fn repository_handle(text: &str) -> bool {
    let word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.split('-').all(word)
}

/// `PUT apt/repositories`
pub const REPOSITORY_ADD: Schema = Schema(&[
    NODE,
    &[
        Param::required("handle", Kind::pattern(0, ANY, repository_handle)),
        Param::optional("digest", kinds::DIGEST),
    ],
]);

// disks

/// `sda`, `vdb`, `nvme0n1`; the original looks for it anywhere in the text.
fn disk(text: &str) -> bool {
    let by_letters = ["hd", "sd", "vd", "xvd"].iter().any(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()))
    });
    by_letters || (0..text.len()).any(|at| text.get(at..).is_some_and(ends_as_nvme))
}

/// `nvme\d+n\d+$`
fn ends_as_nvme(text: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.strip_prefix("nvme")
        .and_then(|rest| rest.split_once('n'))
        .is_some_and(|(controller, space)| number(controller) && number(space))
}

/// The same, or one of its partitions.
fn disk_or_partition(text: &str) -> bool {
    let whole = text
        .rsplit_once('p')
        .filter(|(_, number)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
        .map_or(text, |(whole, _)| whole);
    disk(text) || disk(whole)
}

const DISK: Kind = Kind::pattern(3, 64, disk);

/// `PUT disks/wipedisk`
pub const WIPE: Schema = Schema(&[
    NODE,
    &[Param::required(
        "disk",
        Kind::pattern(3, 64, disk_or_partition),
    )],
]);
/// `POST disks/initgpt`
pub const INIT_GPT: Schema = Schema(&[
    NODE,
    &[
        Param::required("disk", DISK),
        Param::optional(
            "uuid",
            Kind::Text {
                min: 0,
                max: 36,
                format: Format::Any,
            },
        ),
    ],
]);
/// `GET disks/smart`
pub const SMART: Schema = Schema(&[
    NODE,
    &[
        Param::required("disk", DISK),
        Param::optional("healthonly", Kind::Boolean),
    ],
]);
const MOUNT_NAME: &[Param] = &[Param::required("name", kinds::STORE)];
/// `POST disks/directory`
pub const DIRECTORY_CREATE: Schema = Schema(&[
    NODE,
    MOUNT_NAME,
    &[
        Param::required("disk", DISK),
        Param::optional("filesystem", Kind::Enum(&["ext4", "xfs"])),
        Param::optional("add-datastore", Kind::Boolean).or("false"),
        Param::optional("removable-datastore", Kind::Boolean).or("false"),
    ],
]);
/// `DELETE disks/directory/{name}`
pub const DIRECTORY: Schema = Schema(&[NODE, MOUNT_NAME]);
/// `POST disks/zfs`
pub const ZFS_CREATE: Schema = Schema(&[
    NODE,
    MOUNT_NAME,
    &[
        Param::required(
            "devices",
            Kind::Text {
                min: 0,
                max: ANY,
                format: Format::List(&DISK),
            },
        ),
        Param::required(
            "raidlevel",
            Kind::Enum(&["single", "mirror", "raid10", "raidz", "raidz2", "raidz3"]),
        ),
        Param::optional("ashift", Kind::Integer { min: 9, max: 16 }).or("12"),
        Param::optional(
            "compression",
            Kind::Enum(&["gzip", "lz4", "lzjb", "zle", "zstd", "on", "off"]),
        ),
        Param::optional("add-datastore", Kind::Boolean),
    ],
]);

/// `[a-zA-Z][a-z0-9A-Z\-_.:]+`
fn pool(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

/// `GET disks/zfs/{name}`
pub const ZFS: Schema = Schema(&[
    NODE,
    &[Param::required("name", Kind::pattern(0, ANY, pool))],
]);

// network

const INTERFACE: Kind = Kind::pattern(1, 15, pattern::safe_id);
const INTERFACE_LIST: Kind = Kind::Text {
    min: 0,
    max: ANY,
    format: Format::List(&INTERFACE),
};
const METHOD: Kind = Kind::Enum(&["manual", "static", "dhcp", "loopback", "auto"]);

fn v4(text: &str) -> bool {
    text.parse::<std::net::Ipv4Addr>().is_ok()
}

fn v6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

fn within(text: &str, is_address: fn(&str) -> bool, bits_max: u8) -> bool {
    text.split_once('/').is_some_and(|(address, bits)| {
        is_address(address)
            && bits.bytes().all(|b| b.is_ascii_digit())
            && bits.parse::<u8>().is_ok_and(|bits| bits <= bits_max)
    })
}

fn cidr_v4(text: &str) -> bool {
    within(text, v4, 32)
}

fn cidr_v6(text: &str) -> bool {
    within(text, v6, 128)
}

const INTERFACE_NAME: &[Param] = &[Param::required("iface", INTERFACE)];
const INTERFACE_OPTIONS: &[Param] = &[
    Param::optional("autostart", Kind::Boolean),
    Param::optional("bond-primary", INTERFACE),
    Param::optional(
        "bond_mode",
        Kind::Enum(&[
            "balance-rr",
            "active-backup",
            "balance-xor",
            "broadcast",
            "802.3ad",
            "balance-tlb",
            "balance-alb",
        ]),
    ),
    Param::optional(
        "bond_xmit_hash_policy",
        Kind::Enum(&["layer2", "layer2+3", "layer3+4"]),
    ),
    Param::optional("bridge_ports", INTERFACE_LIST),
    Param::optional("bridge_vlan_aware", Kind::Boolean),
    Param::optional("cidr", Kind::pattern(0, 18, cidr_v4)),
    Param::optional("cidr6", Kind::pattern(0, 43, cidr_v6)),
    Param::optional("comments", kinds::TEXT),
    Param::optional("comments6", kinds::TEXT),
    Param::optional("gateway", Kind::pattern(0, 15, v4)),
    Param::optional("gateway6", Kind::pattern(0, 39, v6)),
    Param::optional("method", METHOD),
    Param::optional("method6", METHOD),
    Param::optional(
        "mtu",
        Kind::Integer {
            min: 46,
            max: 65_535,
        },
    )
    .or("1500"),
    Param::optional("slaves", INTERFACE_LIST),
    Param::optional(
        "type",
        Kind::Enum(&[
            "loopback", "eth", "bridge", "bond", "vlan", "alias", "unknown",
        ]),
    ),
    Param::optional("vlan-id", Kind::at_least(i64::MIN)),
    Param::optional("vlan-raw-device", INTERFACE),
];

/// `GET network/{iface}`
pub const INTERFACE_ONE: Schema = Schema(&[NODE, INTERFACE_NAME]);
/// `POST network`
pub const INTERFACE_CREATE: Schema = Schema(&[NODE, INTERFACE_NAME, INTERFACE_OPTIONS]);
/// `PUT network/{iface}`
pub const INTERFACE_UPDATE: Schema = Schema(&[
    NODE,
    INTERFACE_NAME,
    INTERFACE_OPTIONS,
    &[
        Param::optional(
            "delete",
            Kind::Array(&Kind::Enum(&[
                "cidr",
                "cidr6",
                "gateway",
                "gateway6",
                "method",
                "method6",
                "comments",
                "comments6",
                "mtu",
                "autostart",
                "bridge_ports",
                "bridge_vlan_aware",
                "slaves",
                "bond-primary",
                "bond_xmit_hash_policy",
            ])),
        ),
        Param::optional("digest", kinds::DIGEST),
    ],
]);
/// `DELETE network/{iface}`
pub const INTERFACE_DELETE: Schema = Schema(&[
    NODE,
    INTERFACE_NAME,
    &[Param::optional("digest", kinds::DIGEST)],
]);

// dns and time

fn address(text: &str) -> bool {
    v4(text) || v6(text)
}

const ADDRESS: Kind = Kind::pattern(0, ANY, address);

/// `PUT dns`
pub const DNS_UPDATE: Schema = Schema(&[
    NODE,
    &[
        Param::optional("search", kinds::TEXT),
        Param::optional("dns1", ADDRESS),
        Param::optional("dns2", ADDRESS),
        Param::optional("dns3", ADDRESS),
        Param::optional(
            "delete",
            Kind::Array(&Kind::Enum(&["dns1", "dns2", "dns3"])),
        ),
        Param::optional("digest", kinds::DIGEST),
    ],
]);
/// `PUT time`
pub const TIME_UPDATE: Schema = Schema(&[NODE, &[Param::required("timezone", kinds::PERSONAL)]]);

// services, subscription, consoles

/// One service.
pub const SERVICE: Schema = Schema(&[
    NODE,
    &[Param::required(
        "service",
        Kind::Text {
            min: 0,
            max: 256,
            format: Format::Any,
        },
    )],
]);
/// `POST subscription`
pub const SUBSCRIPTION_CHECK: Schema =
    Schema(&[NODE, &[Param::optional("force", Kind::Boolean).or("false")]]);
/// `PUT subscription`
pub const SUBSCRIPTION_SET: Schema = Schema(&[NODE, &[Param::required("key", kinds::TEXT)]]);
/// `POST termproxy`
pub const TERMINAL: Schema = Schema(&[
    NODE,
    &[Param::optional("cmd", Kind::Enum(&["login", "upgrade"]))],
]);
/// `GET vncwebsocket`
pub const WEBSOCKET: Schema = Schema(&[
    NODE,
    &[
        Param::required("vncticket", kinds::TEXT),
        Param::required("port", Kind::at_least(i64::MIN)),
    ],
]);

/// The id of a task.
pub const TASK_ID: Returns = Returns::Value(kinds::UPID);
/// What a terminal is reached by.
pub const TERMINAL_ACCESS: Returns = Returns::object(&[
    Field::new("port", Returns::INTEGER),
    Field::new("ticket", Returns::TEXT),
    Field::new("upid", Returns::TEXT),
    Field::new("user", Returns::TEXT),
]);

/// `GET disks/directory`
pub const DIRECTORIES: Returns = Returns::List(&Returns::object(&[
    Field::new("device", Returns::TEXT),
    Field::optional("filesystem", Returns::TEXT),
    Field::new("name", Returns::TEXT),
    Field::optional("options", Returns::TEXT),
    Field::new("path", Returns::TEXT),
    Field::new("removable", Returns::BOOLEAN),
    Field::new("unitfile", Returns::TEXT),
]));
/// `GET disks/zfs`
pub const POOLS: Returns = Returns::List(&Returns::object(&[
    Field::new("alloc", Returns::INTEGER),
    Field::new("dedup", Returns::NUMBER),
    Field::new("frag", Returns::INTEGER),
    Field::new("free", Returns::INTEGER),
    Field::new("health", Returns::TEXT),
    Field::new("name", Returns::TEXT),
    Field::new("size", Returns::INTEGER),
]));
/// `GET disks/zfs/{name}`
pub const POOL: Returns = Returns::object(&[]);
/// `GET disks/smart`
pub const HEALTH: Returns = Returns::object(&[
    Field::new(
        "attributes",
        Returns::List(&Returns::object(&[
            Field::optional("flags", Returns::TEXT),
            Field::optional("id", Returns::INTEGER),
            Field::new("name", Returns::TEXT),
            Field::optional("normalized", Returns::NUMBER),
            Field::new("raw", Returns::TEXT),
            Field::optional("threshold", Returns::NUMBER),
            Field::new("value", Returns::TEXT),
            Field::optional("worst", Returns::NUMBER),
        ])),
    ),
    Field::new("status", Returns::TEXT),
    Field::optional("wearout", Returns::NUMBER),
]);
/// `GET apt/repositories`
pub const REPOSITORIES: Returns = Returns::object(&[
    Field::new("digest", Returns::TEXT),
    Field::new(
        "errors",
        Returns::List(&Returns::object(&[
            Field::new("error", Returns::TEXT),
            Field::new("path", Returns::TEXT),
        ])),
    ),
    Field::new(
        "files",
        Returns::List(&Returns::object(&[
            Field::optional("content", Returns::TEXT),
            Field::optional("digest", Returns::TEXT),
            Field::new("file-type", Returns::TEXT),
            Field::optional("path", Returns::TEXT),
            Field::new("repositories", Returns::List(&REPOSITORY)),
        ])),
    ),
    Field::new(
        "infos",
        Returns::List(&Returns::object(&[
            Field::new("index", Returns::INTEGER),
            Field::new("kind", Returns::TEXT),
            Field::new("message", Returns::TEXT),
            Field::new("path", Returns::TEXT),
            Field::optional("property", Returns::TEXT),
        ])),
    ),
    Field::new(
        "standard-repos",
        Returns::List(&Returns::object(&[
            Field::new("description", Returns::TEXT),
            Field::new("handle", Returns::TEXT),
            Field::new("name", Returns::TEXT),
            Field::optional("status", Returns::BOOLEAN),
        ])),
    ),
]);
const REPOSITORY: Returns = Returns::object(&[
    Field::optional("Comment", Returns::TEXT),
    Field::new("Components", Returns::List(&Returns::TEXT)),
    Field::new("Enabled", Returns::BOOLEAN),
    Field::new("FileType", Returns::TEXT),
    Field::optional(
        "Options",
        Returns::List(&Returns::object(&[
            Field::new("Key", Returns::TEXT),
            Field::new("Values", Returns::List(&Returns::TEXT)),
        ])),
    ),
    Field::new("Suites", Returns::List(&Returns::TEXT)),
    Field::new("Types", Returns::List(&Returns::TEXT)),
    Field::new("URIs", Returns::List(&Returns::TEXT)),
]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_disks_packages_and_networks() {
        type Check = fn(&str) -> bool;
        for (check, text, expected) in [
            (disk as Check, "sda", true),
            (disk, "xvdb", true),
            (disk, "nvme0n1", true),
            (disk, "nvme0", false),
            (disk, "loop0", false),
            (disk, "", false),
            (disk_or_partition, "nvme0n1p2", true),
            (disk_or_partition, "sda1", true),
            (disk_or_partition, "md0", false),
            (package_name, "libc6:amd64", true),
            (package_name, "x", false),
            (package_name, "-x", false),
            (repository_handle, "no-subscription", true),
            (repository_handle, "no--x", false),
            (repository_handle, "1x", false),
            (pool, "tank", true),
            (pool, "0x", false),
            (cidr_v4, "192.0.2.1/24", true),
            (cidr_v4, "192.0.2.1/33", false),
            (cidr_v4, "192.0.2.1", false),
            (cidr_v6, "2001:db8::1/64", true),
            (cidr_v6, "2001:db8::1/+4", false),
        ] {
            assert_eq!(check(text), expected, "{text:?}");
        }
    }
}
