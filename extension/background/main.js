/**
 * The service worker: registers every listener synchronously, so that the event that woke it is not lost, and wires the rest.
 *
 * Nothing in here or below asks a provider by itself: only the host's `ask` does, and the host asks when a person or an agent wants
 * to know. Alarms re-open the port, age the badge and ring a reminder.
 */

import { withEntry } from "../view/reading.js";
import { BADGE_ALARM, showBadge } from "./badge.js";
import { changedSettings, Faces, wantedToo } from "./faces.js";
import { answerFrame, HOST_NAME, HostPort, PROTOCOL, RECONNECT_ALARM } from "./host_port.js";
import { accept, faceOf, tierOf } from "./messages.js";
import { ring } from "./reminders.js";
import { Sources } from "./sources.js";
import { findTab, inTab, providerOfSite } from "./tabs.js";
import { Upgrade } from "./upgrade.js";
import { ZaiJwt } from "./zai_jwt.js";

/** @typedef {import("./host_port.js").Message} Message */
/** @typedef {import("../view/reading.js").Entry} Entry */

const VERSION = chrome.runtime.getManifest().version;

const zaiJwt = new ZaiJwt(chrome.storage.local);
const faces = new Faces(chrome.storage.local);
let asking = 0;

const sources = new Sources({
  fetch: (input, init) => fetch(input, init),
  now: Date.now,
  zaiToken: async () => (await zaiJwt.read())?.token ?? null,
  findTab,
  inTab,
});

const upgrade = new Upgrade({
  running: VERSION,
  onDisk: async () => (await (await fetch(chrome.runtime.getURL("manifest.json"), { cache: "no-store" })).json()).version,
  storage: chrome.storage.local,
  isIdle: () => asking === 0 && faces.size === 0,
  reload: () => chrome.runtime.reload(),
});

const host = new HostPort({
  connect: () => chrome.runtime.connectNative(HOST_NAME),
  lastError: () => chrome.runtime.lastError?.message ?? "Native host has exited.",
  hello: async () => ({ type: "hello", protocol: PROTOCOL, extension: VERSION, profile: await profile() }),
  session: chrome.storage.session,
  alarms: chrome.alarms,
  now: Date.now,
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer),
  onMessage: (message, post) => fromHost[message.type]?.(message, post),
  onState: (state, detail) => {
    if (state === "too_old") upgrade.refused();
    faces.change((old) => ({ host: { ...old.host, state, detail }, refreshing: [] }));
  },
});

/** @type {Record<string, (message: Message, post: (message: Message) => boolean) => unknown>} */
const fromHost = {
  welcome: async ({ host: version, extension_version, snapshot, settings, shim }) => {
    const state = await faces.change((old) => {
      const refreshing = old.refreshing.filter((provider) =>
        snapshot.entries.some((/** @type {Entry} */ entry) => entry.provider === provider),
      );
      return { host: { ...old.host, version }, snapshot, settings, shim, refreshing };
    });
    await showBadge(state, Date.now());
    for (const { kind, providers } of faces.takeWaiting()) refresh(kind, providers);
    await upgrade.announced(extension_version);
  },
  ask: async ({ id, source, params }, post) => {
    asking += 1;
    const answer = await sources.ask(source, params).catch(() => /** @type {const} */ ({ failed: "network" }));
    post(answerFrame(id, answer));
    asking -= 1;
    await upgrade.ifIdle();
  },
  entry: async ({ entry, answer, refreshing }) => {
    const state = await faces.change(({ snapshot }) => {
      if (!entry || !snapshot) return { refreshing };
      const entries = withEntry(snapshot.entries, entry);
      return { refreshing, snapshot: { ...snapshot, entries, answer } };
    });
    if (entry) await showBadge(state, Date.now());
  },
  served: async ({ url, error }) => {
    if (url) await faces.change(() => ({ shim: { running: true, url } }));
    faces.tell({ type: "served", url: url ?? null, error: error ?? null });
  },
  error: ({ code, message }) => faces.tell({ type: "error", code, message }),
};

