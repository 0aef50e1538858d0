// The user name that a browser remembers for the next login.
const NAME = "strongroom-name";
const REALM = "strongroom-realm";
export interface Remembered { name: string; realm: string }

export function remembered(): Remembered | null {
  const name = localStorage.getItem(NAME);
  return name === null ? null : { name, realm: localStorage.getItem(REALM) ?? "" };
}
/** Null forgets it. */
export function remember(who: Remembered | null): void {
  localStorage.removeItem(NAME);
  localStorage.removeItem(REALM);
  if (!who) return;
  localStorage.setItem(NAME, who.name);
  localStorage.setItem(REALM, who.realm);
}
