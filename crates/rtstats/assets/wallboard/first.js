// Runs before the first paint: the theme that was chosen, in the address or in this browser, so that none flashes.
"use strict";
{
  const root = document.documentElement;
  // A link for a wall screen is opened where its code is taken.
  if (location.hash.startsWith("#share=")) location.replace("/share" + location.hash);
  const asked = /[#?&]theme=(auto|light|dark)(?![^#&])/.exec(location.search + location.hash)?.[1];
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* storage may be closed to us */ }
  const theme = asked ?? kept;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
}
