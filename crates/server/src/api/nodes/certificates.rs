//! `/nodes/{node}/certificates`: the certificate that is served, replaced by one of the administrator's or by a new self-signed one. Connections
//! that are there keep theirs; who comes later gets the new one.

use api::rest::host::{CertificateItem, CustomCertificate};
use api::schema::{ParamErrors, ValueError};
use config::identity;
use zeroize::Zeroizing;

use crate::certificate;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::Call;

/// `GET info`
pub fn info(call: &Call) -> Result<Answer, Fault> {
    let (pem, _) = identity::certificate_pair(call.ctx.configuration().dir())?;
    Answer::data(&[item(&pem)?])
}

/// `POST custom`: without a key, for the key that is there.
pub fn replace(call: &Call) -> Result<Answer, Fault> {
    let request: CustomCertificate = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    let pem = request.certificates.into_bytes();
    let key = match request.key {
        Some(key) => Zeroizing::new(key.into_bytes()),
        None => identity::certificate_pair(dir)?.1,
    };
    certificate::check_pair(&pem, &key).map_err(|error| {
        let reason = crate::fault::with_causes(&error);
        ParamErrors::one("certificates", ValueError::Other(reason))
    })?;
    let item = item(&pem)?;
    identity::replace_certificate(dir, &pem, &key)?;
    serve_it(call)?;
    Answer::data(&[item])
}

/// `DELETE custom`
pub fn reset(call: &Call) -> Result<Answer, Fault> {
    let dir = call.ctx.configuration().dir();
    identity::ensure_certificate(dir, &call.ctx.settings().node, call.ctx.now(), true)?;
    serve_it(call)?;
    Ok(Answer::null())
}

/// Nobody has to wait until the server looks by itself.
fn serve_it(call: &Call) -> Result<(), Fault> {
    let ctx = &call.ctx;
    ctx.certificate().reload(ctx.configuration().dir())?;
    tracing::info!(
        "serving a new certificate, fingerprint {}",
        ctx.certificate().fingerprint()
    );
    Ok(())
}

/// `POST`, `PUT acme/certificate`
pub fn order(_: &Call) -> Result<Answer, Fault> {
    Err(Fault::NotYet("order certificates"))
}

fn item(pem: &[u8]) -> Result<CertificateItem, Fault> {
    let info = identity::certificate_info(pem)?;
    let names = info.alternative_names.iter();
    Ok(CertificateItem {
        filename: "proxy.pem".to_owned(),
        fingerprint: Some(info.fingerprint),
        issuer: info.issuer,
        notafter: Some(info.not_after),
        notbefore: Some(info.not_before),
        pem: Some(String::from_utf8_lossy(pem).into_owned()),
        public_key_bits: u32::try_from(info.key_bits).ok(),
        public_key_type: info.key_type,
        san: names
            .filter_map(|name| name.strip_prefix("DNS:"))
            .map(str::to_owned)
            .collect(),
        subject: info.subject,
    })
}
