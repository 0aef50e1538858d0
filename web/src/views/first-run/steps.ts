// What the first run does at the server, each so that it can be done again after it stopped anywhere.
import { get, post, put } from "../../lib/api/client";

/** A token and its secret; `asked`: the one whose making was asked for, also if no answer came. */
export interface Account { tokenid: string; value: string; asked: string }

/** The prune job of a datastore; one of that name is left as it is. */
export async function pruneJob(store: string, schedule: string, options: Record<string, number>): Promise<void> {
  const id = `prune-${store}`.slice(0, 32);
  if ((await get("/config/prune", {})).some((one) => one.id === id)) return;
  await post("/config/prune", { id, store, schedule, ...options });
}

/** A user, a token and both their rights. `half` knows how far an earlier try came. */
export async function account(half: Account, userid: string, name: string, store: string): Promise<void> {
  const tokenid = `${userid}!${name}`;
  const users = await get("/access/users", { include_tokens: true });
  const user = users.find((one) => one.userid === userid);
  if (!user) await post("/access/users", { userid });
  if (half.tokenid !== tokenid || half.value === "") {
    const there = ((user?.tokens ?? []) as { tokenid: string }[]).some((one) => one.tokenid === tokenid);
    // Asked for before without an answer: nobody knows that secret, so a new one harms nobody. Somebody else's token is refused by the server.
    if (there && half.asked === tokenid) {
      const made = (await put("/access/users/{userid}/token/{token-name}", { userid, "token-name": name, regenerate: true })) as { secret?: string; value?: string } | null;
      [half.tokenid, half.value] = [tokenid, made?.secret ?? made?.value ?? ""];
    } else {
      // What is there already was not made by us.
      if (!there) half.asked = tokenid;
      const made = await post("/access/users/{userid}/token/{token-name}", { userid, "token-name": name });
      [half.tokenid, half.value] = [made.tokenid, made.value];
    }
  }
  // A token can do no more than its user: both need the right.
  for (const id of [userid, half.tokenid]) await put("/access/acl", { path: `/datastore/${store}`, role: "DatastoreBackup", "auth-id": id });
}
