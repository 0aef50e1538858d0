//! What the upgrades to both protocols have in common: the checks of the request's head (protocol.md 3.1, checks 5 and 6) and the way from the
//! upgraded connection to the session's requests.

use std::sync::Arc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::fault::Fault;
use crate::protocol::exchange::{self, Session};
use crate::route::Upgrade;
use crate::transfer::connection::{self, Ending};

/// The `Upgrade` header must name the protocol, and HTTP/2 cannot be upgraded.
pub fn check_head(upgrade: &Upgrade, protocol: &str) -> Result<(), Fault> {
    match &upgrade.protocol {
        None => return Err(Fault::UpgradeMissing),
        Some(given) if given != protocol => return Err(Fault::UpgradeProtocol),
        Some(_) => {}
    }
    if upgrade.version >= http::Version::HTTP_2 {
        Err(Fault::UpgradeVersion(upgrade.version))
    } else {
        Ok(())
    }
}

/// Serves a session on an upgraded connection, to its end.
pub async fn serve<S: Session>(session: &Arc<S>, on_upgrade: OnUpgrade) -> Ending {
    let task = Arc::clone(&session.common().task);
    let upgraded = tokio::select! {
        biased;
        () = task.abort_requested() => return Ending::Stopped,
        upgraded = on_upgrade => match upgraded {
            Ok(upgraded) => upgraded,
            Err(e) => return Ending::Broken(e.to_string()),
        },
    };
    if session.common().debug {
        session
            .common()
            .log("protocol upgrade done".to_owned())
            .await;
    }
    let handle = |request, respond| exchange::serve(Arc::clone(session), request, respond);
    connection::serve(
        TokioIo::new(upgraded),
        session.common().window.bytes(),
        task.abort_requested(),
        handle,
    )
    .await
}
