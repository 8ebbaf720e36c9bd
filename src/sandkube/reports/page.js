"use strict";
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));

  // Paper cannot be clicked on: what is folded is printed unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const details of folded) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of folded) details.open = false;
  });

  const form = document.getElementById("filters");
  if (!form) return;
  const main = document.getElementById("findings");
  const text = document.getElementById("text");
  const keys = document.getElementById("keys");
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const boxes = all("[name=severity]");
  const choices = all("#filters select");
  const files = all(".file");
  const findings = all(".finding");
  const words = new Map(); // what each finding says, in small letters; made when it is first searched
  const number = new Intl.NumberFormat("en");

  const wordsOf = (finding) => {
    if (!words.has(finding)) {
      words.set(finding, `${finding.textContent} ${finding.dataset.file}`.toLowerCase());
    }
    return words.get(finding);
  };

  const severities = () => boxes.filter((box) => box.checked).map((box) => box.value);

  function show() {
    const allowed = severities();
    const chosen = choices.filter((choice) => choice.value);
    const sought = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const finding of findings) {
      const fits =
        allowed.includes(finding.dataset.severity) &&
        chosen.every((choice) => finding.dataset[choice.name] === choice.value) &&
        sought.every((word) => wordsOf(finding).includes(word));
      finding.hidden = !fits;
      if (fits) shown += 1;
    }
    for (const file of files) file.hidden = !file.querySelector(".finding:not([hidden])");
    none.hidden = shown > 0;
    const total = number.format(findings.length);
    const noun = findings.length === 1 ? "finding" : "findings";
    count.textContent =
      shown === findings.length ? `${total} ${noun}` : `${number.format(shown)} of ${total} ${noun}`;
  }

  // The fragment holds the filters, so that an address can be passed on. Ids of elements have no `=` in them.
  function remember() {
    const state = new URLSearchParams();
    const allowed = severities();
    if (allowed.length < boxes.length) state.set("severity", allowed.join() || "none");
    for (const choice of choices) if (choice.value) state.set(choice.name, choice.value);
    if (text.value) state.set("text", text.value);
    if (!keys.checked) state.set("keys", "off");
    const fragment = state.toString();
    const address = location.href.split("#")[0];
    try {
      history.replaceState(null, "", fragment ? `${address}#${fragment}` : address);
    } catch {
      // A page in a frame of somebody else's may have no history; the filters work without.
    }
  }

  function recall() {
    const fragment = location.hash.slice(1);
    if (fragment && !fragment.includes("=")) return;
    const state = new URLSearchParams(fragment);
    const allowed = state.get("severity")?.split(",");
    for (const box of boxes) box.checked = !allowed || allowed.includes(box.value);
    for (const choice of choices) {
      choice.value = state.get(choice.name) ?? "";
      if (choice.selectedIndex < 0) choice.value = "";
    }
    text.value = state.get("text") ?? "";
    keys.checked = state.get("keys") !== "off";
    show();
  }

  function filter() {
    show();
    remember();
  }

  let waiting = 0;
  text.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 120);
  });
  form.addEventListener("change", filter);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    filter();
  });
  document.getElementById("clear").addEventListener("click", () => {
    for (const box of boxes) box.checked = true;
    for (const choice of choices) choice.value = "";
    text.value = "";
    filter();
  });
  addEventListener("hashchange", recall);
  document.getElementById("skip").addEventListener("click", (event) => {
    event.preventDefault(); // it would take the place of the filters in the address
    main.focus();
  });

  let last = null; // the finding that was gone to before
  main.addEventListener("focusin", (event) => {
    last = event.target.closest(".finding") ?? last;
  });

  function go(step) {
    const shown = findings.filter((finding) => !finding.hidden);
    if (!shown.length) return;
    const at = shown.indexOf(last);
    const to = at < 0 ? (step > 0 ? 0 : shown.length - 1) : at + step;
    shown[Math.min(Math.max(to, 0), shown.length - 1)].focus();
  }

  function unfold(finding) {
    const details = finding?.querySelector("details");
    if (details) details.open = !details.open;
  }

  const isTyping = (element) => element.matches("input:not([type=checkbox]), select, textarea");

  // What a key does; whether it did something. Arrows scroll, but for who has gone to a finding.
  function press(key, element) {
    const finding = element.closest(".finding");
    const onFinding = finding === element;
    if (onFinding && (key === "ArrowDown" || key === "ArrowUp")) go(key === "ArrowDown" ? 1 : -1);
    else if (onFinding && key === "Enter") unfold(finding);
    else if (!keys.checked) return false;
    else if (key === "j" || key === "k") go(key === "j" ? 1 : -1);
    else if (key === "o" && finding) unfold(finding);
    else if (key === "/") text.focus();
    else return false;
    return true;
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return;
    const element = event.target instanceof Element ? event.target : document.body;
    if (element === text && event.key === "Escape" && !text.value) main.focus();
    if (isTyping(element)) return;
    if (press(event.key, element)) event.preventDefault();
  });

  form.hidden = false;
  recall();
})();
