//! Network interfaces as the kernel has them now: kind, addresses, gateway. What a configuration file says about them is not looked at.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use super::text;

/// What the kernel's text files say, taken together.
#[derive(Debug)]
pub struct Tables {
    /// `/proc/net/route`
    pub routes: String,
    /// `/proc/net/fib_trie`
    pub local: String,
    /// `/proc/net/if_inet6`
    pub v6: String,
}

impl Tables {
    pub fn read() -> Tables {
        Tables {
            routes: text("/proc/net/route"),
            local: text("/proc/net/fib_trie"),
            v6: text("/proc/net/if_inet6"),
        }
    }

    /// The first address of an interface, with the length of its network's prefix.
    pub fn cidr(&self, interface: &str) -> Option<String> {
        if interface == "lo" {
            return Some("127.0.0.1/8".to_owned());
        }
        let networks: Vec<Route> = self
            .routes_of(interface)
            .filter(|r| r.gateway == 0)
            .collect();
        let addresses = local_addresses(&self.local);
        networks.iter().find_map(|network| {
            let inside = |address: &&Ipv4Addr| u32::from(**address) & network.mask == network.to;
            let address = addresses.iter().find(inside)?;
            Some(format!("{address}/{}", network.mask.count_ones()))
        })
    }

    pub fn gateway(&self, interface: &str) -> Option<String> {
        self.routes_of(interface)
            .find(|route| route.to == 0 && route.mask == 0 && route.gateway != 0)
            .map(|route| Ipv4Addr::from(route.gateway).to_string())
    }

    /// The first address that others can reach.
    pub fn cidr6(&self, interface: &str) -> Option<String> {
        let addresses = self.v6.lines().filter_map(|line| {
            let parts: Vec<&str> = line.split_ascii_whitespace().collect();
            let [address, _, bits, scope, _, name] = parts[..] else {
                return None;
            };
            let address = Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?);
            let bits = u8::from_str_radix(bits, 16).ok()?;
            let is_link = scope == "20";
            (name == interface).then(|| (is_link, format!("{address}/{bits}")))
        });
        addresses
            .min_by_key(|(is_link, _)| *is_link)
            .map(|(_, cidr)| cidr)
    }

    fn routes_of(&self, interface: &str) -> impl Iterator<Item = Route> {
        self.routes.lines().filter_map(move |line| {
            let parts: Vec<&str> = line.split_ascii_whitespace().collect();
            let number = |place: usize| {
                let hex = parts.get(place)?;
                // The kernel prints them in the byte order of the machine, which is little on all that this runs on.
                u32::from_str_radix(hex, 16).ok().map(u32::swap_bytes)
            };
            (*parts.first()? == interface).then_some(())?;
            Some(Route {
                to: number(1)?,
                gateway: number(2)?,
                mask: number(7)?,
            })
        })
    }
}

struct Route {
    to: u32,
    gateway: u32,
    mask: u32,
}

/// The machine's own addresses: in the table of local routes each stands on the line before `/32 host LOCAL`.
fn local_addresses(trie: &str) -> Vec<Ipv4Addr> {
    let mut found: Vec<Ipv4Addr> = Vec::new();
    let mut last = None;
    for line in trie.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse().ok();
        } else if line == "/32 host LOCAL"
            && let Some(address) = last
            && !found.contains(&address)
        {
            found.push(address);
        }
    }
    found
}

/// One interface, from `/sys/class/net`.
#[derive(Debug, PartialEq, Eq)]
pub struct Card {
    pub name: String,
    /// `loopback`, `eth`, `bridge`, `bond`, `vlan` or `unknown`.
    pub kind: &'static str,
    pub is_up: bool,
    pub mtu: Option<u64>,
    /// Of a bridge its ports, of a bond its slaves.
    pub members: Vec<String>,
}

/// All interfaces by name. `class` is `/sys/class/net`.
pub fn cards(class: &Path) -> Vec<Card> {
    let mut all: Vec<Card> = std::fs::read_dir(class)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().join("type").exists())
        .filter_map(|entry| Some(card(&entry.path(), entry.file_name().into_string().ok()?)))
        .collect();
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}

