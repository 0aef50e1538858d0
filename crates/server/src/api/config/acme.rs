//! `/config/acme`: accounts with certificate authorities and plugins for name services (server.md 1.16, 3.3). What is there is kept and shown;
//! speaking with an authority is for a later build, and so are the forms of the providers.

use api::Privileges as P;
use api::kinds;
use api::rest::snapshot::returns::TASK;
use api::schema::{Field, Kind, Param, ParamErrors, Returns, Schema, ValueError};
use config::edit::{self, ACME_PLUGIN_CREATE, ACME_PLUGIN_UPDATE};
use config::files::{
    ACME_DIRECTORIES, ACME_PLUGIN_ID, AcmeAccountShown, DnsPlugin, PluginShown, STANDALONE,
};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::entries::Named;
use crate::fault::Fault;
use crate::reply::Answer;
use crate::route::{Call, Handler, Needs, Route};

const ACCOUNT: Kind = Kind::pattern(0, usize::MAX, api::pattern::safe_id);
const NAME: &[Param] = &[Param::required("name", ACCOUNT).about("Account name.")];
const NEW_NAME: &[Param] = &[Param::optional("name", ACCOUNT)
    .or("default")
    .about("Account name.")];
const CONTACT: Param =
    Param::required("contact", kinds::TEXT).about("E-mail addresses, joined by commas.");
const REGISTER: &[Param] = &[
    CONTACT,
    Param::optional("directory", kinds::TEXT).about("Directory of the authority."),
    Param::optional("eab_hmac_key", kinds::TEXT).about("Key of an existing contract."),
    Param::optional("eab_kid", kinds::TEXT).about("Name of that key."),
    Param::optional("tos_url", kinds::TEXT).about("Terms that are agreed to."),
];
const NEW_CONTACT: &[Param] = &[Param {
    optional: true,
    ..CONTACT
}];
const FORCE: &[Param] = &[Param::optional("force", Kind::Boolean)
    .or("false")
    .about("Forget the account even if the authority does not answer.")];
const DIRECTORY: &[Param] =
    &[Param::optional("directory", kinds::TEXT).about("Directory of the authority.")];
const PLUGIN: &[Param] = &[Param::required("id", ACME_PLUGIN_ID).about("Plugin ID.")];

const ACCOUNT_ITEM: Returns = Returns::object(&[
    Field::new("account", Returns::Map(&Returns::Any)),
    Field::new("directory", Returns::TEXT),
    Field::new("location", Returns::TEXT),
    Field::optional("tos", Returns::TEXT),
]);
const PLUGIN_ITEM: Returns = Returns::object(&[
    Field::optional("api", Returns::TEXT),
    Field::optional("data", Returns::TEXT),
    Field::optional("disable", Returns::BOOLEAN),
    Field::new("plugin", Returns::TEXT),
    Field::new("type", Returns::TEXT),
    Field::optional(
        "validation-delay",
        Returns::Value(Kind::Integer {
            min: 0,
            max: u32::MAX as i64,
        }),
    ),
]);
const NAME_ITEM: Returns = Returns::item(&[NAME], &[]);
const DIRECTORY_ITEM: Returns = Returns::object(&[
    Field::new("name", Returns::TEXT),
    Field::new("url", Returns::TEXT),
]);
const CHALLENGE_ITEM: Returns = Returns::object(&[
    Field::new("id", Returns::TEXT),
    Field::new("name", Returns::TEXT),
    Field::new("schema", Returns::Map(&Returns::Any)),
    Field::new("type", Returns::TEXT),
]);

const CERTIFICATES: Needs = Needs::On(&["system", "certificates"], P::SysModify);
const ACCOUNTS: &str = "config/acme/account";
const ONE_ACCOUNT: &str = "config/acme/account/{name}";
const PLUGINS: &str = "config/acme/plugins";
const ONE_PLUGIN: &str = "config/acme/plugins/{id}";

