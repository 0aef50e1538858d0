//! A user with each of the roles tries every row.

use api::Role;

use super::exceptions::Complaints;
use super::rights;
use super::rows::Served;
use super::site::Door;

#[tokio::test]
async fn each_role_opens_what_it_should() {
    let Some(served) = Served::read() else { return };
    let Some(mut door) = Door::open().await else {
        return;
    };
    let mut complaints = Complaints::about("role");
    let (mut allowed, mut refused) = (0, 0);
    for role in Role::ALL {
        let header = holder(&mut door, *role).await;
        for (row, _) in served.routes() {
            // The unknown parameter is looked at after the privileges and before anything is done.
            let mut query = door.query(row, None);
            query.push("nope=1".to_owned());
            let target = format!("/api2/json/{}?{}", door.path(row, None), query.join("&"));
            let answer = door.line.ask(&row.method, &target, &[&header], "").await;
            let is_refused = answer.status == 403;
            let expected = rights::allows(row.permissions.as_ref(), role.privileges());
            if is_refused {
                refused += 1;
            } else {
                allowed += 1;
            }
            if is_refused == expected || (!is_refused && answer.status != 400) {
                let text = format!("gets {} {:?}", answer.status, answer.text());
                complaints.add(&row.name(), role.name(), text);
            }
        }
    }
    eprintln!(
        "{} roles: {allowed} requests allowed, {refused} refused",
        Role::ALL.len()
    );
    complaints.settle(&served);
    door.site.end().await;
}

/// Makes a user with this role on everything, and a token of his with the same; gives its header.
async fn holder(door: &mut Door, role: Role) -> String {
    let user = format!("{}@pbs", role.name().to_lowercase());
    let made = door
        .ask("POST", "access/users", "", Some(&format!("userid={user}")))
        .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let path = format!("access/users/{user}/token/tok");
    let made = door.ask("POST", &path, "", Some("")).await.json();
    for id in [user.clone(), format!("{user}!tok")] {
        let body = format!("path=/&role={}&auth-id={id}", role.name());
        let granted = door.ask("PUT", "access/acl", "", Some(&body)).await;
        assert_eq!(granted.status, 200, "{}", granted.text());
    }
    let secret = made["data"]["value"].as_str().expect("secret");
    format!("authorization: PBSAPIToken={user}!tok:{secret}")
}
