"use strict";
// The reader's judgement: overrides with an audit trail, the score that follows, saving and loading.
// It counts as deepstroke.report.judgement does.
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const shared = (globalThis.deepstroke = { facts });
  const FORMAT = "deepstroke-review";
  const table = document.getElementById("judgement");
  if (!table) return;
  const dialog = document.getElementById("override");
  const selects = [...document.querySelectorAll("select[data-subject]")];
  const audit = [];
  let saved = 0;

  const computedOf = new Map(facts.regions.map((entry) => [`${entry.side} ${entry.region}`, entry.status]));
  computedOf.set("affected side", facts.aspects.side ?? "none");
  if (facts.aspects.withheld.length) computedOf.set("total", "withheld");
  const now = new Map(computedOf);

  const allowed = (subject) =>
    subject === "affected side" ? ["left", "right", "none"] : subject === "total" ? ["given", "withheld"] : facts.choices;
  const say = (status) => facts.words[status] ?? status;

  function totals(judged) {
    const sides = { left: count(judged, "left"), right: count(judged, "right") };
    const withheld = judged.get("total") === "withheld";
    const side = affected(judged, sides);
    const lower = (sides.left.score ?? Infinity) < (sides.right.score ?? Infinity) ? "left" : "right";
    const one = side === "none" ? sides[lower] : sides[side];
    const shown = (value) => (withheld ? null : value);
    return {
      side: side === "none" ? null : side,
      score: shown(one.score), lowest: shown(one.lowest),
      left: shown(sides.left.score), right: shown(sides.right.score),
      lowest_left: shown(sides.left.lowest), lowest_right: shown(sides.right.lowest),
    };
  }

  function count(judged, side) {
    const all = facts.regions.filter((entry) => entry.side === side).map((entry) => judged.get(`${side} ${entry.region}`));
    const unknown = all.filter((status) => status === "not-assessable").length;
    const involved = all.filter((status) => status === "involved").length;
    if (!all.length || all.includes("not-scored") || unknown === all.length) return { score: null, lowest: null, involved };
    return { score: facts.full - involved, lowest: facts.full - involved - unknown, involved };
  }

  // A side that was named, by the user or by the reader, stays; the computed one as long as it has an involved region.
  function affected(judged, sides) {
    const chosen = judged.get("affected side");
    if (facts.aspects.side_given || chosen !== computedOf.get("affected side")) return chosen;
    if (sides[chosen]?.involved) return chosen;
    if (!sides.left.involved && !sides.right.involved) return "none";
    return sides.left.involved > sides.right.involved ? "left" : "right";
  }

  const figure = (score, lowest) => (score === null ? "–" : lowest === score ? String(score) : `${lowest} to ${score}`);

  function render() {
    const sum = totals(now);
    document.getElementById("score-left").textContent = figure(sum.left, sum.lowest_left);
    document.getElementById("score-right").textContent = figure(sum.right, sum.lowest_right);
    document.getElementById("score-affected").textContent = figure(sum.score, sum.lowest);
    document.getElementById("affected-words").textContent = sum.side ? `patient's ${sum.side}` : "neither side";
    for (const select of selects) {
      const status = now.get(select.dataset.subject);
      select.value = status;
      const cell = select.closest("[data-status]");
      cell.dataset.status = status;
      cell.classList.toggle("changed", status !== computedOf.get(select.dataset.subject));
      cell.querySelector(".said").textContent = say(status);
    }
    renderAudit();
    const unsaved = audit.length - saved;
    document.getElementById("review-state").textContent = !audit.length
      ? "As computed, no reader's change."
      : `${audit.length} reader's change${audit.length > 1 ? "s" : ""}${unsaved ? `, ${unsaved} not saved` : ", saved"}.`;
    document.getElementById("save-review").disabled = !audit.length;
    document.dispatchEvent(new CustomEvent("judged"));
  }

  function renderAudit() {
    const body = document.querySelector("#audit tbody");
    document.getElementById("audit").hidden = !audit.length;
    body.replaceChildren(...audit.map((entry) => {
      const row = document.createElement("tr");
      const when = new Date(entry.when).toLocaleString();
      for (const text of [when, entry.who, entry.subject, say(entry.from), say(entry.to), entry.why]) {
        row.appendChild(document.createElement("td")).textContent = text;
      }
      return row;
    }));
  }

  // Asks who changes what for what reason; without both, nothing changes.
  function ask(subject, to) {
    const from = now.get(subject);
    const who = document.getElementById("override-who");
    const why = document.getElementById("override-why");
    document.getElementById("override-what").textContent = `${subject}: from ${say(from)} to ${say(to)}`;
    why.value = "";
    dialog.dataset.subject = subject;
    dialog.dataset.to = to;
    dialog.showModal();
    (who.value ? why : who).focus();
  }

  function accept() {
    const who = document.getElementById("override-who");
    const why = document.getElementById("override-why");
    for (const field of [who, why]) {
      field.value = field.value.trim();
      if (!field.reportValidity()) return;
    }
    const { subject, to } = dialog.dataset;
    audit.push({ when: new Date().toISOString(), who: who.value, subject, from: now.get(subject), to, why: why.value });
    now.set(subject, to);
    dialog.close();
    render();
  }

  function review() {
    const regions = facts.regions.map(({ region, side }) => {
      const subject = `${side} ${region}`;
      return { region, side, computed: computedOf.get(subject), reviewed: now.get(subject) };
    });
    const { side, score, left, right, lowest } = totals(now);
    return {
      format: FORMAT, version: 1, report: facts.report, saved: new Date().toISOString(),
      aspects: { side, score, left, right, lowest }, regions, audit,
    };
  }

  function save() {
    const blob = new Blob([JSON.stringify(review(), null, 2) + "\n"], { type: "application/json" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `aspects-review-${facts.report.id}.json`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    saved = audit.length;
    render();
  }

  // Replays the changes of a saved review one by one, so that a file that doesn't add up is refused whole.
  function replay(file) {
    if (file?.format !== FORMAT || file.version !== 1) throw new Error("This is no DeepStroke review of version 1.");
    if (file.report?.id !== facts.report.id) throw new Error("This review belongs to another result.");
    if (!Array.isArray(file.audit)) throw new Error("This review has no audit trail.");
    const judged = new Map(computedOf);
    const entries = file.audit.map((entry, index) => {
      const text = ["when", "who", "subject", "from", "to", "why"].map((key) => entry?.[key]);
      const valid = text.every((value) => typeof value === "string" && value.trim() && value.length <= 500);
      const follows = valid && !Number.isNaN(Date.parse(entry.when)) && judged.get(entry.subject) === entry.from;
      if (!follows || !allowed(entry.subject).includes(entry.to)) {
        throw new Error(`Change ${index + 1} of this review doesn't follow from the ones before it.`);
      }
      judged.set(entry.subject, entry.to);
      const { when, who, subject, from, to, why } = entry;
      return { when, who, subject, from, to, why };
    });
    if (file.aspects?.score !== totals(judged).score) throw new Error("The score of this review doesn't follow from its changes.");
    return { entries, judged };
  }

  async function load(file) {
    const message = document.getElementById("review-message");
    if (audit.length > saved && !confirm("The changes made here are not saved. Load the file and lose them?")) return;
    try {
      if (file.size > 1e6) throw new Error("This file is too large for a review.");
      const { entries, judged } = replay(JSON.parse(await file.text()));
      audit.splice(0, audit.length, ...entries);
      for (const [subject, status] of judged) now.set(subject, status);
      saved = audit.length;
      message.textContent = `Loaded ${file.name}.`;
    } catch (error) {
      message.textContent = error instanceof SyntaxError ? "This file holds no JSON. Nothing was changed." : `${error.message} Nothing was changed.`;
    }
    render();
  }

  for (const select of selects) {
    select.disabled = false;
    select.addEventListener("change", () => ask(select.dataset.subject, select.value));
  }
  dialog.addEventListener("close", render); // also closed by the Escape key
  document.getElementById("override-confirm").addEventListener("click", accept);
  document.getElementById("override-cancel").addEventListener("click", () => { dialog.close(); render(); });
  document.getElementById("save-review").addEventListener("click", save);
  const chooser = document.getElementById("load-review");
  chooser.addEventListener("change", () => {
    if (chooser.files.length) load(chooser.files[0]).then(() => { chooser.value = ""; });
  });
  document.getElementById("print").addEventListener("click", () => globalThis.print());
  addEventListener("beforeunload", (event) => {
    if (audit.length > saved) event.preventDefault();
  });
  document.body.classList.add("scripted");
  shared.statusOf = (side, region) => now.get(`${side} ${region}`);
  shared.say = say;
  render();
})();
