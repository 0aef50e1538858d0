// A server that says no more than an original one: between the page and ours stands the original's list of routes. What is not in it is not found; a
// parameter that a route does not have is refused; of an answer only what the route describes goes on.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";

const folders = [process.env.STRONGROOM_SPEC, resolve(import.meta.dirname, "../../../shared/spec"), process.env.STRONGROOM_FIXTURES && join(process.env.STRONGROOM_FIXTURES, "../spec")].filter(Boolean);
/** The file of the routes of a version, if it is on this machine. */
export const listOf = (name) => folders.map((folder) => join(folder, name)).find((file) => existsSync(file));

function routesOf(file) {
  return readFileSync(file, "utf8").trim().split("\n").map((line) => JSON.parse(line)).map((row) => ({
    method: row.method,
    path: new RegExp(`^${row.path.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "([^/]+)")}$`),
    places: row.path.includes("{"),
    params: row.params ?? {},
    names: [...row.path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name),
    returns: row.returns,
  }));
}

/** What a description leaves of a value. */
export function trimmed(value, shape) {
  if (Array.isArray(value)) return value.map((one) => trimmed(one, shape?.items));
  if (value === null || typeof value !== "object" || !shape?.properties || shape.additionalProperties !== false) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => name in shape.properties).map(([name, one]) => [name, trimmed(one, shape.properties[name])]));
}

/** Puts the list of `file` before all that a context asks of a house. What was refused for its parameters is in the list that is given back. */
export async function original(context, house, file) {
  const routes = routesOf(file);
  const wrong = [];
  await context.route((url) => url.origin === house.url && url.pathname.startsWith("/api2/json"), async (route) => {
    const request = route.request();
    const url = new URL(request.url());
    const path = url.pathname.replace("/api2/json", "");
    const said = (status, body) => route.fulfill({ status, body, headers: { "content-type": "text/plain" } });
    // The most exact one: a name in braces may be anything.
    const found = routes.filter((one) => one.method === request.method() && one.path.test(path)).toSorted((a, b) => Number(a.places) - Number(b.places) || a.names.length - b.names.length)[0];
    if (!found) return said(404, `Path '${url.pathname}' not found.`);
    const given = [...url.searchParams.keys(), ...new URLSearchParams(request.postData() ?? "").keys()];
    const unknown = given.filter((name) => !(name in found.params));
    if (unknown.length > 0) {
      wrong.push(`${request.method()} ${path}: ${unknown}`);
      return said(400, `parameter verification failed - '${unknown[0]}': schema does not allow additional properties.`);
    }
    const answer = await route.fetch();
    if (!answer.ok() || !(answer.headers()["content-type"] ?? "").includes("json")) return route.fulfill({ response: answer });
    const json = await answer.json();
    return route.fulfill({ response: answer, json: { ...json, data: trimmed(json.data, found.returns) } });
  });
  return wrong;
}
