//! Below `/nodes/{node}`, what the server tells about itself and, as far as it can, about its machine (server.md 10). What it leaves to the machine
//! is in [`super::appliance`].

use serde::{Deserialize, Serialize};

use crate::kinds;
use crate::schema::{Field, Format, Kind, Param, Returns, Schema};

/// `GET /nodes/{node}/dns`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// SHA-256 of the file that says so.
    pub digest: String,
    /// First name server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns1: Option<String>,
    /// Second name server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns2: Option<String>,
    /// Third name server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dns3: Option<String>,
    /// Domain of names without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// Members of [`Dns`].
pub const DNS: Returns = Returns::object(&[
    Field::new("digest", Returns::Value(kinds::DIGEST)),
    Field::optional("dns1", Returns::TEXT),
    Field::optional("dns2", Returns::TEXT),
    Field::optional("dns3", Returns::TEXT),
    Field::optional("search", Returns::TEXT),
]);

/// `GET /nodes/{node}/time`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Time {
    /// Seconds since the epoch, with the zone's offset added.
    pub localtime: i64,
    /// Seconds since the epoch.
    pub time: i64,
    /// Its name.
    pub timezone: String,
}

/// Members of [`Time`].
pub const TIME: Returns = Returns::object(&[
    Field::new("localtime", Returns::INTEGER),
    Field::new("time", Returns::INTEGER),
    Field::new("timezone", Returns::Value(kinds::PERSONAL)),
]);

/// `GET /nodes/{node}/services`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Service {
    /// One line.
    pub desc: String,
    /// What it is called.
    pub name: String,
    /// By what name it is asked for.
    pub service: String,
    /// `running` and others.
    pub state: String,
    /// Whether it starts with the machine.
    pub unit_state: String,
}

/// Members of [`Service`].
pub const SERVICE: Returns = Returns::object(&[
    Field::new("desc", Returns::TEXT),
    Field::new("name", Returns::TEXT),
    Field::new("service", Returns::TEXT),
    Field::new("state", Returns::TEXT),
    Field::new("unit-state", Returns::TEXT),
]);

/// `GET /nodes/{node}/subscription`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// For people.
    pub message: String,
    /// `notfound`.
    pub status: String,
}

/// Members of [`Subscription`]; clients know more of them.
pub const SUBSCRIPTION: Returns = Returns::object(&[
    Field::optional("checktime", Returns::INTEGER),
    Field::optional("key", Returns::TEXT),
    Field::optional("message", Returns::TEXT),
    Field::optional("nextduedate", Returns::TEXT),
    Field::optional("productname", Returns::TEXT),
    Field::optional("regdate", Returns::TEXT),
    Field::optional("serverid", Returns::TEXT),
    Field::optional("signature", Returns::TEXT),
    Field::new(
        "status",
        Returns::Value(Kind::Enum(&[
            "new",
            "notfound",
            "active",
            "invalid",
            "expired",
            "suspended",
        ])),
    ),
    Field::optional("url", Returns::TEXT),
]);

/// `GET /nodes/{node}/apt/versions`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Package {
    /// Kind of processor.
    pub arch: String,
    /// What it is for.
    pub description: String,
    /// More.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_info: Option<String>,
    /// What is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_version: Option<String>,
    /// Whose it is.
    pub origin: String,
    /// Its name.
    pub package: String,
    /// As packages say.
    pub priority: String,
    /// As packages say.
    pub section: String,
    /// One line.
    pub title: String,
    /// What could be installed.
    pub version: String,
}

/// A list of [`Package`].
pub const PACKAGES: Returns = Returns::List(&Returns::object(&[
    Field::new("Arch", Returns::TEXT),
    Field::new("Description", Returns::TEXT),
    Field::optional("ExtraInfo", Returns::TEXT),
    Field::optional("OldVersion", Returns::TEXT),
    Field::new("Origin", Returns::TEXT),
    Field::new("Package", Returns::TEXT),
    Field::new("Priority", Returns::TEXT),
    Field::new("Section", Returns::TEXT),
    Field::new("Title", Returns::TEXT),
    Field::new("Version", Returns::TEXT),
]));

/// `GET /nodes/{node}/certificates/info`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CertificateItem {
    /// Where it lies.
    pub filename: String,
    /// SHA-256.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Who signed it.
    pub issuer: String,
    /// Seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notafter: Option<i64>,
    /// Seconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notbefore: Option<i64>,
    /// Itself, with those that signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
    /// Size of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key_bits: Option<u32>,
    /// Kind of the key.
    pub public_key_type: String,
    /// Names of hosts.
    pub san: Vec<String>,
    /// Whose it is.
    pub subject: String,
}

