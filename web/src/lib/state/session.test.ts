import { afterEach, describe, expect, it, vi } from "vitest";
import { allowed, returned, session } from "./session.svelte";

const permissions = { "/": { "Sys.Audit": 1, "Datastore.Audit": 0 }, "/datastore/a": { "Datastore.Modify": true } };
it.each([
  ["/", "Datastore.Audit", true],
  ["/datastore/b", "Datastore.Audit", false],
  ["/datastore/b", "Sys.Audit", true],
  ["/datastore/a", "Sys.Audit", false],
  ["/datastore/a/ns", "Datastore.Modify", true],
  ["/datastore/ab", "Datastore.Modify", false],
])("on %s, %s: %s", (path, privilege, expected) => expect(allowed(permissions, path, [privilege])).toBe(expected));

it.each([
  ["", null],
  ["?code=a", null],
  ["?state=s&code=a%2Fb&session_state=x", { code: "a/b", state: "s" }],
  ["?state=s&error=access_denied", { state: "s", error: "access_denied" }],
  ["?state=s&error=access_denied&error_description=Not+you", { state: "s", error: "Not you" }],
])("what an OpenID provider sends back: %s", (search, expected) => expect(returned(search)).toEqual(expected));

describe("asking the server", () => {
  /** What was asked of which path; servers of old refuse `http-only`. */
  function server(old: boolean): [string, URLSearchParams][] {
    const asked: [string, URLSearchParams][] = [];
    vi.stubGlobal("fetch", async (url: string, { body }: { body?: URLSearchParams }) => {
      asked.push([url, body ?? new URLSearchParams()]);
      if (old && body?.has("http-only")) return new Response("parameter verification failed - 'http-only': schema does not allow additional properties", { status: 400 });
      return Response.json({ data: url.endsWith("permissions") ? {} : { username: "a@pbs" } });
    });
    return asked;
  }
  const start = async (search: string) => {
    history.replaceState(null, "", `/${search}#/tasks`);
    await session.start();
  };
  afterEach(async () => {
    server(false);
    await session.logout();
    localStorage.clear();
    sessionStorage.clear();
    vi.unstubAllGlobals();
  });
  it.each([
    ["foreign state", "theirs", "?state=mine&code=c", []],
    ["nothing begun", undefined, "?state=mine&code=c", []],
    ["foreign error", "theirs", "?state=mine&error=no", []],
    ["own state", "mine", "?state=mine&code=c", ["/api2/json/access/openid/login", "/api2/json/access/permissions"]],
    ["own error", "mine", "?state=mine&error=no", []],
  ])("back from an OpenID provider, %s", async (what, begun, search, paths) => {
    const asked = server(false);
    if (begun) sessionStorage.setItem("strongroom-openid", begun);
    await start(search);
    expect(asked.map(([url]) => url)).toEqual(paths);
    expect(session.refused?.message).toBe(what === "own error" ? "no" : undefined);
    expect([location.search, location.hash, sessionStorage.length]).toEqual(["", "#/tasks", 0]);
    session.refused = null;
  });
  it("gives no ticket away that scripts can read, and ends it", async () => {
    document.cookie = "PBSAuthCookie=PBS%3Aold; Path=/";
    localStorage.setItem("strongroom-user", "a@pbs");
    const asked = server(false);
    await start("");
    expect(asked[0]?.[1].toString()).toBe("http-only=1&username=a%40pbs");
    expect(document.cookie).toBe("");
    document.cookie = "PBSAuthCookie=PBS%3Aold; Path=/";
    await session.logout();
    expect(document.cookie).toBe("");
  });
  // The last one: it stays known that this server is an old one.
  it("renews it with one that scripts wrote only where there is no other way", async () => {
    document.cookie = "PBSAuthCookie=PBS%3Aold; Path=/";
    localStorage.setItem("strongroom-user", "a@pbs");
    const asked = server(true);
    await start("");
    expect(asked.slice(0, 2).map(([, body]) => body.toString())).toEqual(["http-only=1&username=a%40pbs", "password=PBS%3Aold&username=a%40pbs"]);
    await session.login("b@pbs", "typed");
    expect(asked[3]?.[1].get("password")).toBe("typed");
  });
});
