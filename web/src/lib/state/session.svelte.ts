// Who is logged in. The ticket is a cookie that scripts cannot read; of the login only the user's name is kept, and a reload renews it.
import { ApiError, connect, get, post, raw, refuses, send } from "../api/client";

export interface Challenge {
  ticket: string;
  username: string;
  /** Kinds that the server offers: totp, recovery, webauthn, u2f, yubico. */
  kinds: string[];
  recoveryLeft: number[];
}

const USER = "strongroom-user";
/** The `state` of the question that this tab asked an OpenID provider. */
const BEGUN = "strongroom-openid";
const RIGHTS_MS = 2_000;
const RENEW_SECONDS = 15 * 60;

function challengeOf(ticket: string, username: string): Challenge | null {
  const found = /^PBS:!tfa!([^:]*):/.exec(ticket);
  if (!found?.[1]) return null;
  const parsed = JSON.parse(decodeURIComponent(found[1])) as Record<string, unknown>;
  const kinds = Object.entries(parsed).filter(([, value]) => value !== null && value !== false && value !== undefined).map(([kind]) => kind);
  const recovery = parsed["recovery"];
  return { ticket, username, kinds, recoveryLeft: Array.isArray(recovery) ? (recovery as number[]) : [] };
}

/** The ticket that scripts wrote, if one had to. */
function plainTicket(): string | undefined {
  const found = /(?:^|; )PBSAuthCookie=([^;]+)/.exec(document.cookie)?.[1];
  return found === undefined ? undefined : decodeURIComponent(found);
}
const forget = () => (document.cookie = "PBSAuthCookie=; Secure; SameSite=Lax; Path=/; Max-Age=0");

/** Paths with their privileges, each with whether it holds below too. */
export function allowed(permissions: Record<string, Record<string, unknown>>, path: string, privileges: string[]): boolean {
  const holds = Object.entries(permissions)
    .filter(([known]) => path === known || path.startsWith(known === "/" ? "/" : `${known}/`))
    .toSorted(([a], [b]) => b.length - a.length)[0];
  if (!holds) return false;
  const [known, has] = holds;
  return privileges.some((privilege) => (known === path ? privilege in has : Boolean(has[privilege])));
}

type Returned = { state: string } & ({ code: string } | { error: string });
/** What an OpenID provider sends back in the address. */
export function returned(search: string): Returned | null {
  const query = new URLSearchParams(search);
  const [code, state, error] = ["code", "state", "error"].map((name) => query.get(name));
  if (state && code) return { code, state };
  return state && error ? { state, error: query.get("error_description") ?? error } : null;
}

class Session {
  user = $state<string | null>(null);
  /** False until it is known whether an earlier login still holds. */
  known = $state(false);
  expired = $state(false);
  /** Why a login by OpenID was refused. */
  refused = $state.raw<ApiError | null>(null);
  lost = $state(false);
  retryIn = $state(0);
  permissions = $state.raw<Record<string, Record<string, unknown>>>({});
  /** Whose pages are on the screen; he may have to log in again. */
  owner = $state<string | null>(null);
  #csrf = "";
  /** Grows with each logout; answers to what was asked before it are dropped. */
  #generation = 0;
  #timer: ReturnType<typeof setInterval> | undefined;
  #attempts = 0;
  /** Questions for the permissions. */
  #asked = 0;

