/**
 * Entries → rows. The same for the popup and for the dashboard, so there is nothing of the browser's extension system in here.
 *
 * An entry is drawn anew only if something about it changed, keeps its place, and keeps the keyboard focus where it was.
 */

import { el, sentenceParts, spoken } from "./dom.js";
import { ago, balanceText, isWorthShowing, percent, rowEnd, rowTitle, shortScope, windowAge, windowName } from "./format.js";
import { providerRow } from "./providers.js";
import { age, asOf, isOld, level, resetOf } from "./reading.js";
import { nextStep, problemSentence } from "./sentences.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./reading.js").Entry} Entry */
/** @typedef {import("./reading.js").Window} Window */
/** @typedef {import("./sentences.js").Step} Step */

/**
 * What the face around the gauges can do. A step that it cannot do has no button.
 * @typedef {object} Deeds
 * @property {Step["kind"][]} steps
 * @property {(step: Step, entry: Entry) => void} take called when a button was pressed; a link opens by itself
 * @property {((name: string, at: number) => void) | null} remind
 * @property {(name: string) => boolean} isReminded
 */

/**
 * @typedef {object} Scene
 * @property {Words} words
 * @property {number} now
 * @property {string[]} refreshing
 * @property {Deeds} deeds
 */

/** @param {Entry} entry */
const keyOf = (entry) => `${entry.provider}|${entry.account ?? ""}`;

/**
 * @param {HTMLElement} root
 * @param {Entry[]} entries
 * @param {Scene} scene
 */
export function paint(root, entries, scene) {
  const old = new Map([...root.children].map((child) => [child.getAttribute("data-key"), child]));
  const focused = document.activeElement?.closest("[data-focus]")?.getAttribute("data-focus");
  const sections = entries.map((entry) => {
    const section = draw(asOf(entry, scene.now), scene);
    const before = old.get(keyOf(entry));
    return before && before.isEqualNode(section) ? before : section;
  });
  if (sections.length !== root.children.length || sections.some((section, index) => section !== root.children[index])) {
    root.replaceChildren(...sections);
    if (focused) /** @type {HTMLElement | null} */ (root.querySelector(`[data-focus="${CSS.escape(focused)}"]`))?.focus();
  }
}

/**
 * @param {Entry} entry
 * @param {Scene} scene
 * @returns {HTMLElement}
 */
function draw(entry, scene) {
  const { words, now, refreshing } = scene;
  const { name } = providerRow(entry.provider);
  const faded = entry.stale || isOld(entry, now);
  const reading = refreshing.includes(entry.provider);
  const note = reading ? words.say("reading") : faded ? ago(age(entry, now), words) : "";
  const about = [entry.plan_label, entry.account_name].filter(Boolean).join(" · ");
  return el(
    "section",
    { class: faded ? "entry faded" : "entry", "data-key": keyOf(entry), "aria-label": [name, about].filter(Boolean).join(" ") },
    el(
      "header",
      {},
      el("h2", {}, name),
      el("span", { class: "plan" }, about),
      el("span", { class: reading ? "note reading" : "note" }, note),
    ),
    problemLine(entry, scene),
    blockedLine(entry, words),
    rows(entry, scene),
  );
}

/** @param {Entry} entry @param {Scene} scene */
function problemLine(entry, { words, now, deeds }) {
  const sentence = problemSentence(entry, now, words);
  if (!sentence) return null;
  const step = nextStep(entry, words);
  const button = step && deeds.steps.includes(step.kind) ? stepButton(step, entry, deeds) : null;
  return el("p", { class: "problem" }, el("span", { class: "sentence" }, ...sentenceParts(sentence)), button);
}

/** @param {Step} step @param {Entry} entry @param {Deeds} deeds */
function stepButton(step, entry, deeds) {
  const shared = { class: "step", "data-focus": `${keyOf(entry)}|${step.kind}`, click: () => deeds.take(step, entry) };
  const name = `${step.text} – ${providerRow(entry.provider).name}`;
  if (step.kind !== "link")
    return el(
      "button",
      { ...shared, type: "button", "aria-label": name, title: step.kind === "copy" ? step.value : null },
      step.text,
    );
  return el("a", { ...shared, href: step.value, target: "_blank", rel: "noopener noreferrer", "aria-label": name }, step.text);
}

/** @param {Entry} entry @param {Words} words */
function blockedLine(entry, words) {
  if (!entry.blocked) return null;
  const key = `blocked_${entry.blocked.code}`;
  return el(
    "p",
    { class: "problem" },
    el("span", { class: "sentence" }, words.knows(key) ? words.say(key) : entry.blocked.message),
  );
}

