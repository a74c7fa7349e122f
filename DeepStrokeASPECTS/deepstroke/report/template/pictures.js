"use strict";
(() => {
  const viewer = document.getElementById("viewer");
  const stage = viewer.querySelector(".stage");
  const picture = stage.querySelector("svg");
  const slider = document.getElementById("slider");
  const where = document.getElementById("where");
  const pointed = document.getElementById("pointed");
  const numbers = viewer.dataset.slices.split(" ").map(Number);
  const total = where.textContent.split(" of ")[1];
  const [grey, lines] = picture.querySelectorAll("use");
  // The outlines are copied into the viewer, for a <use> can't tell which of its parts is pointed at.
  let outlines = lines;

  function show(index) {
    const number = numbers[Math.min(Math.max(index, 0), numbers.length - 1)];
    grey.setAttribute("href", `#ct-${number}`);
    const copy = document.getElementById(`outlines-${number}`).cloneNode(true);
    copy.removeAttribute("id");
    outlines.replaceWith(copy);
    outlines = copy;
    slider.value = numbers.indexOf(number);
    slider.setAttribute("aria-valuetext", `slice ${number}`);
    where.textContent = `Slice ${number} of ${total}`;
    picture.setAttribute("aria-label", `Axial slice ${number}`);
    for (const button of document.querySelectorAll(".overview [data-slice]")) {
      button.setAttribute("aria-current", String(Number(button.dataset.slice) === number));
    }
    point(null);
  }

  function point(path) {
    for (const marked of document.querySelectorAll(".pointed")) marked.classList.remove("pointed");
    pointed.textContent = "";
    if (!path) return;
    path.classList.add("pointed");
    const row = document.querySelector(`.regions tr[data-region="${path.dataset.region}"]`);
    if (row) row.classList.add("pointed");
    pointed.textContent = `${path.dataset.region}, patient's ${path.dataset.side}`;
  }

  slider.addEventListener("input", () => show(Number(slider.value)));
  picture.addEventListener("pointerover", (event) => point(event.target.closest("path[data-region]")));
  picture.addEventListener("pointerleave", () => point(null));
  stage.tabIndex = 0;
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 5, PageDown: -5 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Number(slider.value) + step);
  });
  stage.addEventListener("wheel", (event) => {
    if (document.activeElement !== stage) return;
    event.preventDefault();
    show(Number(slider.value) + (event.deltaY < 0 ? 1 : -1));
  }, { passive: false });
  for (const button of document.querySelectorAll("button[data-slice]")) {
    button.addEventListener("click", () => {
      show(numbers.indexOf(Number(button.dataset.slice)));
      viewer.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
  }
  document.getElementById("show-outlines").addEventListener("change", (event) => {
    stage.classList.toggle("plain", !event.target.checked);
  });
  document.getElementById("show-names").addEventListener("change", (event) => {
    stage.style.setProperty("--names", event.target.checked ? "visible" : "hidden");
  });
  show(numbers.indexOf(Number(where.textContent.split(" ")[1])));
})();
