/**
 * The options page: every control is one message to the worker, and the host keeps what was chosen. Keeps nothing itself.
 *
 * A key that is typed in here goes to the host and is never shown again.
 */

import { copyButton, paintHostNotice } from "../faces/host_notice.js";
import { WorkerLink } from "../faces/worker_link.js";
import { byId, reveal, sayAll } from "../view/dom.js";
import { loadWords } from "../view/words.js";
import { agentRows, providerRows, signInRows } from "./rows.js";

/** @typedef {import("../view/reading.js").FaceState} FaceState */
/** @typedef {import("../view/words.js").Words} Words */

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** @type {Words | null} */
let words = null;
let language = "";
/** Somebody pressed Recheck and has not been told the outcome. */
let isAwaited = false;

const link = new WorkerLink(show, (message) => {
  if (!words) return;
  if (message.type === "served" && message.url) chrome.tabs.create({ url: message.url });
  if (message.type === "served" && !message.url) say(words.say("dashboard_failed"));
  if (message.type === "error") say(words.say("refused", { message: message.message }));
});

/** @param {string} text */
function say(text) {
  byId("said").textContent = text;
}

/** @param {Record<string, unknown>} changed */
function change(changed) {
  if (!words) return;
  link.send({ type: "settings", changed });
  say(words.say("saved"));
}

/** @type {import("./rows.js").Doings} */
const doings = {
  change,
  check: (provider) => link.send({ type: "refresh", providers: [provider] }),
};

/** @param {FaceState} state */
async function show(state) {
  const wanted = state.settings?.language ?? "auto";
  if (wanted !== language || !words) {
    language = wanted;
    words = await loadWords(wanted);
    sayAll(words);
    document.title = words.say("opt_title");
    byId("serve_copy").replaceChildren(copyButton("aimo serve", words));
  }
  draw(link.state ?? state, words);
}

/**
 * @param {FaceState} state
 * @param {Words} said
 */
function draw(state, said) {
  paintHostNotice(byId("notice"), state.host, said);
  replaceIfChanged(byId("providers"), providerRows(state, said, doings));
  replaceIfChanged(byId("sign_ins"), signInRows(state, said, doings, Date.now()));
  replaceIfChanged(
    byId("agents"),
    agentRows(state, (text) => copyButton(text, said)),
  );
  const ready = state.host.state === "ready";
  byId("host_state").textContent = hostLine(state.host, said);
  if (isAwaited && state.host.state !== "connecting") {
    isAwaited = false;
    say(said.say(ready ? "host_ready" : "host_away"));
  }
  byId("shim_state").textContent = state.shim?.running
    ? said.say("dashboard_running", { url: state.shim.url })
    : said.say("dashboard_stopped");
  byId("serve").textContent = said.say(state.shim?.running ? "open" : "dashboard_open");
  byId("serve").toggleAttribute("disabled", !ready);
  byId("stop").toggleAttribute("disabled", !ready || !state.shim?.running);
  for (const fieldset of document.querySelectorAll("fieldset")) fieldset.disabled = !ready;
  reveal();
  const { settings } = state;
  if (!settings) return;
  setUnlessFocused("organization", settings.claude_organization ?? "");
  setUnlessFocused("language", settings.language);
  /** @type {HTMLInputElement} */ (byId("badge")).checked = settings.badge;
}

/** @param {FaceState["host"]} host @param {Words} said */
function hostLine({ state, detail, version }, said) {
  if (state === "ready") return said.say("host_version", { version });
  if (state === "connecting") return said.say("host_connecting");
  const told = state === "missing" ? "" : detail; // the notice above says that one in the person's language
  return [said.say("host_away"), told].filter(Boolean).join(" – ");
}

/**
 * Draws only what changed and keeps the focus on the same control.
 * @param {HTMLElement} root
 * @param {HTMLElement[]} rows
 */
function replaceIfChanged(root, rows) {
  const focused = document.activeElement;
  if (focused instanceof HTMLInputElement && root.contains(focused)) return; // somebody is typing a name
  if (rows.length === root.children.length && rows.every((row, index) => row.isEqualNode(root.children[index]))) return;
  const id = root.contains(focused) ? focused?.id : undefined;
  root.replaceChildren(...rows);
  const same = id ? document.getElementById(id) : null;
  // What was moved to the end has lost one of its arrows.
  const next = same?.matches(":disabled") ? same.closest("li")?.querySelector("button:enabled") : same;
  if (next instanceof HTMLElement) next.focus();
}

/** @param {string} id @param {string} value */
function setUnlessFocused(id, value) {
  const input = /** @type {HTMLInputElement} */ (byId(id));
  if (input !== document.activeElement && input.value !== value) input.value = value;
}

byId("organization").addEventListener("change", (event) => {
  const input = /** @type {HTMLInputElement} */ (event.target);
  const value = input.value.trim();
  if (value === "" || UUID.test(value)) change({ claude_organization: value || null });
  else if (words) say(words.say("not_a_uuid"));
});
byId("language").addEventListener("change", (event) =>
  change({ language: /** @type {HTMLSelectElement} */ (event.target).value }),
);
byId("badge").addEventListener("change", (event) => change({ badge: /** @type {HTMLInputElement} */ (event.target).checked }));
byId("recheck").addEventListener("click", () => {
  isAwaited = true;
  link.send({ type: "recheck" });
});
byId("serve").addEventListener("click", () => link.send({ type: "serve" }));
byId("stop").addEventListener("click", () => link.send({ type: "serve", stop: true }));
byId("key_form").addEventListener("submit", (event) => {
  event.preventDefault();
  const input = /** @type {HTMLInputElement} */ (byId("zai_key"));
  const value = input.value.trim();
  if (value === "" || !words) return;
  link.send({ type: "secret", name: "ZAI_API_KEY", value });
  input.value = "";
  say(words.say("sent"));
});

link.open();