fn card(path: &Path, name: String) -> Card {
    let word = |file: &str| text(path.join(file)).trim().to_owned();
    let is_vlan = word("uevent").lines().any(|line| line == "DEVTYPE=vlan");
    let kind = match word("type").as_str() {
        "772" => "loopback",
        _ if path.join("bridge").exists() => "bridge",
        _ if path.join("bonding").exists() => "bond",
        _ if is_vlan => "vlan",
        "1" => "eth",
        _ => "unknown",
    };
    let flags = word("flags");
    let flags = u32::from_str_radix(flags.trim_start_matches("0x"), 16).unwrap_or(0);
    Card {
        is_up: flags & 1 == 1,
        mtu: word("mtu").parse().ok(),
        members: members(path),
        kind,
        name,
    }
}

fn members(path: &Path) -> Vec<String> {
    let slaves = text(path.join("bonding/slaves"));
    let ports = std::fs::read_dir(path.join("brif"));
    let ports = ports.into_iter().flatten().flatten();
    let mut all: Vec<String> = ports
        .filter_map(|entry| entry.file_name().into_string().ok())
        .chain(slaves.split_ascii_whitespace().map(str::to_owned))
        .collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_gateways() {
        let tables = Tables {
            routes: "\
Iface	Destination	Gateway 	Flags	RefCnt	Use	Metric	Mask		MTU	Window	IRTT
eth0	00000000	010200C0	0003	0	0	0	00000000	0	0	0
eth0	000200C0	00000000	0001	0	0	0	00FFFFFF	0	0	0
"
            .to_owned(),
            local: "\
Local:
  +-- 0.0.0.0/0 3 0 5
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.7
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
"
            .to_owned(),
            v6: "\
fe800000000000000000000000000001 02 40 20 80     eth0
20010db8000000000000000000000007 02 40 00 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
"
            .to_owned(),
        };
        assert_eq!(tables.cidr("eth0").as_deref(), Some("192.0.2.7/24"));
        assert_eq!(tables.gateway("eth0").as_deref(), Some("192.0.2.1"));
        assert_eq!(tables.cidr6("eth0").as_deref(), Some("2001:db8::7/64"));
        assert_eq!(tables.cidr6("lo").as_deref(), Some("::1/128"));
        assert_eq!((tables.cidr("eth1"), tables.gateway("lo")), (None, None));
    }

    #[test]
    fn kinds_of_cards() {
        let class = tempfile::tempdir().expect("tempdir");
        let make = |name: &str, files: &[(&str, &str)]| {
            for (file, text) in files {
                let path = class.path().join(name).join(file);
                std::fs::create_dir_all(path.parent().expect("folder")).expect("folder");
                std::fs::write(path, text).expect("write");
            }
        };
        make(
            "lo",
            &[("type", "772\n"), ("flags", "0x9\n"), ("mtu", "65536\n")],
        );
        make("eth0", &[("type", "1\n"), ("flags", "0x1002\n")]);
        make(
            "br0",
            &[
                ("type", "1\n"),
                ("flags", "0x1003\n"),
                ("bridge/x", ""),
                ("brif/eth0", ""),
            ],
        );
        make(
            "bond0",
            &[("type", "1\n"), ("bonding/slaves", "eth2 eth1\n")],
        );
        make(
            "v.5",
            &[("type", "1\n"), ("uevent", "DEVTYPE=vlan\nINTERFACE=v.5\n")],
        );
        make("bonding_masters", &[("x", "")]);
        let seen: Vec<_> = cards(class.path())
            .into_iter()
            .map(|card| (card.name, card.kind, card.is_up, card.members))
            .collect();
        let named = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            seen,
            [
                ("bond0".to_owned(), "bond", false, named(&["eth1", "eth2"])),
                ("br0".to_owned(), "bridge", true, named(&["eth0"])),
                ("eth0".to_owned(), "eth", false, named(&[])),
                ("lo".to_owned(), "loopback", true, named(&[])),
                ("v.5".to_owned(), "vlan", false, named(&[])),
            ]
        );
    }
}
