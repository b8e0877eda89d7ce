/**
 * How popup and options talk to the worker: one port, opened again if the worker was stopped, and a knock every three seconds while
 * a person is looking at "the host is missing".
 *
 * Paints what storage holds before the worker is even awake. A face never asks a provider; it tells the worker what the person wants.
 */

import { keptState } from "./kept.js";

/** @typedef {import("../view/reading.js").FaceState} FaceState */

const KNOCK_MS = 3_000;
/** A page that nobody sees has no frames. */
const FRAME_MS = 100;

/** What is in the page by now is on the screen. */
const firstFrame = () =>
  new Promise((seen) => {
    requestAnimationFrame(() => requestAnimationFrame(seen));
    setTimeout(seen, FRAME_MS);
  });

export class WorkerLink {
  /** @type {FaceState | null} */
  state = null;
  /** @type {chrome.runtime.Port | null} */
  #port = null;
  #onState;
  #onMessage;

  /**
   * @param {(state: FaceState) => void | Promise<void>} onState
   * @param {(message: {type: string, [key: string]: any}) => void} onMessage
   */
  constructor(onState, onMessage) {
    this.#onState = onState;
    this.#onMessage = onMessage;
  }

  async open() {
    setInterval(() => this.#knock(), KNOCK_MS);
    const kept = await keptState;
    if (kept && !this.state) await this.#show(kept);
    await firstFrame(); // what a refresh has to tell comes in many small pieces, each of which would put it off
    if (!this.#port) this.#connect();
  }

  /** @param {{type: string, [key: string]: any}} message */
  send(message) {
    if (!this.#port) this.#connect();
    this.#port?.postMessage(message);
  }

  #connect() {
    const port = chrome.runtime.connect({ name: "face" });
    this.#port = port;
    port.onMessage.addListener((message) => (message.type === "state" ? this.#show(message.state) : this.#onMessage(message)));
    port.onDisconnect.addListener(() => {
      this.#port = null;
    });
  }

  #knock() {
    if (document.visibilityState !== "visible" || this.state?.host.state === "ready") return;
    this.send({ type: "recheck" });
  }

  /** @param {FaceState} state */
  #show(state) {
    this.state = state;
    return this.#onState(state);
  }
}
