/**
 * What a face paints first: the state that the worker keeps in storage, and the words of most people's language. Both are on their
 * way from the moment this module runs, which a page can have before all its others are there (`<script async>`).
 */

import { STATE_KEY } from "../background/faces.js";
import { loadWords } from "../view/words.js";

/** @typedef {import("../view/reading.js").FaceState} FaceState */

loadWords("auto");

/** @type {Promise<FaceState | undefined>} */
export const keptState = chrome.storage.local.get(STATE_KEY).then((kept) => /** @type {FaceState | undefined} */ (kept[STATE_KEY]));
