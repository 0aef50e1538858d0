// Paths of the access control list.
const FIXED = ["/", "/access", "/access/acl", "/access/domains", "/access/users", "/access/openid", "/datastore", "/remote", "/system", "/system/certificates", "/system/disks", "/system/log", "/system/network", "/system/network/dns", "/system/network/interfaces", "/system/notifications", "/system/services", "/system/services/proxmox-backup", "/system/status", "/system/tasks", "/system/time"];

/** All that can be suggested: fixed ones, datastores, and the namespaces of the one that is being typed. */
export function pathsFor(stores: string[], store: string | undefined, namespaces: string[]): string[] {
  return [...FIXED, ...stores.map((name) => `/datastore/${name}`), ...(store === undefined ? [] : namespaces.map((ns) => `/datastore/${store}/${ns}`))].toSorted();
}
/** Whether the server would take it as a path. */
export function isPath(text: string): boolean {
  return text === "/" || /^(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/.test(text);
}
