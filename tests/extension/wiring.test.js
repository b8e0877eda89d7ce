import assert from "node:assert/strict";
import { test } from "node:test";
import { entryOf, event, jwt, ORG, OWN, port, problemOf, settled, storage } from "./stand_ins.js";

/** A browser made of stand-ins, into which the whole worker is loaded, once: a module cannot be loaded twice. */
const local = storage();
const native = [];
const [onConnect, onMessage, onStartup, onInstalled, onAlarm, onUpdated] = Array.from({ length: 6 }, event);
const listening = new Set();
for (const [name, heard] of Object.entries({ onConnect, onMessage, onStartup, onInstalled, onAlarm, onUpdated })) {
  const { addListener } = heard;
  heard.addListener = (listener) => (listening.add(name), addListener(listener));
}
const access = [];
globalThis.chrome = {
  runtime: {
    id: OWN,
    getManifest: () => ({ version: "0.1.0" }),
    connectNative: () => native[native.push(port()) - 1],
    onConnect,
    onMessage,
    onStartup,
    onInstalled,
  },
  storage: {
    local: { ...local, setAccessLevel: async ({ accessLevel }) => void access.push(["local", accessLevel]) },
    sync: { setAccessLevel: async ({ accessLevel }) => void access.push(["sync", accessLevel]) },
    session: storage(),
  },
  alarms: { create: async () => {}, clear: async () => true, onAlarm },
  tabs: { onUpdated, query: async () => [] },
  action: { setBadgeText: async () => {}, setBadgeBackgroundColor: async () => {}, setBadgeTextColor: async () => {} },
};
const QUOTA = "https://api.z.ai/api/monitor/usage/quota/limit";
const asked = [];
globalThis.fetch = async (url, init) => (asked.push({ url, ...init }), new Response(`{"echo": "${init.headers.Authorization}"}`));

// The port's long watches must not keep the test waiting.
const { setTimeout: start } = globalThis;
globalThis.setTimeout = (run, ms) => start(run, ms).unref();

const loading = import("../../extension/background/main.js");
await loading;
const heardAtOnce = new Set(listening);
await settled();

const ORIGIN = `chrome-extension://${OWN}`;
const TOKEN = jwt({ sub: "canary" });
const last = (type) => native[0].posted.filter((message) => message.type === type).at(-1);
const fromHost = async (message) => (native[0].onMessage.fire(message), await settled(), await settled());
const snapshot = {
  schema: 1,
  updated_at: null,
  entries: [entryOf({ provider: "zai", account: null, observed_at: null, problem: problemOf("no_credential") })],
};
const settings = {
  providers: {},
  order: ["claude", "codex", "zai", "ollama"],
  names: {},
  claude_organization: null,
  badge: true,
  language: "auto",
};
const welcome = {
  type: "welcome",
  protocol: 1,
  host: "0.1.0",
  extension_version: "0.1.0",
  snapshot,
  settings,
  refresh_pending: false,
  shim: { running: false, url: null },
};
function openFace(page, name = "face", sender = {}) {
  const face = { ...port(), name, sender: { id: OWN, origin: ORIGIN, url: `${ORIGIN}/${page}`, ...sender } };
  face.disconnect = () => void (face.closed = true);
  onConnect.fire(face);
  return face;
}

test("every listener is there before anything else happens", () => {
  assert.deepEqual([...heardAtOnce].sort(), ["onAlarm", "onConnect", "onInstalled", "onMessage", "onStartup", "onUpdated"]);
});

test("storage is closed to content scripts before the host is met", () =>
  assert.deepEqual(access, [
    ["local", "TRUSTED_CONTEXTS"],
    ["sync", "TRUSTED_CONTEXTS"],
  ]));

test("the profile's name is random and stays", () => {
  assert.match(last("hello").profile, /^[0-9a-f-]{36}$/);
  assert.equal(local.kept.profile, last("hello").profile);
});

test("a popup that opens before the host is ready is asked for when it is", async () => {
  const face = openFace("popup/popup.html");
  await settled();
  assert.equal(last("refresh"), undefined);
  await fromHost(welcome);
  assert.equal(last("refresh").trigger, "popup");
  assert.equal(face.posted.at(-1).state.host.state, "ready");
});

test("the options page asks the host how things are by opening, and no provider", async () => {
  const before = native[0].posted.length;
  openFace("options/options.html");
  await settled();
  assert.deepEqual(native[0].posted.slice(before), [{ type: "get" }]);
});

const STRANGERS = [
  ["another name", "popup/popup.html", "other", {}],
  ["a page that is no face", "dashboard/index.html", "face", {}],
  ["a content script", "popup/popup.html", "face", { origin: "https://z.ai", url: "https://z.ai/" }],
  ["another extension", "popup/popup.html", "face", { id: "b".repeat(32) }],
];
for (const [who, page, name, sender] of STRANGERS) {
  test(`the port of a stranger is closed: ${who}`, () => assert.equal(openFace(page, name, sender).closed, true));
}

