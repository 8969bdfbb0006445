// Hides the text field of a value whose kind has no text. Without JavaScript it is always shown.
"use strict";

(() => {
    const withText = ["text", "number", "texts", "numbers"];
    document.querySelectorAll("[data-typed-value]").forEach((value) => {
        const kind = value.querySelector("select");
        const text = value.querySelector("[data-typed-text]");
        const show = () => { text.hidden = !withText.includes(kind.value); };
        kind.addEventListener("change", show);
        show();
    });
})();
