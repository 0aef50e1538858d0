//! Networks: an address and how many of its first bits count, `192.168.0.0/16` or `fd00::/8` (server.md 9.1).

use std::net::IpAddr;
use std::str::FromStr;

/// Longest accepted text: an IPv6 address with all its digits, and the prefix.
pub const TEXT_CHARS_MAX: usize = 43;

/// A network. Files and replies keep the text as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

/// A text that is no network.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum NetworkError {
    /// No slash.
    #[error("a network is an address, '/' and the number of bits that count, such as 10.0.0.0/8")]
    Form,
    /// Before the slash.
    #[error("the address of the network is neither IPv4 nor IPv6")]
    Address,
    /// After the slash.
    #[error("the number of bits of the network is larger than its address has")]
    Prefix,
}

impl Network {
    /// How many bits of an address must be alike if it lies in the network, which is so many; nothing if it does not. An IPv4 address that is
    /// written as an IPv6 one counts as IPv4.
    pub fn matches(&self, address: IpAddr) -> Option<u8> {
        let alike = match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            _ => return None,
        };
        (alike >= u32::from(self.prefix)).then_some(self.prefix)
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Network, NetworkError> {
        let (address, prefix) = text.split_once('/').ok_or(NetworkError::Form)?;
        let address: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let digits = !prefix.is_empty() && prefix.bytes().all(|byte| byte.is_ascii_digit());
        let prefix = digits.then(|| prefix.parse().ok()).flatten();
        let prefix = prefix.filter(|prefix| *prefix <= bits);
        Ok(Network {
            address,
            prefix: prefix.ok_or(NetworkError::Prefix)?,
        })
    }
}