/// A list of [`CertificateItem`].
pub const CERTIFICATES: Returns = Returns::List(&Returns::object(&[
    Field::new("filename", Returns::TEXT),
    Field::optional("fingerprint", Returns::TEXT),
    Field::new("issuer", Returns::TEXT),
    Field::optional("notafter", Returns::INTEGER),
    Field::optional("notbefore", Returns::INTEGER),
    Field::optional("pem", Returns::TEXT),
    Field::optional("public-key-bits", Returns::INTEGER),
    Field::new("public-key-type", Returns::TEXT),
    Field::new("san", Returns::List(&Returns::TEXT)),
    Field::new("subject", Returns::TEXT),
]));

/// `POST /nodes/{node}/certificates/custom`
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomCertificate {
    /// The chain, PEM, leaf first.
    pub certificates: String,
    /// Its key, PEM; without it the one that is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl std::fmt::Debug for CustomCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CustomCertificate")
            .field("certificates", &self.certificates)
            .finish_non_exhaustive()
    }
}

const NODE: &[Param] = &[Param::required("node", kinds::NODE)];
const RESTART: &[Param] = &[Param::optional("restart", Kind::Boolean).or("false")];
const FORCE: &[Param] = &[Param::optional("force", Kind::Boolean).or("false")];

/// Parameters of [`CustomCertificate`].
pub const CERTIFICATE_SET: Schema = Schema(&[
    NODE,
    &[
        Param::required("certificates", kinds::TEXT),
        Param::optional("key", kinds::TEXT),
    ],
    RESTART,
    FORCE,
]);
/// `DELETE /nodes/{node}/certificates/custom`
pub const CERTIFICATE_RESET: Schema = Schema(&[NODE, RESTART]);
/// `POST`, `PUT /nodes/{node}/certificates/acme/certificate`
pub const CERTIFICATE_ORDER: Schema = Schema(&[NODE, FORCE]);

/// `GET /nodes/{node}/syslog`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyslogQuery {
    /// Skip so many lines.
    pub start: Option<u64>,
    /// At most so many.
    pub limit: Option<u64>,
    /// Not before; local time.
    pub since: Option<String>,
    /// Not after; local time.
    pub until: Option<String>,
    /// Only of this service.
    pub service: Option<String>,
}

/// `YYYY-MM-DD[ HH:MM[:SS]]`, digits only looked at as such.
fn local_time(text: &str) -> bool {
    const FULL: &str = "0000-00-00 00:00:00";
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    [10, 16, 19].iter().any(|end| FULL[..*end] == shape)
}

const LOCAL_TIME: Kind = Kind::pattern(0, usize::MAX, local_time);

/// Parameters of [`SyslogQuery`].
pub const SYSLOG: Schema = Schema(&[
    NODE,
    &[
        Param::optional("start", Kind::at_least(0)),
        Param::optional("limit", Kind::at_least(0)),
        Param::optional("since", LOCAL_TIME),
        Param::optional("until", LOCAL_TIME),
        Param::optional(
            "service",
            Kind::Text {
                min: 0,
                max: 128,
                format: Format::Any,
            },
        ),
    ],
]);

/// `GET /nodes/{node}/journal`
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalQuery {
    /// Not before; seconds since the epoch.
    pub since: Option<i64>,
    /// Not after.
    pub until: Option<i64>,
    /// Only the last ones.
    pub lastentries: Option<u64>,
    /// Only what comes after it.
    pub startcursor: Option<String>,
    /// Only what comes before it.
    pub endcursor: Option<String>,
}

/// Parameters of [`JournalQuery`].
pub const JOURNAL: Schema = Schema(&[
    NODE,
    &[
        Param::optional("since", Kind::at_least(0)),
        Param::optional("until", Kind::at_least(0)),
        Param::optional("lastentries", Kind::at_least(0)),
        Param::optional("startcursor", kinds::TEXT),
        Param::optional("endcursor", kinds::TEXT),
    ],
]);

/// `GET /nodes/{node}/network`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// It is up.
    pub active: bool,
    /// Other names.
    pub altnames: Vec<String>,
    /// It is started with the machine.
    pub autostart: bool,
    /// Of a bridge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bridge_ports: Option<Vec<String>>,
    /// Address and prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr: Option<String>,
    /// Address and prefix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cidr6: Option<String>,
    /// Where all else goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Largest packet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mtu: Option<u64>,
    /// Its name.
    pub name: String,
    /// Of its configuration file, which is not looked at.
    pub options: Vec<String>,
    /// The same for IPv6.
    pub options6: Vec<String>,
    /// Of a bond.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slaves: Option<Vec<String>>,
    /// `eth` and others.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Members of [`NetworkInterface`]; clients know more of them.
