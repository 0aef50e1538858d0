import { afterEach, expect, it, vi } from "vitest";
import { account, pruneJob, type Account } from "./steps";

/** A server that knows users, tokens and rights, and loses the answer to (or refuses) the request of that number. */
function server(fault: { at: number; lost: boolean } | null) {
  const has = { users: [] as string[], tokens: [] as string[], rights: [] as string[], jobs: [] as string[] };
  let asked = 0;
  vi.stubGlobal("fetch", async (url: string, options: { method: string; body?: URLSearchParams }) => {
    const [path, body] = [decodeURIComponent(url.replace("/api2/json", "").split("?")[0] ?? ""), Object.fromEntries(options.body ?? [])];
    const here = ++asked === fault?.at;
    if (here && !fault?.lost) return new Response("no", { status: 500 });
    let data: unknown = null;
    if (path === "/access/users" && options.method === "GET") data = has.users.map((userid) => ({ userid, tokens: has.tokens.filter((one) => one.startsWith(`${userid}!`)).map((tokenid) => ({ tokenid })) }));
    else if (path === "/access/users") has.users.push(body["userid"] ?? "");
    else if (path.includes("/token/")) {
      const tokenid = path.replace("/access/users/", "").replace("/token/", "!");
      const there = has.tokens.includes(tokenid);
      if (options.method === "POST" && there) return new Response("token already exists", { status: 400 });
      if (!there) has.tokens.push(tokenid);
      data = options.method === "POST" ? { tokenid, value: "first" } : { secret: "second" };
    } else if (path === "/access/acl") has.rights.push(`${body["auth-id"]} ${body["path"]} ${body["role"]}`);
    else if (path === "/config/prune" && options.method === "GET") data = has.jobs.map((id) => ({ id }));
    else if (path === "/config/prune") has.jobs.push(body["id"] ?? "");
    if (here) throw new TypeError("the answer is lost");
    return new Response(JSON.stringify({ data }));
  });
  return has;
}
afterEach(() => vi.unstubAllGlobals());

it.each([1, 2, 3, 4, 5].flatMap((at) => [true, false].map((lost) => ({ at, lost }))))("an account is whole after a second try: $at, answer lost: $lost", async (fault) => {
  const has = server(fault);
  const half: Account = { tokenid: "", value: "", asked: "" };
  await expect(account(half, "a@pbs", "client", "main")).rejects.toThrow();
  await account(half, "a@pbs", "client", "main");
  expect(has.users).toEqual(["a@pbs"]);
  expect(has.tokens).toEqual(["a@pbs!client"]);
  expect(half).toMatchObject({ tokenid: "a@pbs!client", value: fault.at === 3 && fault.lost ? "second" : "first" });
  expect(new Set(has.rights)).toEqual(new Set(["a@pbs /datastore/main DatastoreBackup", "a@pbs!client /datastore/main DatastoreBackup"]));
});
it("does not take over a token of somebody else", async () => {
  const has = server(null);
  has.users.push("a@pbs");
  has.tokens.push("a@pbs!client");
  const half: Account = { tokenid: "", value: "", asked: "" };
  for (let turn = 0; turn < 2; turn += 1) await expect(account(half, "a@pbs", "client", "main")).rejects.toThrow("already exists");
  expect(has.rights).toEqual([]);
});
it.each([1, 2].flatMap((at) => [true, false].map((lost) => ({ at, lost }))))("a prune job is made once: $at, answer lost: $lost", async (fault) => {
  const has = server(fault);
  await expect(pruneJob("main", "daily", { "keep-last": 3 })).rejects.toThrow();
  await pruneJob("main", "daily", { "keep-last": 3 });
  expect(has.jobs).toEqual(["prune-main"]);
});
