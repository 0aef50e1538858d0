//! Who may call a row: the specification's words against the row's [`Needs`].

use api::Privileges;
use server::route::Needs;

use super::spec::{Permission, Row};

/// What differs, in words.
pub fn compare(row: &Row, needs: &Needs) -> Result<(), String> {
    let same = match &row.permissions {
        None => matches!(needs, Needs::Superuser),
        Some(theirs) => is_same(theirs, needs),
    };
    if same {
        Ok(())
    } else {
        Err(format!("is {needs:?}, not {:?}", row.permissions))
    }
}

fn is_same(theirs: &Permission, needs: &Needs) -> bool {
    match (theirs, needs) {
        (Permission::User(user), Needs::World) => user == "world",
        // What the original looks up in its handler may be data here.
        (Permission::User(user), Needs::Anybody | Needs::InNamespace { .. }) => user == "all",
        (Permission::UserParam(name), Needs::Self_(ours)) => name == ours,
        (Permission::Check(check), Needs::On(path, any)) => {
            let one = check.partial || check.privs.len() == 1;
            one && check.path == *path && check.privileges() == *any
        }
        (Permission::Or(theirs), Needs::Either(ours)) => are_same(theirs, ours),
        (Permission::And(theirs), Needs::All(ours)) => are_same(theirs, ours),
        _ => false,
    }
}

/// In any order.
fn are_same(theirs: &[Permission], ours: &[Needs]) -> bool {
    theirs.len() == ours.len()
        && theirs
            .iter()
            .all(|theirs| ours.iter().any(|ours| is_same(theirs, ours)))
}

/// Whether the specification lets someone call who has these privileges everywhere and is not the user of any path.
pub fn allows(permission: Option<&Permission>, held: Privileges) -> bool {
    match permission {
        None | Some(Permission::UserParam(_)) => false,
        Some(Permission::User(_)) => true,
        Some(Permission::Check(check)) if check.partial => held.intersects(check.privileges()),
        Some(Permission::Check(check)) => held.contains(check.privileges()),
        Some(Permission::Or(several)) => several.iter().any(|one| allows(Some(one), held)),
        Some(Permission::And(several)) => several.iter().all(|one| allows(Some(one), held)),
    }
}

/// Whether anyone may call, without login.
pub fn is_open(row: &Row) -> bool {
    row.permissions == Some(Permission::User("world".to_owned()))
}
