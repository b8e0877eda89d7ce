/**
 * What went wrong and what to do next, in the language of the face. Translates by code and parameters, never by English text; a code
 * that this version does not know falls back to the sentence that came with it.
 */

import { moment } from "./format.js";
import { providerRow } from "./providers.js";
import { instant } from "./reading.js";

/** @typedef {import("./words.js").Words} Words */
/** @typedef {import("./reading.js").Entry} Entry */

/**
 * @typedef {object} Step the next step as a button
 * @property {"link" | "copy" | "retry" | "add_key" | "switch_on"} kind
 * @property {string} text
 * @property {string} value the address, or the command
 */

/**
 * @param {Entry} entry
 * @param {number} now
 * @param {Words} words
 * @returns {string} may hold `commands`
 */
export function problemSentence(entry, now, words) {
  const { problem } = entry;
  if (!problem) return entry.error ?? "";
  const keys = [`problem_${problem.code}_${problem.params.variant}`, `problem_${problem.code}`];
  const key = keys.find((candidate) => words.knows(candidate));
  const { name, company, site } = providerRow(entry.provider);
  const said = key ? words.say(key, { name, company, site, ...problem.params }) : (entry.error ?? problem.code);
  const retry = instant(problem.retry_at);
  if (retry === null || retry <= now) return said;
  return [said, words.say("next_try", { when: moment(retry, now, words) })].join(words.language === "ja" ? "" : " ");
}

/** Commands of problems that name none, by what their sentence says. */
const COMMANDS = /** @type {Record<string, string>} */ ({
  "not_signed_in.local": "ollama signin",
  "no_credential.vault_locked": "bw unlock",
  "no_credential.vault_logged_out": "bw login",
  internal: "aimo log",
});

/**
 * @param {Entry} entry
 * @param {Words} words
 * @returns {Step | null}
 */
export function nextStep(entry, words) {
  const { problem } = entry;
  if (!problem) return null;
  const { site } = providerRow(entry.provider);
  const LINKS = /** @type {Record<string, string>} */ ({
    sign_in: words.say("action_sign_in"),
    open_site: words.say("action_open", { site }),
    open_usage: words.say("action_usage"),
    choose_account: words.say("action_choose"),
  });
  const action = problem.action ?? "";
  if (Object.hasOwn(LINKS, action))
    return isWebPage(problem.url) ? { kind: "link", text: LINKS[action], value: problem.url } : null;
  if (action === "add_key")
    return { kind: "add_key", text: words.say("action_add_key"), value: isWebPage(problem.url) ? problem.url : "" };
  if (action === "retry") return { kind: "retry", text: words.say("action_retry"), value: entry.provider };
  if (action === "switch_on") return { kind: "switch_on", text: words.say("action_switch_on"), value: entry.provider };
  if (action !== "run_command" && action !== "report") return null;
  const { variant, command } = problem.params;
  const known = COMMANDS[variant ? `${problem.code}.${variant}` : problem.code];
  const value = typeof command === "string" ? command : known;
  return value ? { kind: "copy", text: words.say("copy"), value } : null;
}

/** @param {string | null} url @returns {url is string} the host's word is no reason to open anything but a web page */
function isWebPage(url) {
  return url !== null && URL.canParse(url) && new URL(url).protocol === "https:";
}