  constructor() {
    connect({
      csrf: () => this.#csrf,
      unauthorized: () => {
        if (this.user !== null) this.expired = true;
        clearInterval(this.#timer);
        this.user = null;
      },
      rights: () => this.#rights(),
      reached: (ok) => this.#reached(ok),
    });
  }

  async start(): Promise<void> {
    const back = returned(location.search);
    // What was given us works once: a reload must not use it again.
    if (back) history.replaceState(null, "", location.pathname + location.hash);
    const user = localStorage.getItem(USER);
    const begun = sessionStorage.getItem(BEGUN);
    sessionStorage.removeItem(BEGUN);
    // An answer to a question of somebody else would log in as somebody else.
    if (back && back.state === begun) {
      this.refused = await this.#openid(back);
      if (this.refused === null) return void (this.known = true);
    }
    try {
      if (user) await this.#renew(user);
    } catch (error) {
      // Not to be told from here whether the login holds: ask again when the server is back.
      if (error instanceof ApiError && (error.status === 0 || error.status >= 500)) {
        this.#reached(false);
        addEventListener("strongroom-back", () => void this.start(), { once: true });
        return;
      }
    }
    this.known = true;
  }

  /** Goes to an OpenID provider; only the answer to this question counts. */
  begin(url: string): void {
    sessionStorage.setItem(BEGUN, new URL(url).searchParams.get("state") ?? "");
    location.assign(url);
  }
  /** Ends a login by OpenID; null, or why it was refused. */
  async #openid(back: Returned): Promise<ApiError | null> {
    if ("error" in back) return new ApiError(401, back.error);
    try {
      const response = await raw("post", "/access/openid/login", { ...back, "redirect-url": location.origin + location.pathname, "http-only": true });
      const { data } = (await response.json()) as { data: Record<string, string> };
      await this.#take(data, data["username"] ?? "");
      return null;
    } catch (error) {
      return error instanceof ApiError ? error : new ApiError(-1, String(error));
    }
  }
  async login(username: string, password: string): Promise<Challenge | null> {
    return this.#take(await this.#ticket({ username, password }), username);
  }
  async confirm(challenge: Challenge, kind: string, answer: string): Promise<void> {
    await this.#take(await this.#ticket({ username: challenge.username, password: `${kind}:${answer}`, "tfa-challenge": challenge.ticket }), challenge.username);
  }
  /** Throws if the server may not have taken the ticket back. */
  async logout(): Promise<void> {
    this.#generation += 1;
    try {
      await send("delete", "/access/ticket");
    } catch (error) {
      // Servers before 4.0.5 do not know it; the cookie, which scripts may write there, ends here.
      if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500) throw error;
    }
    forget();
    localStorage.removeItem(USER);
    this.owner = null;
    clearInterval(this.#timer);
    this.user = null;
    this.expired = false;
  }
  /** Whether the user has one of the privileges on a path, by the longest listed path above it that passes them on. A hint for buttons: the server
   * decides, and does not list paths where somebody may do nothing. */
  may(path: string, ...privileges: string[]): boolean {
    return allowed(this.permissions, path, privileges);
  }
  /** Whether the user has one of the privileges anywhere below a path. */
  mayBelow(path: string, ...privileges: string[]): boolean {
    return this.may(path, ...privileges) || Object.entries(this.permissions).some(([known, has]) => known.startsWith(path === "/" ? "/" : `${path}/`) && privileges.some((p) => p in has));
  }
  async loadPermissions(): Promise<void> {
    const number = ++this.#asked;
    const found = ((await get("/access/permissions", {})) ?? {}) as Record<string, Record<string, unknown>>;
    // An answer that was overtaken is an old one.
    if (number === this.#asked) this.permissions = found;
  }

  /** A login, kept in a cookie that scripts cannot read; servers before 4.0.5 do not know that. Those take a ticket, from a cookie that scripts wrote, as the
   * password for the next one. */
  async #ticket(params: Record<string, unknown>): Promise<Record<string, string>> {
    const response = await raw("post", "/access/ticket", {
      "http-only": true,
      // Looked at anew when it is asked again without `http-only`.
      get password() {
        return refuses("post http-only /access/ticket") ? plainTicket() : undefined;
      },
      ...params,
    });
    return ((await response.json()) as { data: Record<string, string> }).data;
  }
  async #renew(user: string): Promise<void> {
    const generation = this.#generation;
    const data = await this.#ticket({ username: user });
    if (generation === this.#generation) await this.#take(data, user);
  }
  async #take(data: Record<string, string>, username: string): Promise<Challenge | null> {
    const challenge = data["ticket"] ? challengeOf(data["ticket"], username) : null;
    if (challenge) return challenge;
    // Older servers give the ticket itself.
    if (data["ticket"]) document.cookie = `PBSAuthCookie=${encodeURIComponent(data["ticket"])}; Secure; SameSite=Lax; Path=/`;
    else forget();
    this.#csrf = data["CSRFPreventionToken"] ?? "";
    const user = data["username"] ?? username;
    localStorage.setItem(USER, user);
    clearInterval(this.#timer);
    this.#timer = setInterval(() => void this.#renew(user).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401) {
        this.expired = true;
        this.user = null;
      }
    }), RENEW_SECONDS * 1000);
    if (user !== this.owner) this.permissions = {};
    await this.loadPermissions().catch(() => undefined);
    this.expired = false;
    this.refused = null;
    this.owner = user;
    this.user = user;
    return null;
  }
  #looked = 0;
  #look: ReturnType<typeof setTimeout> | undefined;
  /** Whoever got or lost a right is not told so by the server: refusals tell it. Some are usual, so it is looked at now and then only. */
  #rights(): void {
    this.#look ??= setTimeout(() => {
      this.#look = undefined;
      if (this.user === null) return;
      this.#looked = Date.now();
      const before = JSON.stringify(this.permissions);
      void this.loadPermissions().then(() => {
        if (JSON.stringify(this.permissions) !== before) dispatchEvent(new CustomEvent("strongroom-rights"));
      }, () => undefined);
    }, Math.max(0, this.#looked + RIGHTS_MS - Date.now()));
  }
  #reached(ok: boolean): void {
    if (ok) {
      this.#attempts = 0;
      const back = this.lost;
      this.lost = false;
      if (back) dispatchEvent(new CustomEvent("strongroom-back"));
      return;
    }
    if (this.lost) return;
    this.lost = true;
    this.#wait();
  }
  #wait(): void {
    this.#attempts += 1;
    this.retryIn = Math.min(30, 2 ** this.#attempts);
    const tick = setInterval(() => {
      this.retryIn -= 1;
      if (!this.lost || this.retryIn <= 0) clearInterval(tick);
      if (this.lost && this.retryIn <= 0) void this.retry();
    }, 1000);
  }
  async retry(): Promise<void> {
    try {
      await send("get", "/ping");
    } catch (error) {
      if (this.lost && error instanceof ApiError) this.#wait();
    }
  }
}
export const session = new Session();
