import { cleanup, render, screen } from "@testing-library/svelte";
import { tick } from "svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { encoded } from "../../lib/base64";
import Login from "./Login.svelte";

beforeEach(() => vi.stubGlobal("fetch", async () => new Response('{"data":[{"realm":"pbs","type":"pbs"}]}')));
afterEach(() => {
  cleanup();
  document.head.innerHTML = "";
  vi.unstubAllGlobals();
});
function says(text: string): void {
  const meta = document.createElement("meta");
  [meta.name, meta.content] = ["strongroom-consent", encoded(text)];
  document.head.append(meta);
}

it("asks for consent before the login, and shows its text as text", async () => {
  says("# Staff only\n\nBy **order**, see [rules](https://rules.example) or [this](javascript:alert(1)) <img src=x onerror=alert(2)>");
  const { container } = render(Login);
  const dialog = screen.getByRole("dialog");
  expect(dialog.querySelector("h3")?.textContent).toBe("Staff only");
  expect(dialog.querySelector("strong")?.textContent).toBe("order");
  expect([...dialog.querySelectorAll("a")].map((one) => [one.getAttribute("href"), one.rel])).toEqual([["https://rules.example", "noopener noreferrer"]]);
  expect(dialog.querySelector("img")).toBeNull();
  expect(dialog.textContent).toContain("<img src=x onerror=alert(2)>");
  expect(container.querySelector("form")).toBeNull();
  screen.getByRole("button", { name: "I agree" }).click();
  await tick();
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(container.querySelector('[name="username"]')).not.toBeNull();
});
it("asks for nothing where there is nothing to agree to", () => {
  const { container } = render(Login);
  expect(screen.queryByRole("dialog")).toBeNull();
  expect(container.querySelector("form")).not.toBeNull();
});
