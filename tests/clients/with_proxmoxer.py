"""proxmoxer, as scripts and Ansible use it: backend https, service PBS, with password and with token."""

import time

from proxmoxer import AuthenticationError, ProxmoxAPI, ResourceException

from house import STORE, TOKEN, USER


def clients(house):
    common = {"port": house.port, "service": "PBS", "backend": "https", "verify_ssl": False, "timeout": 30}
    yield "password", ProxmoxAPI("127.0.0.1", user=USER, password=house.password, **common)
    yield "token", ProxmoxAPI("127.0.0.1", user=USER, token_name=TOKEN, token_value=house.secret("token"), **common)


def refused(call, status, text):
    try:
        call()
    except ResourceException as error:
        assert error.status_code == status, error
        assert text in str(error.content) or text in str(error), error
        return
    raise AssertionError(f"not refused with {status} {text}")


def wait(api, upid):
    for _ in range(600):
        status = api.nodes("localhost").tasks(upid).status.get()
        if status["status"] == "stopped":
            return status
        time.sleep(0.05)
    raise AssertionError(f"{upid} does not end")


def exercise(how, api):
    assert api.version.get()["version"], "a version"
    assert [store["store"] for store in api.admin.datastore.get()] == [STORE]
    store = api.admin.datastore(STORE)
    status = store.status.get(verbose=1)
    assert status["total"] > 0 and status["counts"]["host"]["snapshots"] == 2, status
    snapshots = store.snapshots.get(**{"backup-type": "host", "backup-id": "quickstart"})
    assert len(snapshots) == 2, snapshots
    assert [group["backup-count"] for group in store.groups.get()] == [2]
    newest = {key: snapshots[0][key] for key in ("backup-type", "backup-id", "backup-time")}
    note = f"by {how}: ümlaut & more"
    store.notes.put(**newest, notes=note)
    assert store.notes.get(**newest) == note
    store.protected.put(**newest, protected=1)
    assert store.protected.get(**newest) is True
    refused(lambda: store.snapshots.delete(**newest), 400, "protected")
    store.protected.put(**newest, protected=0)

    user = f"{how}@pbs"
    api.access.users.post(userid=user, password="long enough", comment="made by a test")
    assert user in [item["userid"] for item in api.access.users.get()]
    token = api.access.users(user).token("script").post()
    assert token["tokenid"] == f"{user}!script" and len(token["value"]) == 36, token
    api.access.acl.put(path=f"/datastore/{STORE}", role="DatastoreAudit", **{"auth-id": user})
    assert f"/datastore/{STORE}" in api.access.permissions.get(**{"auth-id": user})
    api.access.users(user).put(comment="changed")
    assert api.access.users(user).get()["comment"] == "changed"
    api.access.users(user).delete()
    refused(lambda: api.access.users(user).get(), 400, "no such user")

    upid = store.verify.post()
    assert wait(api, upid)["exitstatus"] == "OK"
    log = api.nodes("localhost").tasks(upid).log.get(limit=0)
    assert log[-1]["t"].endswith("TASK OK"), log
    tasks = api.nodes("localhost").tasks.get(typefilter="verify")
    assert upid in [task["upid"] for task in tasks], tasks

    refused(lambda: api.admin.datastore("nope").status.get(), 400, "no such datastore 'nope'")
    refused(lambda: api.nope.get(), 404, "not found")
    refused(lambda: store.snapshots.get(nope=1), 400, "schema does not allow additional properties")
    print(f"proxmoxer with {how}: all as expected")


def wrong_credentials(house):
    try:
        ProxmoxAPI("127.0.0.1", port=house.port, service="PBS", user=USER, password="wrong", verify_ssl=False)
    except AuthenticationError:
        pass
    else:
        raise AssertionError("a wrong password is accepted")
    stranger = ProxmoxAPI(
        "127.0.0.1", port=house.port, service="PBS", user=USER, token_name=TOKEN, token_value="x" * 36, verify_ssl=False
    )
    refused(stranger.version.get, 401, "authentication failed")


def check(house):
    for how, api in clients(house):
        exercise(how, api)
    wrong_credentials(house)
