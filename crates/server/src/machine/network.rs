//! Network interfaces and what went through them since boot.

use std::path::Path;

use super::text;

/// Where the kernel lists interfaces.
const CLASS: &str = "/sys/class/net";

/// Bytes since boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    pub received: u64,
    pub sent: u64,
}

/// One line of `/proc/net/dev`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Interface {
    name: String,
    traffic: Traffic,
}

/// All interfaces, from `/proc/net/dev`.
fn interfaces(dev: &str) -> Vec<Interface> {
    dev.lines()
        .filter_map(|line| {
            let (name, counters) = line.split_once(':')?;
            let numbers: Vec<u64> = counters
                .split_ascii_whitespace()
                .map_while(|number| number.parse().ok())
                .collect();
            // bytes packets errs drop fifo frame compressed multicast, and the same for what was sent.
            Some(Interface {
                name: name.trim().to_owned(),
                traffic: Traffic {
                    received: *numbers.first()?,
                    sent: *numbers.get(8)?,
                },
            })
        })
        .collect()
}

/// What went through the machine's cards; where it has none, as in a container, through all interfaces but the loopback.
pub fn traffic() -> Traffic {
    let is_card = |name: &str| Path::new(CLASS).join(name).join("device").exists();
    total(&interfaces(&text("/proc/net/dev")), is_card)
}

fn total(interfaces: &[Interface], is_card: impl Fn(&str) -> bool) -> Traffic {
    let has_cards = interfaces.iter().any(|interface| is_card(&interface.name));
    let counts = |name: &str| {
        if has_cards {
            is_card(name)
        } else {
            name != "lo"
        }
    };
    let counted = interfaces
        .iter()
        .filter(|interface| counts(&interface.name));
    counted.fold(Traffic::default(), |sum, interface| Traffic {
        received: sum.received.saturating_add(interface.traffic.received),
        sent: sum.sent.saturating_add(interface.traffic.sent),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_count_and_bridges_over_them_do_not() {
        let dev = "\
Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     500       5    0    0    0     0          0         0      500       5    0    0    0     0       0          0
  eth0:    1000      10    0    0    0     0          0         0     2000      20    0    0    0     0       0          0
   br0:    1000      10    0    0    0     0          0         0     2000      20    0    0    0     0       0          0
";
        let all = interfaces(dev);
        assert_eq!(all.len(), 3);
        let one = Traffic {
            received: 1000,
            sent: 2000,
        };
        assert_eq!(total(&all, |name| name == "eth0"), one);
        let both = Traffic {
            received: 2000,
            sent: 4000,
        };
        assert_eq!(total(&all, |_| false), both);
        assert_eq!(total(&[], |_| false), Traffic::default());
    }
}