/** @type {Record<string, (message: Message, face: import("./faces.js").Face) => unknown>} */
const fromFace = {
  recheck: () => host.send({ type: "get" }) || host.recheck(),
  refresh: ({ providers }, face) => {
    if (refresh(face.kind, providers)) return;
    face.wanted = wantedToo(face.wanted, providers);
    host.recheck();
  },
  settings: ({ changed }) => changeSettings(changed),
  secret: ({ name, value }) => host.send({ type: "secret", name, value }),
  serve: ({ stop }) =>
    host.send({ type: "serve", ...(stop && { stop }) }) || faces.tell({ type: "served", url: null, error: "no_host" }),
};

/**
 * @param {"popup" | "options"} trigger
 * @param {string[]} [providers]
 */
function refresh(trigger, providers) {
  return host.send({ type: "refresh", id: crypto.randomUUID(), trigger, ...(providers && { providers }) });
}

/** @param {Record<string, unknown>} changed */
async function changeSettings(changed) {
  if (!host.send({ type: "settings", changed })) return;
  await showBadge(
    await faces.change(({ settings }) => ({ settings: settings && changedSettings(settings, changed) })),
    Date.now(),
  );
}

/** @param {string} provider the person was just at its site, perhaps to sign in: the host knows whether that matters */
function visited(provider) {
  host.send({ type: "settings", changed: { wake: [provider] } });
}

/** @returns {Promise<string>} a random name for this browser profile */
async function profile() {
  const kept = (await chrome.storage.local.get("profile")).profile;
  if (typeof kept === "string") return kept;
  const made = crypto.randomUUID();
  await chrome.storage.local.set({ profile: made });
  return made;
}

async function begin() {
  // `session` is closed by itself; in `sync` there is nothing, and nothing shall get there.
  for (const area of [chrome.storage.local, chrome.storage.sync]) await area.setAccessLevel({ accessLevel: "TRUSTED_CONTEXTS" });
  const captured = await zaiJwt.read();
  const state = await faces.change(() => ({ zai_captured_at: captured?.at ?? null }));
  await host.start();
  await showBadge(state, Date.now());
}

chrome.runtime.onStartup.addListener(() => host.connect());
chrome.runtime.onInstalled.addListener(() => host.connect());

chrome.alarms.onAlarm.addListener(async ({ name }) => {
  if (name === RECONNECT_ALARM) await host.connect();
  else if (name === BADGE_ALARM) await showBadge(await faces.change(() => ({})), Date.now());
  else await ring(name, faces.state.settings?.language ?? "auto");
});

chrome.tabs.onUpdated.addListener((_tab, change, { url }) => {
  const provider = change.status ? providerOfSite(url) : null;
  if (provider === "codex") sources.forgetToken();
  if (provider && change.status === "complete") visited(provider);
});

chrome.runtime.onConnect.addListener((port) => {
  const kind = port.sender && faceOf(port.sender, chrome.runtime.id);
  if (port.name !== "face" || !kind) return port.disconnect();
  /** @type {import("./faces.js").Face} */
  const face = { kind, port, wanted: kind === "popup" ? "all" : null };
  faces.open(face);
  port.onMessage.addListener((message) => {
    const accepted = accept("face", message);
    if (accepted) fromFace[accepted.type](accepted, face);
  });
  port.onDisconnect.addListener(() => upgrade.ifIdle());
  if (face.wanted && refresh(kind)) face.wanted = null;
  else fromFace.recheck({ type: "recheck" }, face);
});

chrome.runtime.onMessage.addListener((message, sender) => {
  const accepted = accept(tierOf(sender, chrome.runtime.id), message);
  if (accepted?.type !== "zai_token" || !sender.origin) return;
  captureZaiToken(sender.origin, accepted.token);
});

/**
 * @param {string} origin
 * @param {string | null} token
 */
async function captureZaiToken(origin, token) {
  if (!(await zaiJwt.capture(origin, token, Date.now()))) return;
  const captured = await zaiJwt.read();
  await faces.change(() => ({ zai_captured_at: captured?.at ?? null }));
  if (token) visited("zai");
}

begin();
