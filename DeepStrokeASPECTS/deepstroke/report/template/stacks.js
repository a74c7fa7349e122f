"use strict";
// A stack is a set of pictures that show the same slice; each <use data-of="NAME"> shows the picture NAME-NUMBER.
for (const stack of document.querySelectorAll("[data-stack]")) {
  const slider = stack.querySelector("input[type='range']");
  const where = stack.querySelector(".where");
  const stage = stack.querySelector(".stage");
  const numbers = stack.dataset.slices.split(" ").map(Number);
  const uses = [...stack.querySelectorAll("use[data-of]")];
  const thumbnails = [...document.querySelectorAll(`[data-shows='${stack.dataset.stack}']`)];

  const show = (index) => {
    const number = numbers[Math.min(Math.max(index, 0), numbers.length - 1)];
    for (const use of uses) use.setAttribute("href", `#${use.dataset.of}-${number}`);
    slider.value = numbers.indexOf(number);
    slider.setAttribute("aria-valuetext", `slice ${number}`);
    where.textContent = `Slice ${number} of ${stack.dataset.total}`;
    for (const one of thumbnails) one.setAttribute("aria-current", String(Number(one.dataset.slice) === number));
  };

  slider.addEventListener("input", () => show(Number(slider.value)));
  stage.tabIndex = 0;
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1, PageUp: 5, PageDown: -5 }[event.key];
    if (!step) return;
    event.preventDefault();
    show(Number(slider.value) + step);
  });
  stage.addEventListener("wheel", (event) => {
    if (!stage.contains(document.activeElement)) return;
    event.preventDefault();
    show(Number(slider.value) + (event.deltaY < 0 ? 1 : -1));
  }, { passive: false });
  for (const one of thumbnails) {
    one.addEventListener("click", () => {
      show(numbers.indexOf(Number(one.dataset.slice)));
      stack.scrollIntoView({ block: "nearest", behavior: "smooth" });
    });
  }
  stack.querySelector("input[type='checkbox']").addEventListener("change", (event) => {
    stage.classList.toggle("plain", !event.target.checked);
  });
  slider.max = numbers.length - 1;
  show(numbers.indexOf(Number(stack.dataset.first)));
}
