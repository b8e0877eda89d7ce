/**
 * Making elements without markup text: whatever a provider or a person wrote arrives as text and stays text.
 */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * @param {string} tag
 * @param {Record<string, string | boolean | ((event: Event) => void) | null | undefined>} [attributes] functions become listeners,
 *   null and false are left out
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, "");
    else if (typeof value === "string") element.setAttribute(name, value);
  }
  for (const child of children) if (child) element.append(child);
  return element;
}

/**
 * A sentence in which `commands` stand between backticks.
 * @param {string} sentence
 * @returns {(Node | string)[]}
 */
export function sentenceParts(sentence) {
  return sentence.split("`").map((part, index) => (index % 2 === 1 ? el("code", {}, part) : part));
}

/** @param {string} text for screen readers only */
export const spoken = (text) => el("span", { class: "spoken" }, text);

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`no element ${id}`);
  return found;
}

/** Everything is in its place: the face may be seen. */
export const reveal = () => document.body.classList.remove("waiting");

/**
 * Puts words into everything that names a key with `data-say`.
 * @param {import("./words.js").Words} words
 */
export function sayAll(words) {
  document.documentElement.lang = words.language;
  for (const element of document.querySelectorAll("[data-say]"))
    element.textContent = words.say(element.getAttribute("data-say") ?? "");
}
