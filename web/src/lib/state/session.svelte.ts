// Who is logged in. The ticket is a cookie that scripts cannot read; of the login only the user's name is kept, and a reload renews it.
import { ApiError, connect, get, post, raw } from "../api/client";

export interface Challenge {
  ticket: string;
  username: string;
  /** Kinds that the server offers: totp, recovery, webauthn, u2f, yubico. */
  kinds: string[];
  recoveryLeft: number[];
}

const USER = "strongroom-user";
const RENEW_SECONDS = 15 * 60;

function challengeOf(ticket: string, username: string): Challenge | null {
  const found = /^PBS:!tfa!([^:]*):/.exec(ticket);
  if (!found?.[1]) return null;
  const parsed = JSON.parse(decodeURIComponent(found[1])) as Record<string, unknown>;
  const kinds = Object.entries(parsed).filter(([, value]) => value !== null && value !== false && value !== undefined).map(([kind]) => kind);
  const recovery = parsed["recovery"];
  return { ticket, username, kinds, recoveryLeft: Array.isArray(recovery) ? (recovery as number[]) : [] };
}

class Session {
  user = $state<string | null>(null);
  /** False until it is known whether an earlier login still holds. */
  known = $state(false);
  expired = $state(false);
  lost = $state(false);
  retryIn = $state(0);
  permissions = $state.raw<Record<string, Record<string, unknown>>>({});
  #csrf = "";
  #timer: ReturnType<typeof setInterval> | undefined;
  #attempts = 0;

  constructor() {
    connect({
      csrf: () => this.#csrf,
      unauthorized: () => {
        if (this.user !== null) this.expired = true;
        clearInterval(this.#timer);
        this.user = null;
      },
      reached: (ok) => this.#reached(ok),
    });
  }

  async start(): Promise<void> {
    const user = localStorage.getItem(USER);
    if (user) await this.#renew(user).catch(() => undefined);
    this.known = true;
  }

  async login(username: string, password: string): Promise<Challenge | null> {
    return this.#take(await this.#ticket({ username, password, "http-only": true }), username);
  }
  async confirm(challenge: Challenge, kind: string, answer: string): Promise<void> {
    await this.#take(await this.#ticket({ username: challenge.username, password: `${kind}:${answer}`, "tfa-challenge": challenge.ticket, "http-only": true }), challenge.username);
  }
  async logout(): Promise<void> {
    localStorage.removeItem(USER);
    // Servers before 4.0.5 do not know it; the cookie then ends by itself.
    await raw("delete", "/access/ticket").catch(() => undefined);
    clearInterval(this.#timer);
    this.user = null;
    this.expired = false;
  }
  /** Whether the user has one of the privileges on a path, by the longest listed path above it. */
  may(path: string, ...privileges: string[]): boolean {
    let best: Record<string, unknown> = {};
    let length = -1;
    for (const [known, has] of Object.entries(this.permissions)) {
      if ((path === known || path.startsWith(known === "/" ? "/" : `${known}/`)) && known.length > length) {
        best = has;
        length = known.length;
      }
    }
    return privileges.some((privilege) => privilege in best);
  }
  /** Whether the user has one of the privileges anywhere below a path. */
  mayBelow(path: string, ...privileges: string[]): boolean {
    return this.may(path, ...privileges) || Object.entries(this.permissions).some(([known, has]) => known.startsWith(path === "/" ? "/" : `${path}/`) && privileges.some((p) => p in has));
  }
  async loadPermissions(): Promise<void> {
    this.permissions = ((await get("/access/permissions", {})) ?? {}) as Record<string, Record<string, unknown>>;
  }

  async #ticket(params: Record<string, unknown>): Promise<Record<string, string>> {
    const response = await raw("post", "/access/ticket", params);
    return ((await response.json()) as { data: Record<string, string> }).data;
  }
  async #renew(user: string): Promise<void> {
    await this.#take(await this.#ticket({ username: user, "http-only": true }), user);
  }
  async #take(data: Record<string, string>, username: string): Promise<Challenge | null> {
    const challenge = data["ticket"] ? challengeOf(data["ticket"], username) : null;
    if (challenge) return challenge;
    // Older servers give the ticket itself.
    if (data["ticket"]) document.cookie = `PBSAuthCookie=${encodeURIComponent(data["ticket"])}; Secure; SameSite=Lax; Path=/`;
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
    await this.loadPermissions().catch(() => undefined);
    this.expired = false;
    this.user = user;
    return null;
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
      await raw("get", "/ping");
    } catch (error) {
      if (this.lost && error instanceof ApiError) this.#wait();
    }
  }
}
export const session = new Session();
