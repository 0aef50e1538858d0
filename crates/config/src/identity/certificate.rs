//! The server's certificate: making a self-signed one, its fingerprint, and what `cert info` shows of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aws_lc_rs::digest::{SHA256, digest};
use format::time::rfc3339_utc;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use zeroize::Zeroizing;

use crate::error::ConfigError;

/// A self-signed certificate is never renewed on its own, as clients pin it.
const VALID_YEARS: i32 = 999;

fn error(reason: impl ToString) -> ConfigError {
    ConfigError::Key {
        what: "server certificate".to_owned(),
        reason: reason.to_string(),
    }
}

/// Makes a self-signed certificate with an ECDSA P-256 key: certificate and key as PEM.
pub fn generate_certificate(
    hostname: &str,
    now: i64,
) -> Result<(String, Zeroizing<String>), ConfigError> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(error)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::OrganizationName, "Strongroom");
    params.distinguished_name.push(
        DnType::OrganizationalUnitName,
        uuid::Uuid::new_v4().to_string().to_uppercase(),
    );
    params.distinguished_name.push(DnType::CommonName, hostname);
    params.subject_alt_names = alternative_names(hostname)?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.is_ca = IsCa::ExplicitNoCa;
    params.use_authority_key_identifier_extension = true;
    let (year, month, day) = date(now)?;
    params.not_before = date_time_ymd(year, month, day);
    // The first of a month exists in every year.
    params.not_after = date_time_ymd(year + VALID_YEARS, month, 1);
    let certificate = params.self_signed(&key).map_err(error)?;
    let pem = certificate.pem().replace("\r\n", "\n");
    Ok((
        pem,
        Zeroizing::new(key.serialize_pem().replace("\r\n", "\n")),
    ))
}

fn alternative_names(hostname: &str) -> Result<Vec<SanType>, ConfigError> {
    let mut names = vec![
        SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SanType::IpAddress(IpAddr::V6(Ipv6Addr::LOCALHOST)),
    ];
    for name in ["localhost", hostname] {
        let san = SanType::DnsName(name.try_into().map_err(error)?);
        if !names.contains(&san) {
            names.push(san);
        }
    }
    Ok(names)
}

fn date(now: i64) -> Result<(i32, u8, u8), ConfigError> {
    let text = rfc3339_utc(now).map_err(error)?;
    let number = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    Ok((
        number(0..4).parse().map_err(error)?,
        number(5..7).parse().map_err(error)?,
        number(8..10).parse().map_err(error)?,
    ))
}

/// DER of the first certificate in a PEM file.
pub fn leaf_der(pem_chain: &[u8]) -> Result<Vec<u8>, ConfigError> {
    let documents = pem::parse_many(pem_chain).map_err(|_| error("file is not PEM"))?;
    let leaf = documents
        .into_iter()
        .find(|document| document.tag() == "CERTIFICATE");
    leaf.map(pem::Pem::into_contents)
        .ok_or_else(|| error("file holds no certificate"))
}

/// SHA-256 of a certificate's DER, as lower-case pairs joined by `:`.
pub fn fingerprint(der: &[u8]) -> String {
    let pairs: Vec<String> = digest(&SHA256, der)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    pairs.join(":")
}

/// What people want to know of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// `O = ..., CN = ...`
    pub subject: String,
    /// Alternative names in the order of the certificate, as `kind:value`.
    pub alternative_names: Vec<String>,
    /// `O = ..., CN = ...`
    pub issuer: String,
    /// Seconds since the epoch.
    pub not_before: i64,
    /// Seconds since the epoch.
    pub not_after: i64,
    /// SHA-256 of the DER.
    pub fingerprint: String,
    /// `rsaEncryption`, `id-ecPublicKey`, ...
    pub key_type: String,
    /// Size of the key.
    pub key_bits: usize,
}

/// Takes the first certificate of a PEM file apart.
pub fn certificate_info(pem_chain: &[u8]) -> Result<CertificateInfo, ConfigError> {
    let der = leaf_der(pem_chain)?;
    let (_, certificate) =
        X509Certificate::from_der(&der).map_err(|_| error("malformed X.509 certificate"))?;
    let names = certificate
        .subject_alternative_name()
        .map_err(|_| error("malformed alternative names"))?;
    let key = certificate.public_key();
    let (key_type, key_bits) = match key.parsed().map_err(|_| error("unknown key type"))? {
        PublicKey::RSA(rsa) => ("rsaEncryption".to_owned(), rsa.key_size()),
        PublicKey::EC(point) => ("id-ecPublicKey".to_owned(), point.key_size()),
        _ => (
            key.algorithm.algorithm.to_id_string(),
            key.subject_public_key.data.len() * 8,
        ),
    };
    Ok(CertificateInfo {
        subject: name_text(certificate.subject()),
        alternative_names: names
            .iter()
            .flat_map(|names| names.value.general_names.iter())
            .filter_map(general_name)
            .collect(),
        issuer: name_text(certificate.issuer()),
        not_before: certificate.validity().not_before.timestamp(),
        not_after: certificate.validity().not_after.timestamp(),
        fingerprint: fingerprint(&der),
        key_type,
        key_bits,
    })
}

fn name_text(name: &x509_parser::x509::X509Name<'_>) -> String {
    const SHORT: &[(&str, &str)] = &[
        ("2.5.4.3", "CN"),
        ("2.5.4.6", "C"),
        ("2.5.4.7", "L"),
        ("2.5.4.8", "ST"),
        ("2.5.4.10", "O"),
        ("2.5.4.11", "OU"),
        ("1.2.840.113549.1.9.1", "emailAddress"),
    ];
    let part = |attribute: &x509_parser::x509::AttributeTypeAndValue<'_>| {
        let oid = attribute.attr_type().to_id_string();
        let short = SHORT
            .iter()
            .find(|(known, _)| *known == oid)
            .map_or(oid.as_str(), |(_, short)| short);
        format!("{short} = {}", attribute.as_str().unwrap_or("?"))
    };
    name.iter_attributes()
        .map(part)
        .collect::<Vec<_>>()
        .join(", ")
}

/// The original prints addresses as a list of octets.
fn general_name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(format!("DNS:{name}")),
        GeneralName::IPAddress(octets) => Some(format!("IP:{octets:?}")),
        GeneralName::RFC822Name(mail) => Some(format!("EMAIL:{mail}")),
        GeneralName::URI(uri) => Some(format!("URI:{uri}")),
        _ => None,
    }
}
