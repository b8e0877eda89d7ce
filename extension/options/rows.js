/**
 * The tables of the options page, made from the state: providers, sign-ins, snippets for agents.
 */

import { el, sentenceParts } from "../view/dom.js";
import { ago, moment } from "../view/format.js";
import { ORDER, providerRow } from "../view/providers.js";
import { age, instant } from "../view/reading.js";
import { problemSentence } from "../view/sentences.js";

/** @typedef {import("../view/reading.js").FaceState} FaceState */
/** @typedef {import("../view/reading.js").Entry} Entry */
/** @typedef {import("../view/words.js").Words} Words */
/** @typedef {{change: (changed: Record<string, unknown>) => void, check: (provider: string) => void}} Doings */

const MODES = ["auto", "on", "off"];
const SHIM = "http://localhost:3030/";
const DRAGGED = "application/x-aimo-provider";

/** @param {FaceState} state */
function orderOf(state) {
  const order = state.settings?.order ?? [];
  return [...order, ...ORDER.filter((provider) => !order.includes(provider))];
}

/** @param {FaceState} state @param {string} provider */
const entriesOf = (state, provider) => state.snapshot?.entries.filter((entry) => entry.provider === provider) ?? [];

/**
 * @param {FaceState} state
 * @param {Words} words
 * @param {Doings} doings
 */
export function providerRows(state, words, doings) {
  const order = orderOf(state);
  return order.map((provider, index) => {
    const { name } = providerRow(provider);
    const named = entriesOf(state, provider).filter((entry) => entry.account !== null);
    return el(
      "li",
      droppable((dragged) => doings.change({ order: moved(order, dragged, index) })),
      handle(provider),
      el("span", { class: "what" }, name),
      el("span", { class: "names" }, ...named.map((entry) => nameField(entry, state, words, doings))),
      modeSelect(provider, state, words, doings),
      mover(order, index, -1, words, doings),
      mover(order, index, 1, words, doings),
    );
  });
}

/** @param {string} provider what the row is dragged by; the arrows do the same for who has no mouse */
function handle(provider) {
  /** @param {Event} event */
  const taken = (event) => {
    const { dataTransfer, target } = /** @type {DragEvent} */ (event);
    const row = /** @type {HTMLElement} */ (target).closest("li");
    dataTransfer?.setData(DRAGGED, provider);
    if (row) dataTransfer?.setDragImage(row, 0, 0);
  };
  return el("span", { class: "handle", draggable: "true", "aria-hidden": "true", dragstart: taken }, "⠿");
}

/**
 * The attributes of a row onto which another one can be dropped.
 * @param {(provider: string) => void} dropped
 * @returns {Record<string, (event: Event) => void>}
 */
function droppable(dropped) {
  /** @param {Event} event @param {boolean} isOver */
  const mark = (event, isOver) => {
    const { dataTransfer, currentTarget } = /** @type {DragEvent} */ (event);
    if (!dataTransfer?.types.includes(DRAGGED)) return;
    if (isOver) event.preventDefault();
    /** @type {Element} */ (currentTarget).classList.toggle("over", isOver);
  };
  return {
    dragover: (event) => mark(event, true),
    dragleave: (event) => mark(event, false),
    drop: (event) => {
      mark(event, false);
      const provider = /** @type {DragEvent} */ (event).dataTransfer?.getData(DRAGGED);
      if (provider) dropped(provider);
    },
  };
}

/** @param {string[]} order @param {string} provider @param {number} to */
export function moved(order, provider, to) {
  const others = order.filter((other) => other !== provider);
  return [...others.slice(0, to), provider, ...others.slice(to)];
}

/** @param {string} provider @param {FaceState} state @param {Words} words @param {Doings} doings */
function modeSelect(provider, state, words, doings) {
  const mode = state.settings?.providers[provider] ?? "auto";
  const options = MODES.map((value) => el("option", { value, selected: value === mode }, words.say(`mode_${value}`)));
  /** @param {Event} event */
  const changed = (event) => doings.change({ providers: { [provider]: /** @type {HTMLSelectElement} */ (event.target).value } });
  return el(
    "select",
    { id: `mode_${provider}`, "aria-label": words.say("mode", { name: providerRow(provider).name }), change: changed },
    ...options,
  );
}

