/**
 * The shape of what the host sends (design §5), and what of it still holds at this moment. Pure: the time is an argument.
 *
 * A window whose reset has passed never shows its old percentage, however long ago the snapshot was stored.
 */

import { ORDER } from "./providers.js";

/**
 * @typedef {object} Window
 * @property {string} label
 * @property {number | null} used_pct
 * @property {string | null} resets_at
 * @property {string | null} [resets_in]
 * @property {string} kind
 * @property {string | null} scope
 * @property {number | null} window_seconds
 * @property {"active" | "not_started" | "reset_due" | "unknown"} state
 * @property {boolean} binding
 * @property {{state: string, expected_pct: number, runs_out_at: string | null} | null} pace
 * @property {number | null} [usage]
 * @property {number | null} [limit]
 * @property {number | null} [remaining]
 * @property {string | null} [unit]
 * @property {string | null} [observed_at] only where this window was read before the others of its entry
 */

/**
 * @typedef {object} Balance
 * @property {string} kind
 * @property {string} label
 * @property {number | null} amount
 * @property {number | null} used
 * @property {number | null} limit
 * @property {string | null} unit
 * @property {boolean} unlimited
 * @property {boolean} enabled
 * @property {string | null} reason
 */

/** @typedef {{code: string, params: Record<string, string | number>, action: string | null, url: string | null, retry_at: string | null}} Problem */

/**
 * @typedef {object} Entry
 * @property {string} provider
 * @property {boolean} ok
 * @property {string | null} plan_label
 * @property {string | null} account
 * @property {string | null} account_name
 * @property {number | null} headroom_pct
 * @property {string | null} tightest
 * @property {Window[]} windows
 * @property {Balance[]} balances
 * @property {{code: string, message: string} | null} blocked
 * @property {string | null} observed_at
 * @property {string | null} attempted_at
 * @property {boolean} stale
 * @property {string | null} error
 * @property {Problem | null} problem
 */

/**
 * Whom to use and what else there is to say (aimo_host/gauge/answer.py): codes and parameters, no text.
 * @typedef {object} Answer
 * @property {{code: string, provider: string | null, account: string | null, account_name: string | null,
 *   headroom_pct: number | null, until: string | null}} use
 * @property {{code: string, provider: string, account_name: string | null, scope: string | null, pct: number | null,
 *   until: string | null}[]} notes
 * @property {Wishes} [faces] only over HTTP, where no settings are known otherwise
 */

/** @typedef {Pick<Settings, "order" | "providers" | "language">} Wishes */

/** @typedef {{schema: number, updated_at: string | null, entries: Entry[], answer: Answer}} Snapshot */

/**
 * @typedef {object} Settings
 * @property {Record<string, "auto" | "on" | "off">} providers
 * @property {string[]} order
 * @property {Record<string, string>} names
 * @property {string | null} claude_organization
 * @property {boolean} badge
 * @property {"auto" | "en" | "ja"} language
 */

/**
 * What a face of the extension is shown.
 * @typedef {object} FaceState
 * @property {{state: "connecting" | "ready" | "missing" | "crashed" | "too_old", detail: string, version: string | null}} host
 * @property {Snapshot | null} snapshot
 * @property {Settings | null} settings
 * @property {string[]} refreshing
 * @property {{running: boolean, url: string | null} | null} shim
 * @property {number | null} zai_captured_at
 */

/** Older than this counts as old everywhere. */
export const OLD_MS = 60 * 60_000;
/** A moment further ahead of the clock than this was written by a clock that was wrong (aimo_host/gauge/times.py). */
const CLOCK_AHEAD_MS = 120_000;

/** @typedef {{observed_at?: string | null}} Observed an entry, or a window that has a moment of its own */

const UNIT_MS = /** @type {Record<string, number>} */ ({
  second: 1_000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 2_592_000_000,
});

/** @param {string | null | undefined} iso @returns {number | null} milliseconds since 1970 */
export function instant(iso) {
  const at = iso ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(at) ? null : at;
}

/**
 * Milliseconds, never negative; endless where a clock that was ahead wrote the moment, since nobody knows then.
 * @param {Observed} observed
 * @param {number} now
 * @returns {number | null}
 */
