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
void start();
