/**
 * The answer first: whom to use, how much is left, until when; then what is full and what is unknown. From what the host worked out
 * (headroom and tightest window of each entry), as it holds at this moment.
 */

import { moment, percent, shortScope } from "./format.js";
import { providerRow } from "./providers.js";
import { asOf, isOld, level, resetOf } from "./reading.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./reading.js").Entry} Entry */

/**
 * @param {Entry[]} entries the visible ones
 * @param {number} now
 * @param {Words} words
 * @returns {{answer: string, facts: string}} empty texts where there is nothing to say
 */
export function headline(entries, now, words) {
  const read = entries.filter((entry) => entry.observed_at !== null).map((entry) => asOf(entry, now));
  const known = read.filter((entry) => !isOld(entry, now) && entry.headroom_pct !== null);
  const [best] = known
    .filter((entry) => entry.ok && (entry.headroom_pct ?? 0) > 0)
    .sort((one, other) => (other.headroom_pct ?? 0) - (one.headroom_pct ?? 0));
  const facts = read.flatMap((entry) => fact(entry, entry === best, now, words));
  const spent = known.length > 0 && known.length === entries.length;
  return {
    answer: best ? use(best, read, now, words) : spent ? noneLeft(known, now, words) : "",
    facts: facts.join(words.say("fact_joint")),
  };
}

/**
 * @param {Entry} entry
 * @param {Entry[]} all
 */
function nameOf(entry, all) {
  const { name } = providerRow(entry.provider);
  const several = all.filter((other) => other.provider === entry.provider).length > 1;
  return several && entry.account_name ? `${name} (${entry.account_name})` : name;
}

/**
 * @param {Entry} entry
 * @param {Entry[]} all
 * @param {number} now
 * @param {Words} words
 */
function use(entry, all, now, words) {
  const tightest = entry.windows.find((window) => window.label === entry.tightest);
  const reset = tightest ? resetOf(tightest, entry) : null;
  const left = percent(Math.floor(entry.headroom_pct ?? 0), words);
  const name = nameOf(entry, all);
  return reset === null
    ? words.say("use_open", { name, percent: left })
    : words.say("use", { name, percent: left, when: moment(reset, now, words) });
}

/**
 * @param {Entry[]} entries
 * @param {number} now
 * @param {Words} words
 */
function noneLeft(entries, now, words) {
  const backs = entries.map((entry) => {
    const full = entry.windows.filter((window) => window.binding && level(window.used_pct) === "full");
    const resets = full.map((window) => resetOf(window, entry));
    return entry.blocked || resets.length === 0 || resets.includes(null) ? Infinity : Math.max(...resets.map(Number));
  });
  const first = Math.min(...backs);
  return Number.isFinite(first) ? words.say("none_left", { when: moment(first, now, words) }) : words.say("none_left_open");
}

/**
 * What is full or unknown about one entry, if anything.
 * @param {Entry} entry
 * @param {boolean} isBest
 * @param {number} now
 * @param {Words} words
 * @returns {string[]}
 */
function fact(entry, isBest, now, words) {
  const { name } = providerRow(entry.provider);
  if (isOld(entry, now)) return [words.say("fact_unknown", { name })];
  if (entry.blocked) return [words.say("fact_blocked", { name })];
  const full = entry.windows.filter(
    (window) => level(window.used_pct) === "full" && window.kind !== "spend" && window.kind !== "tools",
  );
  const main = full.find((window) => window.binding);
  const isUnknown = !isBest && entry.headroom_pct === null && entry.windows.some((window) => window.binding);
  if (!main && isUnknown) return [words.say("fact_unknown", { name })];
  const window = main ?? full[0];
  return window
    ? [isFull(window.scope === null ? name : `${name} ${shortScope(window.scope)}`, resetOf(window, entry), now, words)]
    : [];
}

/**
 * @param {string} name
 * @param {number | null} reset
 * @param {number} now
 * @param {Words} words
 */
function isFull(name, reset, now, words) {
  return reset === null
    ? words.say("fact_full_open", { name })
    : words.say("fact_full", { name, when: moment(reset, now, words) });
}
