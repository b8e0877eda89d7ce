/**
 * What popup and options say when there is no host to talk to: one sentence, one command to copy.
 */

import { el } from "../view/dom.js";

/** @typedef {import("../view/words.js").Words} Words */

const COMMANDS = { missing: "python3 install.py", crashed: "aimo install", too_old: "python3 install.py" };

/**
 * @param {HTMLElement} root
 * @param {import("../view/reading.js").FaceState["host"]} host
 * @param {Words} words
 */
export function paintHostNotice(root, { state }, words) {
  const command = Object.hasOwn(COMMANDS, state) ? COMMANDS[/** @type {keyof typeof COMMANDS} */ (state)] : null;
  root.hidden = command === null;
  if (command === null || root.dataset.state === `${state} ${words.language}`) return;
  root.dataset.state = `${state} ${words.language}`;
  root.replaceChildren(
    el("p", {}, words.say(`host_${state}`)),
    el("p", { class: "command" }, el("code", {}, command), copyButton(command, words)),
    el(
      "p",
      { class: "hint" },
      el("img", { src: "/faces/two_steps.svg", width: "115", height: "30", alt: words.say("host_steps") }),
      words.say("host_recovers"),
    ),
  );
}

/** @param {string} text @param {Words} words */
export function copyButton(text, words) {
  const button = el(
    "button",
    { type: "button", class: "step", "aria-label": `${words.say("copy")}: ${text}`, click: () => copy(text, button, words) },
    words.say("copy"),
  );
  return button;
}

/**
 * @param {string} text
 * @param {HTMLElement} button says for a moment that it did
 * @param {Words} words
 */
export async function copy(text, button, words) {
  await navigator.clipboard.writeText(text);
  const before = button.textContent;
  button.textContent = words.say("copied");
  setTimeout(() => {
    button.textContent = before;
  }, 1_500);
}
