//! `GET /nodes/{node}/dns`: whom the machine asks for names. Changing it is the machine's own business.

use api::rest::host::Dns;
use format::Digest;

use crate::fault::Fault;
use crate::machine;
use crate::reply::Answer;
use crate::route::Call;

const FILE: &str = "/etc/resolv.conf";

/// `GET`
pub fn read(_: &Call) -> Result<Answer, Fault> {
    Answer::data(&parse(&machine::text(FILE)))
}

fn parse(text: &str) -> Dns {
    let values = |key: &str| {
        text.lines()
            .filter_map(|line| line.trim().strip_prefix(key))
            .filter(|rest| rest.starts_with([' ', '\t']))
            .map(|rest| rest.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let mut servers = values("nameserver").into_iter();
    Dns {
        digest: Digest::of(text.as_bytes()).to_string(),
        dns1: servers.next(),
        dns2: servers.next(),
        dns3: servers.next(),
        // The last one counts, and what it begins with is the domain of this machine.
        search: values("search")
            .pop()
            .and_then(|names| names.split_ascii_whitespace().next().map(str::to_owned))
            .or_else(|| values("domain").pop()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolv_conf() {
        let dns = parse(
            "# made by hand\nsearch example.com corp\nnameserver 192.0.2.1\n nameserver\t2001:db8::1\nnameservers 1\noptions edns0\n",
        );
        assert_eq!(dns.search.as_deref(), Some("example.com"));
        assert_eq!(dns.dns1.as_deref(), Some("192.0.2.1"));
        assert_eq!(dns.dns2.as_deref(), Some("2001:db8::1"));
        assert_eq!(dns.dns3, None);
        let none = parse("");
        assert_eq!((none.search, none.dns1), (None, None));
        assert!(none.digest.starts_with("e3b0c442"));
    }
}
