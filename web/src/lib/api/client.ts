// The REST API, typed by the OpenAPI document. `data` of an answer is what callers get; failures are ApiError with the server's text.
import type { paths } from "./openapi";

export type Method = "get" | "post" | "put" | "delete";
export type PathOf<M extends Method> = { [P in keyof paths]: paths[P] extends Record<M, infer O> ? (O extends { responses: unknown } ? P : never) : never }[keyof paths];
type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type Query<O> = O extends { parameters: { query?: infer Q } } ? (Q extends object ? Q : object) : object;
type InPath<O> = O extends { parameters: { path: infer Q } } ? (Q extends object ? Q : object) : object;
type Body<O> = O extends { requestBody?: { content: infer C } } ? (C extends { "application/json": infer B } ? B : object) : object;
export type Params<P extends keyof paths, M extends Method> = InPath<Operation<P, M>> & Partial<Query<Operation<P, M>>> & Partial<Body<Operation<P, M>>>;
type Json<O> = O extends { responses: { 200: { content: { "application/json": infer J } } } } ? J : unknown;
export type Answer<P extends keyof paths, M extends Method> = Json<Operation<P, M>>;
export type Data<P extends keyof paths, M extends Method> = Answer<P, M> extends { data?: infer D } ? Exclude<D, undefined> : unknown;

/** What the server said no to. `status` 0: it was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    /** By parameter, from the answers to bad values. */
    readonly fields: Record<string, string> = {},
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** Whether a server says that it has no such route: ours of another version, or an original one. */
export const isAbsent = (error: unknown): boolean => error instanceof ApiError && (error.status === 501 || (error.status === 404 && /^Path '.*' not found/.test(error.message)));

/** Whether a server refused a parameter because it does not know it. */
export const lacks = (error: unknown, name: string): boolean => error instanceof ApiError && error.status === 400 && /additional properties/.test(error.fields[name] ?? "");

interface Hooks {
  csrf: () => string;
  unauthorized: () => void;
  /** Something was refused to a user who is logged in, or is not refused any more: his rights may have changed. */
  rights?: () => void;
  reached: (ok: boolean) => void;
}
let hooks: Hooks = { csrf: () => "", unauthorized: () => {}, reached: () => {} };
/** The session tells the client its token, and is told of a 401 and of a server that is gone or back. */
export function connect(given: Hooks): void {
  hooks = given;
}

/** Paths that were refused to this user. */
const refused = new Set<string>();
const REFUSED_MAX = 1000;

export const BASE = "/api2/json";

/** A path with its parameters filled in, and what is left of them. */
export function fill(path: string, params: Record<string, unknown>): [string, Record<string, unknown>] {
  const rest = { ...params };
  const filled = path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = rest[name];
    delete rest[name];
    return encodeURIComponent(String(value));
  });
  return [filled, rest];
}

/** Parameters as a form or query: booleans as 1 and 0, lists repeated, nothing for undefined. */
export function encode(params: Record<string, unknown>): URLSearchParams {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one === undefined || one === null) continue;
      form.append(name, typeof one === "boolean" ? (one ? "1" : "0") : String(one));
    }
  }
  return form;
}

/** From `parameter verification failed - 'name': text`, or several lines `- 'name': text` (protocol.md 1.5). */
export function fieldsOf(text: string): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const line of text.split("\n")) {
    const found = /^(?:parameter verification failed )?- '([^']+)':\s+(.*)$/.exec(line.trim());
    if (found?.[1] && found[2]) fields[found[1]] = found[2];
  }
  return fields;
}

/** Parameters that older servers refuse, and without which they do what is wished all the same. */
const NEWER = ["post http-only", "get sync-direction"];
/** Those of them that this server was seen to refuse, by method and path. */
const unknown = new Set<string>();
/** Whether this server was seen to refuse one, as `post http-only /path`. */
export const refuses = (what: string): boolean => unknown.has(what);

