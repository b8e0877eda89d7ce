/**
 * Numbers, times and names as people read them. Pure: words and the time are arguments.
 *
 * Rounding never turns a window full that is not, nor used that is not.
 */

import { instant, level, resetOf } from "./reading.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./reading.js").Window} Window */
/** @typedef {import("./reading.js").Entry} Entry */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** @param {number} value @param {Words} words */
export function percent(value, words) {
  const whole = Math.round(value);
  if (value > 0 && value < 1) return words.say("percent", { n: "<1" });
  return words.say("percent", { n: value < 100 && whole === 100 ? 99 : whole });
}

/**
 * The two largest units: "2 h 10 m".
 * @param {number} ms
 * @param {Words} words
 */
export function duration(ms, words) {
  if (ms < MINUTE) return words.say("under_minute");
  const days = Math.floor(ms / DAY);
  const hours = Math.floor((ms % DAY) / HOUR);
  const minutes = Math.floor((ms % HOUR) / MINUTE);
  const units = days > 0 ? [["unit_day", days], ["unit_hour", hours]] : [["unit_hour", hours], ["unit_minute", minutes]];
  const said = units.filter(([, n]) => n !== 0).map(([unit, n]) => words.say(String(unit), { n }));
  return said.join(words.say("unit_joint"));
}

/**
 * A moment, as short as it can be told: "09:00" today, "Wed 09:00" within the week around now, else "9 Dec".
 * @param {number} at
 * @param {number} now
 * @param {Words} words
 */
export function moment(at, now, words) {
  const time = new Intl.DateTimeFormat(words.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  if (new Date(at).toDateString() === new Date(now).toDateString()) return time;
  if (Math.abs(at - now) < 6 * DAY) return `${new Intl.DateTimeFormat(words.language, { weekday: "short" }).format(at)} ${time}`;
  return new Intl.DateTimeFormat(words.language, { day: "numeric", month: "short" }).format(at);
}

/** @param {number} at @param {Words} words a moment in full, for those who point at it */
export function fullMoment(at, words) {
  return new Intl.DateTimeFormat(words.language, { dateStyle: "full", timeStyle: "short", hourCycle: "h23" }).format(at);
}

/**
 * How long ago something was read.
 * @param {number | null} ms
 * @param {Words} words
 */
export function ago(ms, words) {
  if (ms === null) return words.say("never_read");
  if (ms < MINUTE) return words.say("just_now");
  const rounded = ms < HOUR ? ms : ms < DAY ? ms - (ms % HOUR) : ms - (ms % DAY);
  return words.say("read_ago", { duration: duration(rounded, words) });
}

/**
 * An amount in its unit: money with its sign, credits with their name, calls as they are.
 * @param {number} amount
 * @param {string | null | undefined} unit
 * @param {Words} words
 */
export function amountOf(amount, unit, words) {
  const digits = { maximumFractionDigits: 2 };
  if (/^[A-Z]{3}$/.test(unit ?? "")) {
    const cents = Number.isInteger(amount) ? 0 : 2;
    const money = { style: /** @type {const} */ ("currency"), currency: unit ?? "", minimumFractionDigits: cents, maximumFractionDigits: cents };
    return new Intl.NumberFormat(words.language, { ...money, currencyDisplay: "narrowSymbol" }).format(amount);
  }
  const number = new Intl.NumberFormat(words.language, digits).format(amount);
  return unit === "credits" ? words.say("unit_credits", { n: number }) : number;
}

/**
 * A short name built from kind, length and scope: "5 h", "Week Fable", "Tools".
 * @param {Window} window
 * @param {Words} words
 */
export function windowName(window, words) {
  const length = lengthName(window, words);
  if (window.scope === null) return length;
  const scope = window.scope === "code review" ? words.say("scope_code_review") : shortScope(window.scope);
  return `${length} ${scope}`.trim();
}

/** @param {string} scope "GPT-5.3-Codex-Spark" is known to everybody as Spark */
export function shortScope(scope) {
  return scope.length > 12 ? (scope.split("-").at(-1) ?? scope) : scope;
}

/** @param {Window} window @param {Words} words */
function lengthName(window, words) {
  const { kind, window_seconds: seconds } = window;
  if (kind === "weekly" || kind === "monthly" || kind === "daily" || kind === "tools" || kind === "spend") return words.say(`window_${kind}`);
  if (seconds && seconds % 86_400 === 0) return words.say("window_days", { n: seconds / 86_400 });
  if (seconds) return words.say("window_hours", { n: Math.round(seconds / 360) / 10 });
  if (kind === "session") return words.say("window_session");
  return window.scope === null ? window.label : "";
}

/**
 * What stands at the end of a window's row: what is counted, when it runs out, or when it resets.
 * @param {Window} window
 * @param {Entry} entry
 * @param {number} now
 * @param {Words} words
 */
export function rowEnd(window, entry, now, words) {
  const reset = resetOf(window, entry);
  if (window.state === "reset_due" && reset !== null) return words.say("was_reset", { when: moment(reset, now, words) });
  if (window.kind === "spend" && typeof window.usage === "number") {
    const used = amountOf(window.usage, window.unit, words);
    return typeof window.limit === "number" ? `${used} / ${amountOf(window.limit, window.unit, words)}` : used;
  }
  const runsOut = instant(window.pace?.runs_out_at);
  if (runsOut !== null && runsOut > now && level(window.used_pct) !== "full") {
    return words.say("out_at", { when: moment(runsOut, now, words) });
  }
  if (reset === null) return window.state === "not_started" ? words.say("not_started") : "";
  return reset - now < DAY ? words.say("in", { duration: duration(reset - now, words) }) : moment(reset, now, words);
}

/**
 * Everything about a window, for those who point at its row.
 * @param {Window} window
 * @param {Entry} entry
 * @param {Words} words
 */
export function rowTitle(window, entry, words) {
  const reset = resetOf(window, entry);
  const counts = typeof window.usage === "number" && typeof window.limit === "number";
  const used = counts ? `${amountOf(window.usage ?? 0, window.unit, words)} / ${amountOf(window.limit ?? 0, window.unit, words)}` : "";
  return [window.label, used, reset === null ? "" : fullMoment(reset, words)].filter((part) => part !== "").join(" · ");
}

/**
 * @param {import("./reading.js").Balance} balance
 * @param {Words} words
 * @returns {{name: string, value: string}}
 */
export function balanceText(balance, words) {
  const key = `balance_${balance.kind}`;
  const name = words.knows(key) ? words.say(key) : balance.label;
  if (balance.unlimited) return { name, value: words.say("unlimited") };
  const parts = [balance.used, balance.limit].filter((part) => part !== null).map((part) => amountOf(part, balance.unit, words));
  const value = balance.amount === null ? parts.join(" / ") || words.say("unknown") : amountOf(balance.amount, balance.unit, words);
  return { name, value: balance.enabled ? value : `${value} (${words.say("switched_off")})` };
}
