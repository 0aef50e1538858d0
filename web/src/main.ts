// Starts the app when its language is there: texts are asked for as soon as a module is.
import { mount } from "svelte";
import "./app.css";
import { load } from "./lib/text";

// Not awaited at the top: what is loaded here waits for this module itself.
async function start(): Promise<void> {
  await load();
  const [{ default: App }, { session }] = await Promise.all([import("./App.svelte"), import("./lib/state/session.svelte")]);
  void session.start();
  const target = document.getElementById("app");
  if (target) mount(App, { target });
}
// A piece may be missing: the server is another by now, or the connection is bad. There may be no texts then.
start().catch(() => {
  const said = document.createElement("p");
  said.textContent = "Strongroom could not be loaded. · Strongroom konnte nicht geladen werden.";
  const button = document.createElement("button");
  button.className = "button primary";
  button.textContent = "Reload · Neu laden";
  button.onclick = () => location.reload();
  document.getElementById("app")?.replaceChildren(said, button);
});
