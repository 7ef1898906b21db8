// The colours of demos follow the theme chosen in the book, not that of the system.
(() => {
  const root = document.documentElement;
  const dark = ["navy", "coal", "ayu"];
  const follow = () => {
    const theme = dark.some((name) => root.classList.contains(name)) ? "dark" : "light";
    for (const demo of document.querySelectorAll("lowshot-demo")) {
      if (demo.getAttribute("theme") !== theme) demo.setAttribute("theme", theme);
    }
  };
  follow();
  new MutationObserver(follow).observe(root, { attributes: true, attributeFilter: ["class"] });
})();
