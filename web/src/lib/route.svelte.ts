// Where we are: `#/store/NAME/content?ns=a/b`. The original's `#DataStore-NAME:content` leads to the same places.
export interface Place {
  path: string[];
  query: URLSearchParams;
}

const ORIGINAL: Record<string, string> = {
  pbsDashboard: "dashboard", pbsDataStores: "stores", pbsAccessControlPanel: "access", pbsRemoteView: "config/remotes", pbsTrafficControlView: "config/traffic", pbsCertificateConfiguration: "config/certificates", pbsNotificationConfigView: "config/notifications", pbsSystemConfiguration: "config/node", pbsServerAdministration: "node",
};

export function parse(hash: string): Place {
  let text = hash.replace(/^#/, "");
  const store = /^DataStore-([^:]+)(?::(\w+))?$/.exec(text);
  if (store) text = `/store/${store[1]}/${store[2] ?? "summary"}`;
  else if (!text.startsWith("/")) text = `/${ORIGINAL[text.split(":")[0] ?? ""] ?? text}`;
  const [path = "", query = ""] = text.slice(1).split("?", 2);
  const parts = path.split("/").filter((part) => part !== "").map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { path: parts, query: new URLSearchParams(query) };
}

/** The fragment of a place, for links. */
export function to(path: (string | number)[], query: Record<string, string | number | undefined> = {}): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== "") form.set(name, String(value));
  return `#/${path.map((part) => encodeURIComponent(part)).join("/")}${form.size > 0 ? `?${form}` : ""}`;
}

class Route {
  place = $state.raw<Place>({ path: [], query: new URLSearchParams() });
  constructor() {
    if (typeof window === "undefined") return;
    this.place = parse(location.hash);
    addEventListener("hashchange", () => (this.place = parse(location.hash)));
  }
  go(path: (string | number)[], query: Record<string, string | number | undefined> = {}): void {
    location.hash = to(path, query);
  }
  /** Changes the query without an entry in the history (filters). */
  set(query: Record<string, string | number | undefined>): void {
    const all = Object.fromEntries(this.place.query);
    const next = to(this.place.path, { ...all, ...query });
    if (next === location.hash) return;
    history.replaceState(null, "", next);
    this.place = parse(location.hash);
  }
}
export const route = new Route();
