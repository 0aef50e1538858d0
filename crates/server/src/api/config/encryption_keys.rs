//! `/config/encryption-keys`: keys of sync jobs (server.md 1.13). A key that is made or imported is given back once, to be kept elsewhere too.

use api::Privileges as P;
use api::kinds;
use api::schema::{Field, Kind, Param, Returns, Schema};
use config::edit;
use config::files::{ENCRYPTION_KEY_PROPERTIES, EncryptionKey};
use crypto::keyfile::{self, LoadError, Protection};
use crypto::{Key, Secret, SystemRandom};
use format::KeyFile;
use format::time::OffsetTime;
use http::Method;
use serde::Deserialize;

use super::entries::{self, Named};
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

const ID: &[Param] = &[Param::required("id", kinds::JOB_ID).about("Key ID.")];
const DIGEST: &[Param] = &[Param::optional("digest", kinds::DIGEST)];
const KEY: &[Param] = &[Param::optional("key", kinds::TEXT)
    .about("A key file without password; a new key is made if missing.")];
const ARCHIVED: &[Param] = &[Param::optional("include-archived", Kind::Boolean)
    .or("false")
    .about("Show archived keys too.")];
const ITEM: Returns = Returns::item(&[ID, ENCRYPTION_KEY_PROPERTIES], &[]);
const MADE: Returns = Returns::object(&[
    Field::new("kdf", Returns::Nullable(&Returns::Any)),
    Field::new("created", Returns::TEXT),
    Field::new("modified", Returns::TEXT),
    Field::new("data", Returns::TEXT),
    Field::optional("fingerprint", Returns::TEXT),
    Field::optional("hint", Returns::TEXT),
]);
const CREATES: Needs = Needs::On(&["system", "encryption-keys"], P::SysModify);
const CHANGES: Needs = Needs::On(&["system", "encryption-keys", "{id}"], P::SysModify);
const ALL: &str = "config/encryption-keys";
const ONE: &str = "config/encryption-keys/{id}";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, ALL, Needs::Anybody, Schema(&[ARCHIVED]), Handler::Call(list)).returns(Returns::List(&ITEM)),
    Route::new(Method::POST, ALL, CREATES, Schema(&[ID, KEY]), Handler::Call(create)).returns(MADE),
    Route::new(Method::POST, ONE, CHANGES, Schema(&[ID, DIGEST]), Handler::Call(toggle_archive)),
    Route::new(Method::DELETE, ONE, CHANGES, Schema(&[ID, DIGEST]), Handler::Call(delete)),
];

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Query {
    #[serde(default)]
    include_archived: bool,
}

#[derive(Deserialize)]
struct Create {
    id: String,
    key: Option<String>,
}

/// `GET`: those that the caller may look at.
fn list(call: &Call) -> Result<Answer, Fault> {
    let Query { include_archived } = call.params.read()?;
    let caller = call.caller()?;
    entries::list_if::<EncryptionKey>(call, |key| {
        let path = ["system", "encryption-keys", &key.id];
        let held = call.ctx.privileges(caller, &path)?;
        Ok((include_archived || key.archived_at.is_none())
            && held.intersects(P::SysAudit | P::SysModify))
    })
}

/// `POST`
fn create(call: &Call) -> Result<Answer, Fault> {
    let Create { id, key } = call.params.read()?;
    let file = match key {
        Some(text) => imported(&text)?,
        None => made(call.ctx.now())?,
    };
    edit::create_encryption_key(call.ctx.configuration().dir(), &id, &file)?;
    Answer::data(&file)
}

fn made(now: i64) -> Result<KeyFile, Fault> {
    let now = OffsetTime::utc(now).map_err(|error| Fault::Key(error.to_string()))?;
    let file = Key::generate(&mut SystemRandom)
        .map_err(keyfile::CreateError::from)
        .and_then(|key| keyfile::create(&key, Protection::None, None, now, now, &mut SystemRandom));
    file.map_err(|error| Fault::Key(error.to_string()))
}

/// A key file, with the fingerprint that its key has.
fn imported(text: &str) -> Result<KeyFile, Fault> {
    let protected = || Err::<Secret, _>("it is protected by a password; import it without".into());
    let (_, info) = keyfile::load(text.as_bytes(), protected).map_err(|error| match error {
        LoadError::Passphrase(source) => Fault::Key(source.to_string()),
        error => Fault::Key(error.to_string()),
    })?;
    let mut file =
        KeyFile::from_json(text.as_bytes()).map_err(|error| Fault::Key(error.to_string()))?;
    file.fingerprint = Some(info.fingerprint);
    Ok(file)
}

/// `POST {id}`
fn toggle_archive(call: &Call) -> Result<Answer, Fault> {
    let Named { id, digest } = call.params.read()?;
    let (dir, now) = (call.ctx.configuration().dir(), call.ctx.now());
    edit::toggle_encryption_key_archive(dir, &id, &digest, now)?;
    Ok(Answer::null())
}

/// `DELETE {id}`
fn delete(call: &Call) -> Result<Answer, Fault> {
    let Named { id, digest } = call.params.read()?;
    edit::remove_encryption_key(call.ctx.configuration().dir(), &id, &digest)?;
    Ok(Answer::null())
}
