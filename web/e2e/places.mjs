// Every view and every dialog: where it is, and how it is opened. Of a server with the datastores `main` (with `house.backup()`) and `seeded`.
const T = 1700000000;

/** Name and address of each view. */
export const VIEWS = {
  dashboard: "dashboard", stores: "stores", "first-run": "first-run",
  summary: "store/seeded/summary", content: "store/seeded/content", namespace: "store/seeded/content?ns=prod", jobs: "jobs/prune", "jobs-verify": "jobs/verify", "jobs-sync": "jobs/sync", "store-jobs": "store/seeded/jobs",
  options: "store/seeded/options", permissions: "store/seeded/permissions", timeline: "store/main/timeline/host/web", files: `store/main/files/host/web/${T}/root.pxar.didx`, missing: "store/nothere/content",
  tasks: "tasks", "tasks-none": "tasks?typefilter=nothing-of-this-name",
  users: "access/users", tokens: "access/tokens", acl: "access/permissions", roles: "access/roles", realms: "access/realms", factors: "access/factors",
  remotes: "config/remotes", traffic: "config/traffic", notifications: "config/notifications", certificates: "config/certificates", metrics: "config/metrics", s3: "config/s3", keys: "config/keys", "node-options": "config/node",
  node: "node", services: "node/services", system: "node/system", journal: "node/journal", report: "node/report", unknown: "no/such/page",
};

const button = (name) => (page) => page.getByRole("button", { name, exact: true }).first().click();
const menu = (row, item) => async (page) => {
  await page.getByRole("row", { name: row }).first().getByRole("button", { name: /^Actions/ }).click();
  await page.getByRole("menuitem", { name: item, exact: true }).click();
};
/** Name of each dialog: the view that it is opened from, and what opens it. */
export const DIALOGS = {
  "verify-all": ["store/main/content", button("Verify all")], "prune-all": ["store/main/content", button("Prune all")], "add-namespace": ["store/main/content", button("Add namespace")],
  "prune-group": ["store/main/content", menu(/host\/web/, "Prune")], owner: ["store/main/content", menu(/host\/web/, "Change owner")], move: ["store/seeded/content", menu(/vm\/100/, "Move")], "forget-group": ["store/main/content", menu(/host\/web/, "Forget")],
  "move-namespace": ["store/seeded/content", menu(/^prod|^test|^edge/, "Move")], "remove-namespace": ["store/seeded/content", menu(/^prod|^test|^edge/, "Remove namespace")],
  settings: ["dashboard", async (page) => { await page.getByRole("button", { name: /^Account/ }).click(); await page.getByRole("menuitem", { name: "My settings" }).click(); }],
  connection: ["store/main/summary", button("Connection information")], comment: ["store/main/summary", button("Edit comment")],
  "gc-schedule": ["store/main/options", button("Edit: Garbage collection schedule")], maintenance: ["store/main/options", button("Edit: Maintenance mode")], "notification-mode": ["store/main/options", button("Edit: Notification mode")], tuning: ["store/main/options", button("Edit: Tuning")], "remove-store": ["store/main/options", (page) => page.getByRole("button", { name: /^Remove datastore/ }).click()],
  "store-acl": ["store/main/permissions", button("Add")],
  "add-prune": ["jobs/prune", button("Add")], "add-verify": ["jobs/verify", button("Add")], "add-pull": ["jobs/sync", (page) => page.locator(".sectionhead .button").first().click()],
  "add-user": ["access/users", button("Add")], password: ["access/users", menu(/admin@pbs/, "Change the password")], effective: ["access/users", menu(/admin@pbs/, "Show permissions")], "add-token": ["access/tokens", button("Add")], "add-acl": ["access/permissions", button("Add")], "add-realm": ["access/realms", (page) => page.locator(".sectionhead .button").first().click()], totp: ["access/factors", button("Authenticator app (TOTP)")], recovery: ["access/factors", button("Recovery codes")],
  "add-remote": ["config/remotes", button("Add")], "add-rule": ["config/traffic", button("Add")], "rule-times": ["config/traffic", async (page) => { await button("Add")(page); await button("Add a time")(page); }], "add-key": ["config/keys", button("Add")], "add-target": ["config/notifications", (page) => page.locator(".sectionhead .button").first().click()], "add-matcher": ["config/notifications", (page) => page.locator(".sectionhead").last().getByRole("button").last().click()], "matcher-rules": ["config/notifications", async (page) => {
    await menu(/default-matcher/, "Edit")(page);
    for (const kind of ["regex", "severity", "calendar"]) {
      await button("Add a rule")(page);
      await page.locator('dialog [name$="-kind"]').last().selectOption(kind);
    }
  }], certificate: ["config/certificates", button("Upload a certificate")], "add-metric": ["config/metrics", (page) => page.locator(".sectionhead .button").first().click()], "node-change": ["config/node", button("Change")],
};