/** @param {Entry} entry @param {Scene} scene */
function rows(entry, scene) {
  const folded = [...new Set(entry.windows.map((window) => window.scope))].filter(
    (scope) => scope !== null && isUnused(entry, scope),
  );
  const shown = entry.windows.filter((window) => !folded.includes(window.scope));
  const lines = [
    ...shown.map((window) => windowRow(window, entry, scene)),
    ...folded.map((scope) => foldedRow(entry, scope ?? "", scene)),
    ...entry.balances.filter((balance) => isWorthShowing(balance, entry)).map((balance) => balanceRow(balance, scene.words)),
  ];
  return lines.length > 0 && el("ul", { class: "rows" }, ...lines);
}

/** @param {Entry} entry @param {string | null} scope a side pool that nobody touched is one line, however many windows it has */
function isUnused(entry, scope) {
  const pool = entry.windows.filter((window) => window.scope === scope);
  return pool.length > 1 && pool.every((window) => window.used_pct === 0);
}

/**
 * @param {Window} window
 * @param {Entry} entry
 * @param {Scene} scene
 */
function windowRow(window, entry, scene) {
  const { words, now } = scene;
  const filled = level(window.used_pct);
  const used =
    window.used_pct === null
      ? el("span", { class: "used" }, "–", spoken(words.say("unknown")))
      : el("span", { class: "used" }, percent(window.used_pct, words));
  const passed = windowAge(window, now, words, "short_ago");
  return el(
    "li",
    { class: passed ? `row ${filled} faded` : `row ${filled}`, title: rowTitle(window, entry, now, words) },
    el("span", { class: "name" }, windowName(window, words)),
    bar(window),
    used,
    el(
      "span",
      { class: "end" },
      rowEnd(window, entry, now, words),
      ...spokenRest(window, words),
      reminder(window, entry, scene),
      passed && el("span", { class: "passed" }, words.say("fact_joint") + passed),
    ),
  );
}

/** @param {Window} window */
function bar(window) {
  const track = el("span", { class: "bar", "aria-hidden": "true" });
  if (window.used_pct !== null) {
    const fill = el("span", { class: "fill" });
    fill.style.width = `${Math.min(100, Math.max(0, window.used_pct))}%`;
    track.append(fill);
  }
  if (window.pace) {
    const mark = el("span", { class: "mark" });
    mark.style.left = `${Math.min(100, Math.max(0, window.pace.expected_pct))}%`;
    track.append(mark);
  }
  return track;
}

/** What a bar tells the eye and nobody else. @param {Window} window @param {Words} words */
function spokenRest(window, words) {
  const filled = level(window.used_pct);
  const said = filled === "full" ? [words.say("full")] : filled === "high" ? [words.say("nearly_full")] : [];
  if (window.pace) said.push(words.say("even_pace", { percent: percent(window.pace.expected_pct, words) }));
  return said.map((text) => spoken(`, ${text}`));
}

/**
 * @param {Window} window
 * @param {Entry} entry
 * @param {Scene} scene
 */
function reminder(window, entry, { words, now, deeds }) {
  const reset = resetOf(window, entry);
  const { remind } = deeds;
  if (!remind || level(window.used_pct) !== "full" || reset === null || reset <= now) return null;
  const name = [providerRow(entry.provider).name, entry.account_name, windowName(window, words)].filter(Boolean).join(" ");
  const set = deeds.isReminded(name);
  const label = words.say(set ? "will_tell" : "tell_me", { name });
  const bell = {
    class: "bell",
    type: "button",
    "aria-pressed": String(set),
    "aria-label": label,
    title: label,
    "data-focus": `bell|${name}`,
  };
  return el("button", { ...bell, click: () => remind(name, reset) });
}

/** @param {Entry} entry @param {string} scope @param {Scene} scene */
function foldedRow(entry, scope, { words, now }) {
  const pool = entry.windows.filter((window) => window.scope === scope);
  const said = pool
    .map((window) => `${windowName({ ...window, scope: null }, words)} ${percent(0, words)}`)
    .join(words.say("fact_joint"));
  const passed = pool.map((window) => windowAge(window, now, words)).find(Boolean) ?? "";
  return el(
    "li",
    { class: passed ? "row folded faded" : "row folded", title: passed || null },
    el("span", { class: "name" }, shortScope(scope)),
    el("span", { class: "said" }, said, passed && words.say("fact_joint") + passed),
  );
}

/** @param {import("./reading.js").Balance} balance @param {Words} words */
function balanceRow(balance, words) {
  const { name, value } = balanceText(balance, words);
  return el(
    "li",
    { class: "row balance", title: balance.reason ?? null },
    el("span", { class: "name" }, name),
    el("span", { class: "said" }, value),
  );
}
