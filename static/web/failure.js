// Shows that the server cannot be reached, and lets "Try again" repeat the very request that failed.
import { purge } from "../graphs/figure.js";
import { holder, passOn } from "./focus.js";

// A fragment offers an address to read. After a POST, its button sends the same values again.
export function repeat(fragment, { method, action, body } = {}) {
  const button = fragment?.querySelector?.("[role=alert] button[data-hx-get]");
  if (!button || method !== "POST") return;
  button.removeAttribute("data-hx-get");
  button.dataset.hxPost = action;
  button.dataset.hxVals = JSON.stringify(Object.fromEntries(body));
}

// A server that cannot be reached sends no fragment, so the page has brought one.
export function unreachable({ detail: { ctx } }) {
  const slot = ctx?.target?.closest("[data-slot]");
  if (!slot) return;
  const alert = document.getElementById("unreachable").content.cloneNode(true);
  alert.querySelector("button").dataset.hxGet = ctx.request.action;
  repeat(alert, ctx.request);
  const held = holder(ctx);
  const place = slot.contains(held) ? slot : null;
  purge(slot);
  slot.replaceChildren(alert);
  window.htmx.process(slot);
  passOn(held, place);
}
