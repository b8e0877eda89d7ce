/**
 * The dashboard that `aimo serve` shows: the popup's gauges in a wide window.
 *
 * Talks to its own origin and to nobody else. Opening it is one refresh, the button is another, and nothing else ever asks. Opened
 * by another site, it shows what is known and waits for the button. While a refresh runs it listens to the events of the shim, so
 * that rows arrive one by one.
 */

import { byId, el, reveal, sayAll, sentenceParts } from "../view/dom.js";
import { ago } from "../view/format.js";
import { paint } from "../view/gauges.js";
import { headline, paintHeadline } from "../view/headline.js";
import { ORDER, providerRow } from "../view/providers.js";
import { age, arrange, instant, withEntry } from "../view/reading.js";
import { chooseLanguage, loadWords } from "../view/words.js";

/** @typedef {import("../view/reading.js").Entry} Entry */
/** @typedef {import("../view/reading.js").Answer} Answer */

/** The times on the screen move on by themselves; nobody is asked. */
const REPAINT_MS = 20_000;
const WAIT_SECONDS = 75;
/** The host tells moments in whole seconds. */
const ROUNDING_MS = 1_000;
const TOKEN_KEY = "aimo_token";

let words = await loadWords("auto");
/** @type {Entry[]} */
let entries = [];
/** @type {Answer | null} */
let answer = null;
/** @type {string[]} */
let refreshing = [];

/** @type {import("../view/gauges.js").Deeds} */
const deeds = {
  steps: ["link", "copy", "retry"],
  take: ({ kind, value }) => {
    if (kind === "retry") refresh(value);
    if (kind === "copy") navigator.clipboard.writeText(value);
  },
  remind: null,
  isReminded: () => false,
};

/** A token travels in the fragment, which no server and no log sees, and stays in this tab. */
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token === null) return;
  sessionStorage.setItem(TOKEN_KEY, token);
  history.replaceState(null, "", location.pathname);
}

/** Whether another page opened this one: any page could, again and again. The shim says so, where the browser has told it. */
function isFromElsewhere() {
  const opened = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType("navigation"));
  return opened.some(({ serverTiming }) => serverTiming?.some(({ name }) => name === "elsewhere"));
}

/**
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @returns {Promise<any>}
 */
async function ask(method, path) {
  const token = sessionStorage.getItem(TOKEN_KEY);
  try {
    const response = await fetch(path, { method, headers: token ? { Authorization: `Bearer ${token}` } : {} });
    trouble(response.status === 401 ? "shim_token" : null);
    return response.ok ? await response.json() : null;
  } catch {
    trouble("shim_silent");
    return null;
  }
}

/** @param {"shim_token" | "shim_silent" | null} key */
function trouble(key) {
  byId("trouble").hidden = key === null;
  byId("trouble").replaceChildren(...(key ? sentenceParts(words.say(key)) : []));
}

/** @param {string} [provider] */
async function refresh(provider) {
  if (refreshing.length > 0) return;
  refreshing = provider ? [provider] : [...ORDER];
  draw();
  const events = listen();
  const only = provider ? `&provider=${encodeURIComponent(provider)}` : "";
  const read = await ask("POST", `/api/refresh?wait=${WAIT_SECONDS}${only}`);
  events?.close();
  refreshing = [];
  show(read, provider);
  hear(await ask("GET", "/api/answer"));
}

/** @returns {EventSource | null} null: the shim wants a token, which an EventSource cannot send; the answer will have to do */
function listen() {
  if (sessionStorage.getItem(TOKEN_KEY)) return null;
  const started = Date.now();
  const events = new EventSource("/api/events");
  events.addEventListener("entry", ({ data }) => {
    /** @type {Entry} */
    const entry = JSON.parse(data);
    if ((instant(entry.attempted_at) ?? 0) + ROUNDING_MS >= started)
      refreshing = refreshing.filter((provider) => provider !== entry.provider);
    entries = withEntry(entries, entry);
    draw();
  });
  events.addEventListener("answer", ({ data }) => hear(JSON.parse(data)));
  return events;
}

/** @param {Answer | null} said */
function hear(said) {
  answer = said ?? answer;
  draw();
}

/**
 * @param {Entry[] | null} answer
 * @param {string} [provider] the only one that was asked for
 */
function show(answer, provider) {
  if (!Array.isArray(answer)) return;
  const asked = answer.filter((entry) => !provider || entry.provider === provider);
  const place = entries.findIndex((entry) => entry.provider === provider);
  const kept = entries.filter((entry) => provider && entry.provider !== provider);
  entries = place < 0 ? [...kept, ...asked] : [...kept.slice(0, place), ...asked, ...kept.slice(place)];
  draw();
}

function draw() {
  const now = Date.now();
  const { visible, dormant } = arrange(entries, answer?.faces ?? null);
  const ages = visible.map((entry) => age(entry, now)).filter((passed) => passed !== null);
  byId("age").textContent = refreshing.length > 0 ? words.say("reading") : ages.length > 0 ? ago(Math.min(...ages), words) : "";
  byId("headline").hidden = visible.length === 0;
  paintHeadline(headline(answer, visible, now, words), words);
  paint(byId("gauges"), visible, { words, now, refreshing, deeds });
  const names = dormant.map((provider) => providerRow(provider).name).join(words.language === "ja" ? "、" : ", ");
  byId("dormant").replaceChildren(dormant.length > 0 ? el("span", {}, words.say("not_set_up", { names })) : "");
}

takeToken();
sayAll(words);
byId("refresh").addEventListener("click", () => refresh());
setInterval(draw, REPAINT_MS);
const [ping, cached, said] = await Promise.all(
  ["/api/ping", "/api/usage?cached=1", "/api/answer"].map((path) => ask("GET", path)),
);
byId("sample").hidden = ping?.demo !== true;
answer = said;
if (said?.faces && chooseLanguage(said.faces.language, navigator.languages) !== words.language) {
  words = await loadWords(said.faces.language);
  sayAll(words);
}
show(cached);
reveal();
if (!isFromElsewhere()) await refresh();
