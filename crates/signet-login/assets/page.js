// Nothing on the pages needs this script: it adds a button that shows a password,
// keeps a form from being sent twice, and puts times into the reader's own zone.
"use strict";

for (const field of document.querySelectorAll("input[data-show]")) {
  const button = document.createElement("button");
  const reveal = (shown) => {
    field.type = shown ? "text" : "password";
    button.textContent = shown ? field.dataset.hide : field.dataset.show;
    button.setAttribute("aria-label", shown ? field.dataset.hideLabel : field.dataset.showLabel);
  };
  button.type = "button";
  button.className = "reveal";
  button.setAttribute("aria-controls", field.id);
  button.addEventListener("click", () => {
    reveal(field.type === "password");
    field.focus();
  });
  // A field sent as plain text would be offered again by the browser's history of entries.
  field.form.addEventListener("submit", () => reveal(false));
  reveal(false);
  field.spellcheck = false;
  field.autocapitalize = "none";
  field.after(button);
}

for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("aria-busy")) {
      event.preventDefault();
    }
    form.setAttribute("aria-busy", "true");
    // An answer that never comes must not lock the form for good.
    setTimeout(() => form.removeAttribute("aria-busy"), 8000);
  });
  // Back from the next page, the form is as it was.
  window.addEventListener("pageshow", () => form.removeAttribute("aria-busy"));
}

for (const time of document.querySelectorAll("time[datetime]")) {
  const moment = new Date(time.dateTime);
  if (!Number.isNaN(moment.getTime())) {
    time.title = time.textContent;
    time.textContent = moment.toLocaleString(document.documentElement.lang, {
      dateStyle: "long",
      timeStyle: "medium",
    });
  }
}
