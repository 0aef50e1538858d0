//! A connection to the server that runs on this machine, if one does: as `root@pam`, by a ticket signed with the server's own key.

use std::time::Duration;

use anyhow::{Context as _, Result};
use config::identity::{self, Identity};
use config::{ConfigDir, Places};
use format::{AuthId, Fingerprint, Userid};
use remote::{Client, Connect, Credential, Secret};
use server::presence;

use crate::context::{node, now};

/// Connects to the server of these folders; nothing if none answers.
pub async fn open(places: &Places) -> Result<Option<Client>> {
    let Some(address) = presence::find(&places.state_dir) else {
        return Ok(None);
    };
    let config = ConfigDir::open(&places.config_dir)?;
    let identity = identity::load_or_create(&config, &node(), now())?;
    let connect = Connect {
        fingerprint: Some(identity.fingerprint.parse::<Fingerprint>()?),
        ..Connect::new(
            &address.ip().to_string(),
            address.port(),
            Credential::Ticket {
                ticket: ticket(&identity)?,
                password: None,
            },
        )
    };
    match Client::connect(connect).await {
        Ok(client) => Ok(Some(client)),
        // It was reached and says no.
        Err(error) if error.status().is_some() => Err(error.into()),
        // A server that ended hard leaves its address behind.
        Err(remote::Error::Connect { .. }) => Ok(None),
        Err(error) => Err(error).context(format!("cannot ask the server at {address}")),
    }
}

/// A login of `root@pam`, made with the keys that the server checks it with.
fn ticket(identity: &Identity) -> Result<remote::Ticket> {
    let user: Userid = AuthId::root().user().clone();
    let (name, now) = (user.to_string(), now());
    let unsigned = api::Ticket::new(api::ticket::PREFIX, &name, now);
    let signed = identity.auth_key.sign(unsigned, None)?;
    Ok(remote::Ticket {
        ticket: Secret::from(signed.to_string()),
        csrf: Secret::from(identity.csrf_key.token(&name, now)),
        age: Duration::ZERO,
        user,
    })
}
