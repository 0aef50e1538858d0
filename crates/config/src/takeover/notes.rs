//! What is worth a look in a directory that is taken over: what its files refer to and is not there, and who cannot log in. None of it keeps a server
//! from starting.

use std::collections::BTreeSet;
use std::path::Path;

use api::Privileges;
use format::{AuthId, Userid};

use super::Item;
use crate::entry::Entry;
use crate::files::{
    Datastores, Domains, Job, PruneJob, Shadow, SyncJob, User, Users, VerifyJob, parse_acl,
    parse_domains,
};

/// Of a list of users that many are named.
const NAMES_MAX: usize = 3;

/// One line each.
pub fn notes(items: &[Item]) -> Vec<String> {
    let text = |name: &str| {
        items
            .iter()
            .find(|item| item.name == name)
            .map_or("", Item::text)
    };
    let mut notes = places(&text);
    notes.extend(logins(&text));
    notes
}

/// Datastores that are not where they should be, and jobs without any.
fn places<'a>(text: &impl Fn(&str) -> &'a str) -> Vec<String> {
    let mut notes = Vec::new();
    let stores = Datastores::parse(text("datastore.cfg")).and_then(|stores| stores.list());
    let stores = stores.unwrap_or_default();
    for store in &stores {
        let path = store.directory();
        if store.backing_device.is_none() && !Path::new(&path).join(".chunks").is_dir() {
            let (name, path) = (&store.name, path.display());
            notes.push(format!(
                "datastore.cfg: datastore '{name}': there is no datastore at {path}"
            ));
        }
    }
    let names: BTreeSet<&str> = stores.iter().map(|store| store.name.as_str()).collect();
    for (file, jobs) in [
        ("sync.cfg", stores_of::<SyncJob>(text("sync.cfg"))),
        ("prune.cfg", stores_of::<PruneJob>(text("prune.cfg"))),
        (
            "verification.cfg",
            stores_of::<VerifyJob>(text("verification.cfg")),
        ),
    ] {
        for (id, store) in jobs
            .iter()
            .filter(|(_, store)| !names.contains(store.as_str()))
        {
            notes.push(format!(
                "{file}: job '{id}': there is no datastore '{store}'"
            ));
        }
    }
    notes
}

fn stores_of<J: Entry + Job>(text: &str) -> Vec<(String, String)> {
    let Ok(sections) = J::SYNTAX.parse(text) else {
        return Vec::new();
    };
    let of_kind = sections.of_kind(J::SECTION.name);
    let jobs = of_kind.filter_map(|(id, section)| J::SYNTAX.typed::<J>(id, section).ok());
    jobs.map(|job| (job.id().to_owned(), job.store().to_owned()))
        .collect()
}

/// Who had logged in before and cannot here.
fn logins<'a>(text: &impl Fn(&str) -> &'a str) -> Vec<String> {
    let users = Users::parse(text("user.cfg")).and_then(|users| users.users());
    // What is wrong with the files is told elsewhere.
    let (Ok(users), Ok(domains)) = (users, parse_domains(text("domains.cfg"))) else {
        return Vec::new();
    };
    let hashes = Shadow::parse("shadow.json", text("shadow.json")).unwrap_or_default();
    let mut notes = Vec::new();
    for user in of_realm(&users, "pbs").filter(|user| !has_password(user, &hashes)) {
        notes.push(format!("user.cfg: user '{user}' has no password"));
    }
    notes.extend(foreign_realms(&domains, &users));
    let of_system: Vec<&Userid> = of_realm(&users, "pam")
        .filter(|user| user.to_string() != "root@pam")
        .collect();
    if !of_system.is_empty() {
        notes.push(format!(
            "user.cfg: {}: the usual build logs in nobody of realm pam (one made with PAM does, with the passwords of this machine); \
             give them users of realm pbs. API tokens work as before",
            named(&of_system)
        ));
    }
    let acl = parse_acl(text("acl.cfg")).unwrap_or_default();
    let rules = |user: &Userid| {
        let held = acl.privileges(&AuthId::from(user.clone()), &[]).all;
        held.contains(Privileges::PermissionsModify)
    };
    let ruler = of_realm(&users, "pbs").find(|user| has_password(user, &hashes) && rules(user));
    notes.push(match ruler {
        Some(user) => format!("user.cfg: root@pam cannot log in with the usual build; '{user}' is an administrator who can"),
        None => "user.cfg: root@pam cannot log in with the usual build, and nobody else is an administrator who can; make one: \
                 `strongroom-manager user create admin@pbs --password ...`, `strongroom-manager acl update / Admin --auth-id admin@pbs`"
            .to_owned(),
    });
    notes
}

