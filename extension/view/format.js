/**
 * Numbers, times and names as people read them. Pure: words and the time are arguments.
 *
 * Rounding never turns a window full that is not, nor used that is not.
 */

import { age, instant, isOld, level, resetOf } from "./reading.js";

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
  const units =
    days > 0
      ? [
          ["unit_day", days],
          ["unit_hour", hours],
        ]
      : [
          ["unit_hour", hours],
          ["unit_minute", minutes],
        ];
  const said = units.filter(([, n]) => n !== 0).map(([unit, n]) => words.say(String(unit), { n }));
  return said.join(words.say("unit_joint"));
}

/**
 * A moment, as short as it can be told: "09:00" today, "Wed 09:00" within the week around now, else "9 Dec". No line ends in it.
 * @param {number} at
 * @param {number} now
 * @param {Words} words
 */
export function moment(at, now, words) {
  const time = new Intl.DateTimeFormat(words.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  if (new Date(at).toDateString() === new Date(now).toDateString()) return time;
  const isNear = Math.abs(at - now) < 6 * DAY;
  /** @type {Intl.DateTimeFormatOptions} */
  const style = isNear ? { weekday: "short" } : { day: "numeric", month: "short" };
  const day = new Intl.DateTimeFormat(words.language, style).format(at);
  return (isNear ? `${day} ${time}` : day).replaceAll(" ", "\u00a0");
}

/** @param {number} at @param {Words} words a moment in full, for those who point at it */
export function fullMoment(at, words) {
  return new Intl.DateTimeFormat(words.language, { dateStyle: "full", timeStyle: "short", hourCycle: "h23" }).format(at);
}

/**
 * How long ago something was read.
 * @param {number | null} ms
 * @param {Words} words
 * @param {"read_ago" | "short_ago"} key
 */
export function ago(ms, words, key = "read_ago") {
  if (ms === null) return words.say("never_read");
  if (ms === Infinity) return words.say("age_unknown");
  if (ms < MINUTE) return words.say("just_now");
  const rounded = ms < HOUR ? ms : ms < DAY ? ms - (ms % HOUR) : ms - (ms % DAY);
  return words.say(key, { duration: duration(rounded, words) });
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
    const money = {
      style: /** @type {const} */ ("currency"),
      currency: unit ?? "",
      minimumFractionDigits: cents,
      maximumFractionDigits: cents,
    };
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
  const scope = window.scope === "code review" ? words.say("scope_code_review") : shortScope(window.scope ?? "");
  const [twin = ""] = /#\d+$/.exec(window.label) ?? []; // two windows of one length have one name
  return [lengthName(window, words), scope, twin].filter((part) => part !== "").join(" ");
}

/** @param {string} scope "GPT-5.3-Codex-Spark" is known to everybody as Spark */
export function shortScope(scope) {
  return scope.length > 12 ? (scope.split("-").at(-1) ?? scope) : scope;
}

/** @param {Window} window @param {Words} words */
function lengthName(window, words) {
  const { kind, window_seconds: seconds } = window;
  if (kind === "spend" && window.unit === "credits") return words.say("window_budget");
  if (kind === "weekly" || kind === "monthly" || kind === "daily" || kind === "tools" || kind === "spend")
    return words.say(`window_${kind}`);
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
    const unit = window.unit === "credits" ? null : window.unit;
    const used = amountOf(window.usage, unit, words);
    return typeof window.limit === "number" ? `${used} / ${amountOf(window.limit, unit, words)}` : used;
  }
  const runsOut = instant(window.pace?.runs_out_at);
  if (runsOut !== null && runsOut > now && level(window.used_pct) !== "full") {
    return words.say("out_at", { when: moment(runsOut, now, words) });
  }
  if (reset === null) return window.state === "not_started" ? words.say("not_started") : "";
  return reset - now < DAY ? words.say("in", { duration: duration(reset - now, words) }) : moment(reset, now, words);
}

/**
 * How long ago a window was read that is old in an entry that need not be; else nothing.
 * @param {Window} window
 * @param {number} now
 * @param {Words} words
 * @param {"read_ago" | "short_ago"} [key]
 */
export function windowAge(window, now, words, key) {
  return isOld(window, now) ? ago(age(window, now), words, key) : "";
}

/**
 * Everything about a window, for those who point at its row.
 * @param {Window} window
 * @param {Entry} entry
 * @param {number} now
 * @param {Words} words
 */
export function rowTitle(window, entry, now, words) {
  const reset = resetOf(window, entry);
  const counts = typeof window.usage === "number" && typeof window.limit === "number";
  const used = counts
    ? `${amountOf(window.usage ?? 0, window.unit, words)} / ${amountOf(window.limit ?? 0, window.unit, words)}`
    : "";
  const end = reset === null ? "" : fullMoment(reset, words);
  return [window.label, used, end, windowAge(window, now, words)].filter((part) => part !== "").join(" · ");
}

/**
 * @param {import("./reading.js").Balance} balance
 * @param {Words} words
 * @returns {{name: string, value: string}}
 */
export function balanceText(balance, words) {
  const key = `balance_${balance.kind}`;
  const name = words.knows(key) ? words.say(key) : balance.label;
  const [used, limit, amount] = [balance.used, balance.limit, balance.amount].map((part) =>
    part === null ? null : amountOf(part, balance.unit, words),
  );
  const spent = [used, balance.unlimited ? words.say("unlimited") : limit].filter((part) => part !== null).join(" / ");
  const value = (balance.unlimited ? null : amount) ?? (spent || words.say("unknown"));
  const isOff = !balance.enabled && balance.reason !== "by_hand_only";
  return { name, value: isOff ? `${value} (${words.say("switched_off")})` : value };
}

/**
 * A balance that says nothing, or that a window's row says already, gets no row of its own.
 * @param {import("./reading.js").Balance} balance
 * @param {Entry} entry
 */
export function isWorthShowing(balance, entry) {
  const metered = balance.kind === "extra_usage" || balance.kind === "budget";
  if (metered && entry.windows.some((window) => window.kind === "spend")) return false;
  if (!balance.enabled && balance.kind === "extra_usage") return (balance.used ?? 0) > 0;
  return (
    balance.unlimited ||
    balance.reason === "amount_not_shown" ||
    [balance.amount, balance.used, balance.limit].some((part) => (part ?? 0) !== 0)
  );
}
