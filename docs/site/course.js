// A printed page has no folds, and a box that scrolls is reached by keyboard.
addEventListener("beforeprint", () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
});
addEventListener("DOMContentLoaded", () => {
  for (const [box, name] of [[".sidebar-drawer", "Site"], [".toc-drawer", "Page"]])
    document.querySelector(box)?.setAttribute("aria-label", name);
  const boxes = ".highlight pre, .table-wrapper, .output, .formula.block";
  const reach = () => {
    for (const box of document.querySelectorAll(boxes))
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  };
  reach();
  addEventListener("resize", reach);
});
