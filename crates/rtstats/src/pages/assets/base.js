// What all pages do beyond HTML: themes, copying, codes from the address. Every page works without it.

// A wall screen's link may have been led to another page on its way: here it is opened, whatever page this is.
const SHARE = "#share=";
if (location.hash.startsWith(SHARE) && location.pathname !== "/share") {
  location.replace("/share" + location.hash);
}

// A code stands after # in the address, which is sent to no server. It moves into its field, and out of the history.
const coded = document.querySelector("[data-from-fragment]");
if (coded && location.hash.length > 1) {
  const share = location.hash.startsWith(SHARE);
  coded.value = location.hash.slice(share ? SHARE.length : 1);
  history.replaceState(null, "", location.pathname + location.search);
  if ("send" in coded.form.dataset) coded.form.requestSubmit();
  else coded.form.querySelector("[name=login], [name=password], button")?.focus();
}

// What is wrong with a form is read out first.
document.querySelector("[data-focus]")?.focus();

// Themes: as the system has it, light, dark.
const switcher = document.querySelector("[data-theme-switch]");
if (switcher) {
  const themes = ["system", "light", "dark"];
  const names = { system: "Theme: system", light: "Theme: light", dark: "Theme: dark" };
  const present = () => document.documentElement.dataset.theme ?? "system";
  const show = () => { switcher.textContent = names[present()]; };
  switcher.hidden = false;
  switcher.addEventListener("click", () => {
    const next = themes[(themes.indexOf(present()) + 1) % themes.length];
    if (next === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      if (next === "system") localStorage.removeItem("theme");
      else localStorage.setItem("theme", next);
    } catch { /* it holds for this page then */ }
    show();
  });
  show();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  source.addEventListener("focus", () => source.select());
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.value);
      button.textContent = "Copied";
    } catch {
      source.focus();
    }
  });
}