/** @param {string[]} order @param {number} index @param {-1 | 1} step @param {Words} words @param {Doings} doings */
function mover(order, index, step, words, doings) {
  const other = index + step;
  const label = words.say(step < 0 ? "move_up" : "move_down", { name: providerRow(order[index]).name });
  const attributes = {
    id: `move_${order[index]}_${step}`,
    type: "button",
    class: "step mover",
    "aria-label": label,
    title: label,
  };
  return el(
    "button",
    { ...attributes, disabled: other < 0 || other >= order.length, click: () => doings.change({ order: moved(order, order[index], other) }) },
    step < 0 ? "↑" : "↓",
  );
}

/** @param {Entry} entry @param {FaceState} state @param {Words} words @param {Doings} doings */
function nameField(entry, state, words, doings) {
  const account = entry.account ?? "";
  /** @param {Event} event */
  const changed = (event) => {
    const name = /** @type {HTMLInputElement} */ (event.target).value.trim();
    doings.change({ names: { [account]: name || null } });
  };
  return el("input", {
    id: `name_${account}`,
    type: "text",
    maxlength: "40",
    value: state.settings?.names[account] ?? "",
    placeholder: words.say("account_placeholder"),
    "aria-label": words.say("account_name", { name: providerRow(entry.provider).name, account }),
    change: changed,
  });
}

/**
 * @param {FaceState} state
 * @param {Words} words
 * @param {Doings} doings
 * @param {number} now
 */
export function signInRows(state, words, doings, now) {
  return orderOf(state).map((provider) => {
    const { name } = providerRow(provider);
    const off = state.settings?.providers[provider] === "off";
    const told = off ? [words.say("mode_off")] : entriesOf(state, provider).flatMap((entry) => signInState(entry, words, now));
    if (provider === "zai" && !off) told.push(zaiToken(state, words, now));
    const reading = state.refreshing.includes(provider);
    return el(
      "li",
      {},
      el("span", { class: "what" }, name),
      el(
        "span",
        { class: reading ? "state reading" : "state" },
        ...(reading ? [words.say("reading")] : told.flatMap((line) => [...sentenceParts(line), el("br")]).slice(0, -1)),
      ),
      signInActs(provider, state, words, doings),
    );
  });
}

/** @param {string} provider @param {FaceState} state @param {Words} words @param {Doings} doings */
function signInActs(provider, state, words, doings) {
  const { name, sign_in, usage_page, site } = providerRow(provider);
  const page = { class: "step", target: "_blank", rel: "noopener noreferrer" };
  const wake = () => doings.change({ wake: [provider] });
  const check = {
    class: "step",
    type: "button",
    id: `check_${provider}`,
    disabled: state.settings?.providers[provider] === "off" || state.host.state !== "ready",
    "aria-label": `${words.say("check")} – ${name}`,
    click: () => doings.check(provider),
  };
  const usage = { ...page, href: usage_page, id: `usage_${provider}`, "aria-label": `${words.say("action_usage")} – ${name}` };
  return el(
    "span",
    { class: "acts" },
    el("a", { ...page, href: sign_in, click: wake, id: `open_${provider}` }, words.say("action_open", { site })),
    el("a", usage, words.say("action_usage")),
    el("button", check, words.say("check")),
  );
}

/** @param {Entry} entry @param {Words} words @param {number} now @returns {string[]} */
function signInState(entry, words, now) {
  const problem = problemSentence(entry, now, words);
  const read =
    instant(entry.observed_at) === null ? [] : [[entry.account_name, ago(age(entry, now), words)].filter(Boolean).join(": ")];
  return [...read, ...(problem ? [problem] : [])];
}

/** @param {FaceState} state @param {Words} words @param {number} now */
function zaiToken({ zai_captured_at: at }, words, now) {
  return at === null ? words.say("zai_not_captured") : words.say("zai_captured", { when: moment(at, now, words) });
}

/**
 * What an agent can run: the command line first.
 * @param {FaceState} state
 * @param {(text: string) => HTMLElement} copyButton
 */
export function agentRows({ shim }, copyButton) {
  const api = `${shim?.url ?? SHIM}api/`;
  const snippets = ["aimo pick", "aimo --cached --json", `curl ${api}usage`, `curl -X POST '${api}refresh?wait=75'`];
  return snippets.map((snippet) => el("li", {}, el("code", { class: "snippet", tabindex: "0" }, snippet), copyButton(snippet)));
}