#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    Route::new(Method::GET, ACCOUNTS, CERTIFICATES, Schema(&[]), Handler::Call(accounts)).returns(Returns::List(&NAME_ITEM)),
    Route::new(Method::POST, ACCOUNTS, CERTIFICATES, Schema(&[NEW_NAME, REGISTER]), Handler::Call(register)).returns(TASK).not_all(),
    Route::new(Method::GET, ONE_ACCOUNT, CERTIFICATES, Schema(&[NAME]), Handler::Call(account)).returns(ACCOUNT_ITEM),
    Route::new(Method::PUT, ONE_ACCOUNT, CERTIFICATES, Schema(&[NAME, NEW_CONTACT]), Handler::Call(change_account)).returns(TASK).not_all(),
    Route::new(Method::DELETE, ONE_ACCOUNT, CERTIFICATES, Schema(&[NAME, FORCE]), Handler::Call(change_account)).returns(TASK).not_all(),
    Route::new(Method::GET, "config/acme/challenge-schema", Needs::Anybody, Schema(&[]), Handler::Call(challenge_schema)).returns(Returns::List(&CHALLENGE_ITEM)),
    Route::new(Method::GET, "config/acme/directories", Needs::Anybody, Schema(&[]), Handler::Call(directories)).returns(Returns::List(&DIRECTORY_ITEM)),
    Route::new(Method::GET, "config/acme/tos", Needs::Anybody, Schema(&[DIRECTORY]), Handler::Call(terms)).returns(Returns::Nullable(&Returns::TEXT)).not_all(),
    Route::new(Method::GET, PLUGINS, CERTIFICATES, Schema(&[]), Handler::Call(plugins)).returns(Returns::List(&PLUGIN_ITEM)),
    Route::new(Method::POST, PLUGINS, CERTIFICATES, ACME_PLUGIN_CREATE, Handler::Call(create_plugin)),
    Route::new(Method::GET, ONE_PLUGIN, CERTIFICATES, Schema(&[PLUGIN]), Handler::Call(plugin)).returns(PLUGIN_ITEM),
    Route::new(Method::PUT, ONE_PLUGIN, CERTIFICATES, ACME_PLUGIN_UPDATE, Handler::Call(update_plugin)),
    Route::new(Method::DELETE, ONE_PLUGIN, CERTIFICATES, Schema(&[PLUGIN]), Handler::Call(delete_plugin)),
];

const NOT_YET: Fault = Fault::NotYet("speak with certificate authorities");

#[derive(Deserialize)]
struct NewAccount {
    #[serde(default = "default_account")]
    name: String,
}

fn default_account() -> String {
    "default".to_owned()
}

/// `GET account`
fn accounts(call: &Call) -> Result<Answer, Fault> {
    let names = edit::acme_accounts(call.ctx.configuration().dir())?;
    let items: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    Answer::data(&items)
}

/// `POST account`
fn register(call: &Call) -> Result<Answer, Fault> {
    let NewAccount { name } = call.params.read()?;
    if edit::acme_accounts(call.ctx.configuration().dir())?.contains(&name) {
        let exists = ValueError::Other(format!("account '{name}' already exists."));
        return Err(ParamErrors::one("name", exists).into());
    }
    Err(NOT_YET)
}

/// `GET account/{name}`
fn account(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    let account = edit::acme_account(call.ctx.configuration().dir(), &id)?;
    Answer::data(&AcmeAccountShown::from(account))
}

/// `PUT account/{name}` and `DELETE account/{name}`: both must be told to the authority.
fn change_account(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    edit::acme_account(call.ctx.configuration().dir(), &id)?;
    Err(NOT_YET)
}

/// `GET challenge-schema`: no provider is known to this build.
fn challenge_schema(_: &Call) -> Result<Answer, Fault> {
    Answer::data::<[Value]>(&[])
}

/// `GET directories`
fn directories(_: &Call) -> Result<Answer, Fault> {
    let item = |(name, url): &(&str, &str)| json!({ "name": name, "url": url });
    Answer::data(&ACME_DIRECTORIES.iter().map(item).collect::<Vec<_>>())
}

/// `GET tos`
fn terms(_: &Call) -> Result<Answer, Fault> {
    Err(NOT_YET)
}

/// `GET plugins`: first the one that is always there.
fn plugins(call: &Call) -> Result<Answer, Fault> {
    use config::Entry as _;
    let (plugins, digest) = edit::entries::<DnsPlugin>(call.ctx.configuration().dir())?;
    let mut items = vec![serde_json::to_value(PluginShown::standalone())?];
    for plugin in plugins {
        items.push(plugin.shown()?);
    }
    Ok(Answer::data(&items)?.beside("digest", digest.to_string()))
}

/// `GET plugins/{id}`
fn plugin(call: &Call) -> Result<Answer, Fault> {
    use config::Entry as _;
    let Named { id, .. } = call.params.read()?;
    let dir = call.ctx.configuration().dir();
    if id == STANDALONE {
        let (_, digest) = edit::entries::<DnsPlugin>(dir)?;
        let item = PluginShown::standalone();
        return Ok(Answer::data(&item)?.beside("digest", digest.to_string()));
    }
    let (plugin, digest) = edit::find_entry::<DnsPlugin>(dir, &id)?;
    Ok(Answer::data(&plugin.shown()?)?.beside("digest", digest.to_string()))
}

/// `POST plugins`
fn create_plugin(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::create_acme_plugin(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `PUT plugins/{id}`
fn update_plugin(call: &Call) -> Result<Answer, Fault> {
    let members: Map<String, Value> = call.params.read()?;
    edit::update_acme_plugin(call.ctx.configuration().dir(), members)?;
    Ok(Answer::null())
}

/// `DELETE plugins/{id}`
fn delete_plugin(call: &Call) -> Result<Answer, Fault> {
    let Named { id, .. } = call.params.read()?;
    edit::remove_acme_plugin(call.ctx.configuration().dir(), &id)?;
    Ok(Answer::null())
}
