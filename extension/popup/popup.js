/**
 * The popup: paints the last snapshot at once, then fills in as the host tells. Opening it is what asks for a refresh (the worker
 * does that); nothing in here does so by itself.
 */

import { reminderName } from "../background/reminders.js";
import { copy, paintHostNotice } from "../faces/host_notice.js";
import { WorkerLink } from "../faces/worker_link.js";
import { byId, el, reveal, sayAll } from "../view/dom.js";
import { ago } from "../view/format.js";
import { paint } from "../view/gauges.js";
import { headline, paintHeadline } from "../view/headline.js";
import { providerRow } from "../view/providers.js";
import { age, arrange } from "../view/reading.js";
import { loadWords } from "../view/words.js";

/** @typedef {import("../view/reading.js").FaceState} FaceState */
/** @typedef {import("../view/reading.js").Entry} Entry */
/** @typedef {import("../view/words.js").Words} Words */

/** The times on the screen move on by themselves; nobody is asked. */
const REPAINT_MS = 20_000;

/** @type {Words | null} */
let words = null;
let language = "";
let failure = "";
/** @type {Set<string>} */
let reminders = new Set();

const link = new WorkerLink(show, (message) => {
  if (message.type !== "served") return;
  if (message.url) chrome.tabs.create({ url: message.url }).then(() => close());
  failure = message.url ? "" : "dashboard_failed";
  if (link.state) show(link.state);
});

/** @type {import("../view/gauges.js").Deeds} */
const deeds = {
  steps: ["link", "copy", "retry", "add_key", "switch_on"],
  take: (step, { provider, problem }) => {
    if (step.kind === "retry") link.send({ type: "refresh", providers: [provider] });
    if (step.kind === "switch_on") link.send({ type: "settings", changed: { providers: { [provider]: "on" } } });
    if (step.kind === "add_key" && provider === "zai") chrome.runtime.openOptionsPage();
    if (step.kind === "add_key" && provider !== "zai" && step.value) chrome.tabs.create({ url: step.value });
    if (step.kind === "link" && problem?.action === "sign_in") wake(provider);
    const button = document.activeElement;
    if (step.kind === "copy" && words && button instanceof HTMLElement) copy(step.value, button, words);
  },
  remind: async (name, at) => {
    const alarm = reminderName(name);
    if (reminders.has(name)) await chrome.alarms.clear(alarm);
    else {
      // First the alarm: the browser's question may close the popup, and nothing after it would run.
      chrome.alarms.create(alarm, { when: at });
      if (!(await chrome.permissions.request({ permissions: ["notifications"] }))) await chrome.alarms.clear(alarm);
    }
    await readReminders();
    if (link.state) show(link.state);
  },
  isReminded: (name) => reminders.has(name),
};

async function readReminders() {
  const alarms = await chrome.alarms.getAll();
  const prefix = reminderName("");
  reminders = new Set(alarms.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name.slice(prefix.length)));
}

/** @param {string} provider the person is on the way to sign in: it may be asked again */
function wake(provider) {
  link.send({ type: "settings", changed: { wake: [provider] } });
}

/** @param {FaceState} state */
async function show(state) {
  const wanted = state.settings?.language ?? "auto";
  if (wanted !== language || !words) {
    language = wanted;
    words = await loadWords(wanted);
    sayAll(words);
  }
  draw(link.state ?? state, words, Date.now());
}

/**
 * @param {FaceState} state
 * @param {Words} said
 * @param {number} now
 */
function draw(state, said, now) {
  const { visible, dormant } = arrange(state.snapshot?.entries ?? [], state.settings);
  byId("age").textContent = ageLine(state, visible, said, now);
  byId("headline").hidden = visible.length === 0;
  paintHeadline(headline(state.snapshot?.answer, visible, now, said), said);
  paintHostNotice(byId("host"), state.host, said);
  byId("dashboard").toggleAttribute("disabled", state.host.state !== "ready");
  paint(byId("gauges"), visible, { words: said, now, refreshing: state.refreshing, deeds });
  const firstRun = visible.length === 0 && dormant.length > 0;
  byId("first_run").hidden = !firstRun;
  byId("sign_ins").replaceChildren(...(firstRun ? dormant.map(signInLink) : []));
  const names = dormant.map((provider) => providerRow(provider).name).join(said.language === "ja" ? "、" : ", ");
  byId("dormant").textContent = failure
    ? said.say(failure)
    : dormant.length > 0 && !firstRun
      ? said.say("not_set_up", { names })
      : "";
  reveal();
}

/**
 * @param {FaceState} state
 * @param {Entry[]} entries
 * @param {Words} said
 * @param {number} now
 */
function ageLine(state, entries, said, now) {
  if (state.host.state === "connecting") return said.say("host_connecting");
  if (state.refreshing.length > 0) return said.say("reading");
  const ages = entries.map((entry) => age(entry, now)).filter((passed) => passed !== null);
  return ages.length > 0 ? ago(Math.min(...ages), said) : "";
}

/** @param {string} provider */
function signInLink(provider) {
  const { name, sign_in: href } = providerRow(provider);
  return el("a", { class: "step", href, target: "_blank", rel: "noopener noreferrer", click: () => wake(provider) }, name);
}

byId("refresh").addEventListener("click", () => link.send({ type: "refresh" }));
byId("options").addEventListener("click", () => chrome.runtime.openOptionsPage());
byId("dashboard").addEventListener("click", () => link.send({ type: "serve" }));
setInterval(() => link.state && show(link.state), REPAINT_MS);
link.open();
readReminders();
