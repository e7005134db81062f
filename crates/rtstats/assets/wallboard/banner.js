// What is said of the figures themselves: the chip that tells their instant, and the banner when they are old.

import { byId, icon, make, mark, reshape, say, show } from "./dom.js";
import { timeOfDay } from "./format.js";
import { Grade } from "./freshness.js";

const SHAPES = { waiting: "none", live: "good", doubtful: "below", dead: "alarm" };

/** The chip and the banner. `act(action)` is called where somebody follows the banner's button. */
export class Banner {
  #cause = "";
  #chip;
  #banner;

  constructor(act) {
    const chip = byId("pulse");
    this.#chip = { icon: icon("none"), title: make("strong"), time: make("span", { class: "instant" }), text: make("span", { class: "source" }) };
    chip.append(this.#chip.icon, this.#chip.title, this.#chip.time, this.#chip.text);
    const banner = byId("banner");
    this.#banner = {
      title: make("strong"), age: make("span", { class: "age", "aria-hidden": "true" }),
      text: make("span", { class: "why" }), button: make("button", { type: "button", hidden: true }),
      // Read out once for each cause; what counts up beside it is not.
      spoken: make("span", { class: "unseen", role: "alert" }),
    };
    const { title, age, text, button, spoken } = this.#banner;
    banner.append(icon("alarm"), make("div", { class: "words" }, title, age, text), button);
    // An alert must stand in the page before its text comes.
    banner.after(spoken);
    button.addEventListener("click", () => act(button.dataset.action));
  }

  /** Shows a judgment of figures that describe `instant` in `zone`. */
  update({ grade, cause, title, text, action }, instant, age, zone) {
    mark(document.documentElement, "data-grade", grade);
    mark(document.documentElement, "data-cause", cause);
    reshape(this.#chip.icon, SHAPES[grade]);
    say(this.#chip.title, grade === Grade.dead ? "Old figures" : title);
    const time = instant === null ? "" : timeOfDay(instant, zone);
    say(this.#chip.time, time);
    say(this.#chip.text, grade === Grade.live ? text : "");
    this.#tell(grade, cause, title, text, action, time, age);
  }

  #tell(grade, cause, title, text, action, time, age) {
    const bad = grade === Grade.dead || grade === Grade.doubtful;
    const { age: old, button, spoken } = this.#banner;
    show(byId("banner"), bad);
    mark(byId("banner"), "data-grade", grade);
    if (bad) {
      say(this.#banner.title, title);
      say(this.#banner.text, text);
      say(old, grade === Grade.dead && time ? `Figures of ${time}, ${age} old.` : "");
      show(button, action !== "");
      mark(button, "data-action", action);
      say(button, action === "sign-in" ? "Sign in" : "Try now");
    }
    if (cause === this.#cause) return;
    const was = this.#cause;
    this.#cause = cause;
    const back = cause === "live" && was !== "" && was !== "waiting";
    say(spoken, bad ? `${title}. ${text.replace(/ Trying again.*/, "")}` : back ? "The figures are live again." : "");
  }
}