export function age(observed, now) {
  const at = instant(observed.observed_at);
  if (at === null) return null;
  return at - now > CLOCK_AHEAD_MS ? Infinity : Math.max(0, now - at);
}

/** @param {Observed} observed @param {number} now */
export function isOld(observed, now) {
  const passed = age(observed, now);
  return passed !== null && passed > OLD_MS;
}

/**
 * When a window ends: its reset time, or the reading's time plus the provider's words ("2 hours").
 * @param {Window} window
 * @param {Entry} entry
 * @returns {number | null}
 */
export function resetOf(window, entry) {
  const at = instant(window.resets_at);
  if (at !== null) return at;
  const parts = [...(window.resets_in ?? "").matchAll(/(\d+)\s*(second|minute|hour|day|week|month)/g)];
  const observed = instant(window.observed_at) ?? instant(entry.observed_at);
  const length = parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit], 0);
  return length > 0 && observed !== null ? observed + length : null;
}

/**
 * The entry as it stands now: finished windows have lost their numbers, and no headroom rests on what is finished or old.
 * @param {Entry} entry
 * @param {number} now
 * @returns {Entry}
 */
export function asOf(entry, now) {
  const windows = entry.windows.map((window) => {
    const reset = resetOf(window, entry);
    if (reset === null || reset > now) return window;
    return { ...window, used_pct: null, usage: null, remaining: null, pace: null, state: /** @type {const} */ ("reset_due") };
  });
  const unsure = windows.some((window) => window.binding && (window.state === "reset_due" || isOld(window, now)));
  return unsure ? { ...entry, windows, headroom_pct: null } : { ...entry, windows };
}

/**
 * The entries with one of them replaced or added. An entry without an account is a provider's placeholder: it makes way for the first
 * reading that names one.
 * @param {Entry[]} entries
 * @param {Entry} entry
 * @returns {Entry[]}
 */
export function withEntry(entries, entry) {
  /** @param {Entry} other */
  const same = (other) => other.provider === entry.provider && other.account === entry.account;
  /** @param {Entry} other */
  const placeholder = (other) => other.provider === entry.provider && other.account === null && other.observed_at === null;
  let at = entries.findIndex(same);
  if (at < 0) at = entries.findIndex(placeholder);
  if (at >= 0) return entries.map((other, index) => (index === at ? entry : other));
  const before = ORDER.slice(0, ORDER.indexOf(entry.provider) + 1);
  const end = entries.findLastIndex((other) => before.includes(other.provider)) + 1;
  return [...entries.slice(0, end), entry, ...entries.slice(end)];
}

/**
 * A provider that was never readable because nobody is signed in: it gets no row and no nagging.
 * @param {Entry} entry
 * @param {Pick<Settings, "providers"> | null} settings
 */
export function isDormant(entry, settings) {
  const mode = settings?.providers?.[entry.provider] ?? "auto";
  const code = entry.problem?.code;
  return mode === "auto" && entry.observed_at === null && (code === "not_signed_in" || code === "no_credential");
}

/**
 * What gets rows, in the person's order, and the providers that get only a line.
 * @param {Entry[]} entries
 * @param {Pick<Settings, "order" | "providers"> | null} settings
 * @returns {{visible: Entry[], dormant: string[]}}
 */
export function arrange(entries, settings) {
  const order = settings?.order ?? [];
  /** @param {Entry} entry */
  const place = (entry) => (order.includes(entry.provider) ? order.indexOf(entry.provider) : order.length);
  const sorted = [...entries].sort((one, other) => place(one) - place(other));
  const dormant = sorted.filter((entry) => isDormant(entry, settings)).map((entry) => entry.provider);
  return { visible: sorted.filter((entry) => !isDormant(entry, settings)), dormant: [...new Set(dormant)] };
}

/**
 * How full, in three steps.
 * @param {number | null} percent
 * @returns {"unknown" | "low" | "high" | "full"}
 */
export function level(percent) {
  if (percent === null) return "unknown";
  if (percent >= 100) return "full";
  return percent >= 80 ? "high" : "low";
}