pub const NETWORK_INTERFACE: Returns = Returns::object(&[
    Field::new("active", Returns::BOOLEAN),
    Field::new("altnames", Returns::List(&Returns::TEXT)),
    Field::new("autostart", Returns::BOOLEAN),
    Field::optional("bond-primary", Returns::TEXT),
    Field::optional("bond_mode", Returns::TEXT),
    Field::optional("bond_xmit_hash_policy", Returns::TEXT),
    Field::optional("bridge_ports", Returns::List(&Returns::TEXT)),
    Field::optional("bridge_vlan_aware", Returns::BOOLEAN),
    Field::optional("cidr", Returns::TEXT),
    Field::optional("cidr6", Returns::TEXT),
    Field::optional("comments", Returns::TEXT),
    Field::optional("comments6", Returns::TEXT),
    Field::optional("gateway", Returns::TEXT),
    Field::optional("gateway6", Returns::TEXT),
    Field::optional("method", Returns::TEXT),
    Field::optional("method6", Returns::TEXT),
    Field::optional("mtu", Returns::INTEGER),
    Field::new("name", Returns::TEXT),
    Field::new("options", Returns::List(&Returns::TEXT)),
    Field::new("options6", Returns::List(&Returns::TEXT)),
    Field::optional("slaves", Returns::List(&Returns::TEXT)),
    Field::new(
        "type",
        Returns::Value(Kind::Enum(&[
            "loopback", "eth", "bridge", "bond", "vlan", "alias", "unknown",
        ])),
    ),
    Field::optional("vlan-id", Returns::INTEGER),
    Field::optional("vlan-raw-device", Returns::TEXT),
]);
/// A list of [`NetworkInterface`].
pub const NETWORK: Returns = Returns::List(&NETWORK_INTERFACE);

const USES: &[&str] = &[
    "unused",
    "mounted",
    "lvm",
    "zfs",
    "devicemapper",
    "partitions",
    "filesystem",
];

/// `GET /nodes/{node}/disks/list`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DiskQuery {
    /// With what they are divided into.
    #[serde(default)]
    pub include_partitions: bool,
    /// Only those used like this.
    #[serde(default)]
    pub usage_type: Option<String>,
}

/// Parameters of [`DiskQuery`].
pub const DISKS: Schema = Schema(&[
    NODE,
    &[
        Param::optional("include-partitions", Kind::Boolean).or("false"),
        Param::optional("skipsmart", Kind::Boolean).or("false"),
        Param::optional("usage-type", Kind::Enum(USES)),
    ],
]);

/// A disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct DiskItem {
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devpath: Option<String>,
    /// `hdd`, `ssd`, `usb`, `unknown`.
    pub disk_type: String,
    /// It has a GPT.
    pub gpt: bool,
    /// What it says it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Name in the kernel.
    pub name: String,
    /// What it is divided into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<Vec<PartitionItem>>,
    /// Its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Bytes.
    pub size: u64,
    /// Health.
    pub status: String,
    /// What for.
    pub used: String,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Its name in the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wwn: Option<String>,
}

/// A part of a disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionItem {
    /// Its node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub devpath: Option<String>,
    /// Its kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filesystem: Option<String>,
    /// The disk has a GPT.
    pub gpt: bool,
    /// It is mounted.
    pub mounted: bool,
    /// Name in the kernel.
    pub name: String,
    /// Bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What for.
    pub used: String,
    /// Its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
}

/// A list of [`DiskItem`].
pub const DISK_LIST: Returns = Returns::List(&Returns::object(&[
    Field::optional("devpath", Returns::TEXT),
    Field::new(
        "disk-type",
        Returns::Value(Kind::Enum(&["unknown", "hdd", "ssd", "usb"])),
    ),
    Field::new("gpt", Returns::BOOLEAN),
    Field::optional("model", Returns::TEXT),
    Field::new("name", Returns::TEXT),
    Field::optional("partitions", Returns::List(&PARTITION)),
    Field::optional("rpm", Returns::INTEGER),
    Field::optional("serial", Returns::TEXT),
    Field::new("size", Returns::INTEGER),
    Field::new(
        "status",
        Returns::Value(Kind::Enum(&["passed", "failed", "unknown"])),
    ),
    Field::new("used", Returns::Value(Kind::Enum(USES))),
    Field::optional("vendor", Returns::TEXT),
    Field::optional("wearout", Returns::NUMBER),
    Field::optional("wwn", Returns::TEXT),
]));

const PARTITION: Returns = Returns::object(&[
    Field::optional("devpath", Returns::TEXT),
    Field::optional("filesystem", Returns::TEXT),
    Field::new("gpt", Returns::BOOLEAN),
    Field::new("mounted", Returns::BOOLEAN),
    Field::new("name", Returns::TEXT),
    Field::optional("size", Returns::INTEGER),
    Field::new("used", Returns::TEXT),
    Field::optional("uuid", Returns::TEXT),
]);

/// A list of [`Service`].
pub const SERVICES: Returns = Returns::List(&SERVICE);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times() {
        for (text, expected) in [
            ("2026-11-29", true),
            ("2026-11-29 12:00", true),
            ("2026-11-29 12:00:01", true),
            ("2026-11-29 12", false),
            ("", false),
            ("2026-11-29T12:00", false),
            ("2026-11-29 12:00:01.5", false),
        ] {
            assert_eq!(local_time(text), expected, "{text:?}");
        }
    }
}