test("a captured token is stored by the worker, wakes the provider and is told to nobody", async () => {
  onMessage.fire(
    { type: "zai_token", token: TOKEN },
    { id: OWN, origin: "https://z.ai", url: "https://z.ai/", tab: { id: 1 }, frameId: 0 },
  );
  await settled();
  assert.equal(local.kept.zai_jwt.token, TOKEN);
  assert.deepEqual(last("settings").changed, { wake: ["zai"] });
});

test("an answer to a named source carries no token, not even an echoed one", async () => {
  await fromHost({ type: "ask", id: "a1", source: "zai.quota", params: {} });
  assert.deepEqual(
    asked.map(({ url }) => url),
    [QUOTA],
  );
  assert.equal(asked[0].headers.Authorization, `Bearer ${TOKEN}`);
  assert.deepEqual([last("answer").id, last("answer").body], ["a1", '{"echo": "Bearer "}']);
});

test("a source that is not in the table is refused without a request", async () => {
  await fromHost({ type: "ask", id: "a2", source: "claude.usage", params: { org: `${ORG}/x` } });
  assert.deepEqual(last("answer"), { type: "answer", id: "a2", failed: "unknown_source" });
  assert.equal(asked.length, 1);
});

test("a visit to a site, once it is loaded, wakes the provider and asks nobody", async () => {
  const before = native[0].posted.filter(({ type }) => type === "settings").length;
  onUpdated.fire(1, { status: "loading" }, { url: "https://z.ai/" });
  onUpdated.fire(1, { status: "complete" }, { url: "https://example.test/" });
  onUpdated.fire(1, { title: "x" }, { url: "https://z.ai/" });
  assert.equal(native[0].posted.filter(({ type }) => type === "settings").length, before);
  onUpdated.fire(1, { status: "complete" }, { url: "https://z.ai/" });
  assert.deepEqual(last("settings").changed, { wake: ["zai"] });
  assert.equal(asked.length, 1);
});

test("an entry reaches the open faces and the storage that the next popup paints", async () => {
  const face = openFace("popup/popup.html");
  await fromHost({ type: "entry", entry: entryOf({ provider: "zai" }), refreshing: ["claude"] });
  const { state } = face.posted.at(-1);
  assert.deepEqual([state.snapshot.entries.length, state.snapshot.entries[0].ok, state.refreshing], [1, true, ["claude"]]);
  assert.deepEqual(local.kept.face_state.snapshot, state.snapshot);
});

test("alarms ask no provider and the host for nothing", async () => {
  const before = native[0].posted.length;
  for (const name of ["reconnect", "badge", "remind:Claude"]) onAlarm.fire({ name });
  await settled();
  assert.deepEqual([native[0].posted.length, asked.length, native.length], [before, 1, 1]);
});

test("no token is in anything that left the worker or that a face was shown", () => {
  assert.equal(JSON.stringify(native.map(({ posted }) => posted)).includes(TOKEN), false);
  assert.equal(JSON.stringify(local.kept.face_state).includes(TOKEN), false);
});

test("a face may send what the table allows, and nothing else", async () => {
  const face = openFace("popup/popup.html");
  const before = native[0].posted.length;
  face.onMessage.fire({ type: "answer", id: "a1" });
  face.onMessage.fire({ type: "zai_token", token: TOKEN });
  assert.equal(native[0].posted.length, before);
  face.onMessage.fire({ type: "secret", name: "ZAI_API_KEY", value: "k.s" });
  assert.deepEqual(last("secret"), { type: "secret", name: "ZAI_API_KEY", value: "k.s" });
});

test("a worker without a host says so to who wants the dashboard", async () => {
  const face = openFace("popup/popup.html");
  native[0].lose();
  face.onMessage.fire({ type: "serve" });
  assert.deepEqual(
    face.posted.find(({ type }) => type === "served"),
    { type: "served", url: null, error: "no_host" },
  );
});

test("what a face wanted while the host was away is asked for when it is back, and no other provider", async () => {
  const face = openFace("options/options.html");
  for (const provider of ["codex", "zai"]) face.onMessage.fire({ type: "refresh", providers: [provider] });
  await settled();
  const again = native.at(-1);
  assert.notEqual(again, native[0]);
  again.onMessage.fire(welcome);
  await settled();
  await settled();
  const refreshed = again.posted.filter(({ type, trigger }) => type === "refresh" && trigger === "options");
  assert.deepEqual(
    refreshed.map(({ providers }) => providers),
    [["codex", "zai"]],
  );
});