/** An answer that is fine; `ApiError` otherwise. */
export async function raw(method: Method, path: string, params: Record<string, unknown> = {}, signal?: AbortSignal): Promise<Response> {
  const known = Object.fromEntries(Object.entries(params).filter(([name]) => !unknown.has(`${method} ${name} ${path}`)));
  try {
    return await sent(method, path, known, signal);
  } catch (error) {
    const refused = Object.keys(known).find((name) => NEWER.includes(`${method} ${name}`) && lacks(error, name));
    if (refused === undefined) throw error;
    unknown.add(`${method} ${refused} ${path}`);
    return raw(method, path, params, signal);
  }
}

async function sent(method: Method, path: string, params: Record<string, unknown>, signal?: AbortSignal): Promise<Response> {
  const [filled, rest] = fill(path, params);
  const form = encode(rest);
  const inUrl = method === "get" || method === "delete";
  const url = BASE + filled + (inUrl && form.size > 0 ? `?${form}` : "");
  const headers: Record<string, string> = {};
  if (method !== "get") headers["CSRFPreventionToken"] = hooks.csrf();
  let response: Response;
  try {
    response = await fetch(url, { method: method.toUpperCase(), headers, body: inUrl ? undefined : form, signal, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    hooks.reached(false);
    throw new ApiError(0, String(error instanceof Error ? error.message : error));
  }
  // A gateway says 502 and 504; 503 is the server itself, whose disk is busy.
  hooks.reached(response.status !== 502 && response.status !== 504);
  if (response.ok) {
    if (refused.delete(filled)) hooks.rights?.();
    return response;
  }
  const text = (await response.text()).trim();
  let message = text;
  let fields = fieldsOf(text);
  try {
    const json = JSON.parse(text) as { message?: string; errors?: Record<string, string> };
    message = json.message ?? text;
    fields = { ...fields, ...json.errors };
  } catch {
    // Plain text, as most failures are.
  }
  if (response.status === 401 && path !== "/access/ticket" && path !== "/access/openid/login") hooks.unauthorized();
  if (response.status === 403 && refused.size < REFUSED_MAX) {
    refused.add(filled);
    hooks.rights?.();
  }
  throw new ApiError(response.status, message || response.statusText, fields);
}

/** For what is not looked at. It is read all the same: an answer that nobody reads stays open. */
export async function send(method: Method, path: string, params: Record<string, unknown> = {}): Promise<void> {
  await (await raw(method, path, params)).text();
}

/** The whole answer, for what stands beside `data` (digest, total, changes). */
export async function whole<P extends keyof paths, M extends Method>(method: M, path: P, params: Params<P, M>, signal?: AbortSignal): Promise<{ data: Data<P, M>; digest?: string; total?: number }> {
  const response = await raw(method, path, params as Record<string, unknown>, signal);
  return (await response.json()) as { data: Data<P, M>; digest?: string; total?: number };
}

async function call<P extends keyof paths, M extends Method>(method: M, path: P, params: Params<P, M>, signal?: AbortSignal): Promise<Data<P, M>> {
  return (await whole(method, path, params, signal)).data;
}

export const get = <P extends PathOf<"get">>(path: P, params: Params<P, "get">, signal?: AbortSignal) => call("get", path, params, signal);
export const post = <P extends PathOf<"post">>(path: P, params: Params<P, "post">, signal?: AbortSignal) => call("post", path, params, signal);
export const put = <P extends PathOf<"put">>(path: P, params: Params<P, "put">, signal?: AbortSignal) => call("put", path, params, signal);
export const del = <P extends PathOf<"delete">>(path: P, params: Params<P, "delete">, signal?: AbortSignal) => call("delete", path, params, signal);

/** The address of a download. */
export function link(path: string, params: Record<string, unknown>): string {
  const [filled, rest] = fill(path, params);
  return `${BASE}${filled}?${encode(rest)}`;
}
