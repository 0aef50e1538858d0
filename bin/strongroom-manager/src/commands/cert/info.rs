//! `cert info`

use anyhow::Result;
use config::FileSpec;
use config::identity::certificate_info;
use console::out;
use console::report::Failure;
use jiff::tz::TimeZone;

use crate::context::{Context, ServerArgs};

/// Display node certificate information.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
}

pub fn run(args: Args, context: &Context) -> Result<()> {
    let config = args.server.config(context)?;
    let pem = config.read_bytes(FileSpec::CERTIFICATE)?.ok_or_else(|| {
        let path = config.path_of(FileSpec::CERTIFICATE);
        Failure::new(format!("there is no certificate at {}", path.display()))
            .hint("the server makes one at its first start, or `cert update` does")
    })?;
    let info = certificate_info(&pem)?;
    let mut text = format!("Subject: {}\n", info.subject);
    for name in &info.alternative_names {
        text += &format!("    {name}\n");
    }
    text += &format!("Issuer: {}\n", info.issuer);
    text += &format!(
        "Validity:\n    Not Before: {}\n    Not After : {}\n",
        date(info.not_before),
        date(info.not_after)
    );
    text += &format!("Fingerprint (sha256): {}\n", info.fingerprint);
    text += &format!(
        "Public key type: {}\nPublic key bits: {}\n",
        info.key_type, info.key_bits
    );
    Ok(out::print(&text)?)
}

/// `Jan  5 16:52:55 2026 GMT`
fn date(epoch_s: i64) -> String {
    match jiff::Timestamp::from_second(epoch_s) {
        Ok(time) => time
            .to_zoned(TimeZone::UTC)
            .strftime("%b %e %H:%M:%S %Y GMT")
            .to_string(),
        Err(_) => epoch_s.to_string(),
    }
}
