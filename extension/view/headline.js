/**
 * The answer first: whom to use, how much is left, until when; then what is full, unknown, or would be lost.
 *
 * The host works it out (aimo_host/gauge/answer.py) and this only translates, by code and parameters. What time has made void since
 * is left out: a part whose moment has passed, and an account whose reading has become old.
 */

import { byId, el } from "./dom.js";
import { duration, moment, percent, shortScope } from "./format.js";
import { providerRow } from "./providers.js";
import { asOf, instant, isOld } from "./reading.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./reading.js").Entry} Entry */
/** @typedef {import("./reading.js").Answer} Answer */

/**
 * @param {Answer | null | undefined} said what the host said last
 * @param {Entry[]} entries the visible ones
 * @param {number} now
 * @param {Words} words
 * @returns {{answer: string, facts: string[]}} nothing where there is nothing to say
 */
export function headline(said, entries, now, words) {
  if (!said) return { answer: "", facts: [] };
  const facts = said.notes.filter((note) => isAhead(note.until, now)).map((note) => fact(note, entries, now, words));
  return { answer: use(said.use, entries, now, words), facts };
}

/**
 * The same, put into the face's `#answer` and `#facts`; a line breaks between facts, never within one.
 * @param {ReturnType<typeof headline>} said
 * @param {Words} words
 */
export function paintHeadline({ answer, facts }, words) {
  byId("answer").textContent = answer;
  const joint = words.say("fact_joint");
  const parts = facts.map((text, index) => el("span", {}, index < facts.length - 1 ? text + joint : text));
  const before = byId("facts");
  const after = el("p", { id: "facts", class: "facts" }, ...parts);
  if (!before.isEqualNode(after)) before.replaceWith(after);
}

/** @param {string | null} iso @param {number} now a moment that nobody named has not passed */
function isAhead(iso, now) {
  const at = instant(iso);
  return at === null || at > now;
}

/**
 * @param {Answer["use"]} use
 * @param {Entry[]} entries
 * @param {number} now
 * @param {Words} words
 */
function use({ code, provider, account, account_name, headroom_pct, until }, entries, now, words) {
  const key = `answer_${code}`;
  if (!isAhead(until, now) || !words.knows(key)) return "";
  const when = moment(instant(until) ?? now, now, words);
  if (provider === null && code === "unknown" && entries.length > 0 && entries.every((entry) => entry.observed_at === null))
    return words.say("answer_nothing_read");
  if (provider === null) return entries.length > 0 ? words.say(key, { when }) : "";
  const entry = entries.find((other) => other.provider === provider && other.account === account);
  if (!entry || isOld(entry, now) || asOf(entry, now).headroom_pct === null) return "";
  const left = percent(Math.floor(headroom_pct ?? 0), words);
  return words.say(key, { name: nameOf(provider, account_name, entries), percent: left, when });
}

/**
 * @param {Answer["notes"][number]} note
 * @param {Entry[]} entries
 * @param {number} now
 * @param {Words} words
 */
function fact({ code, provider, account_name, scope, pct, until }, entries, now, words) {
  const name = [nameOf(provider, account_name, entries), shortScope(scope ?? "")].filter(Boolean).join(" ");
  const at = instant(until) ?? now;
  const values = { name, percent: percent(pct ?? 0, words), when: moment(at, now, words), duration: duration(at - now, words) };
  return words.say(code === "full" && until === null ? "fact_full_open" : `fact_${code}`, values);
}

/** @param {string} provider @param {string | null} account_name @param {Entry[]} entries */
function nameOf(provider, account_name, entries) {
  const { name } = providerRow(provider);
  const several = entries.filter((entry) => entry.provider === provider).length > 1;
  return several && account_name ? `${name} (${account_name})` : name;
}