/// Realms whose users this build does not log in.
fn foreign_realms(domains: &Domains, users: &[User]) -> Vec<String> {
    let foreign = domains.0.iter().filter_map(|item| {
        let kind = match item.kind.as_str() {
            "ldap" => "LDAP",
            "ad" => "Active Directory",
            "openid" => "OpenID",
            _ => return None,
        };
        Some((kind, item.realm.as_str()))
    });
    let note = |(kind, realm)| {
        let who: Vec<&Userid> = of_realm(users, realm).collect();
        let who = match who.is_empty() {
            true => String::new(),
            false => format!(": {}", named(&who)),
        };
        format!(
            "domains.cfg: realm '{realm}' ({kind}): this build does not log in its users yet{who}; give them users of realm pbs. \
             API tokens work as before"
        )
    };
    foreign.map(note).collect()
}

fn of_realm<'a>(users: &'a [User], realm: &'a str) -> impl Iterator<Item = &'a Userid> {
    let ids = users.iter().map(|user| &user.userid);
    ids.filter(move |user| user.realm().as_str() == realm)
}

fn has_password(user: &Userid, hashes: &Shadow) -> bool {
    hashes.0.contains_key(user.name().as_str())
}

/// The first of them, and how many more there are.
fn named(users: &[&Userid]) -> String {
    let first = users.iter().take(NAMES_MAX).map(ToString::to_string);
    let text = first.collect::<Vec<_>>().join(", ");
    match users.len().saturating_sub(NAMES_MAX) {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Users of other realms were taken over without a word, and one of PAM was said to log in with a password of the old machine.
    #[test]
    fn who_cannot_log_in() {
        let files = |domains: &'static str, users: &'static str, acl: &'static str| {
            let text = move |name: &str| match name {
                "domains.cfg" => domains,
                "user.cfg" => users,
                "acl.cfg" => acl,
                "shadow.json" => "{\"ann\":\"$5$x\"}",
                _ => "",
            };
            logins(&text)
        };
        let corp = "ldap: corp\n\tbase-dn dc=x\n\tserver1 s\n\tuser-attr uid\n";
        for (domains, users, acl, expected) in [
            (
                "",
                "",
                "",
                &[
                    "nobody else is an administrator who can; make one: `strongroom-manager user create",
                ][..],
            ),
            (
                "",
                "user: ann@pbs\n",
                "acl:1:/:ann@pbs:Admin\n",
                &["'ann@pbs' is an administrator who can"],
            ),
            (
                "",
                "user: ann@pbs\n",
                "acl:1:/datastore:ann@pbs:Admin\n",
                &["nobody else is"],
            ),
            (
                "",
                "user: bob@pbs\n",
                "acl:1:/:bob@pbs:Admin\n",
                &["'bob@pbs' has no password", "nobody else is"],
            ),
            (
                corp,
                "",
                "",
                &[
                    "realm 'corp' (LDAP): this build does not log in its users yet; give",
                    "nobody else",
                ],
            ),
            (
                corp,
                "user: a@corp\n\nuser: b@corp\n\nuser: c@corp\n\nuser: d@corp\n\nuser: joe@pam\n",
                "acl:1:/:a@corp:Admin\n",
                &[
                    "yet: a@corp, b@corp, c@corp and 1 more; give",
                    "joe@pam: the usual build logs in nobody of realm pam",
                    "nobody else",
                ],
            ),
        ] {
            let notes = files(domains, users, acl);
            assert_eq!(notes.len(), expected.len(), "{notes:#?}");
            for (note, part) in notes.iter().zip(expected) {
                assert!(note.contains(part), "{part}: {note}");
            }
        }
    }
}
