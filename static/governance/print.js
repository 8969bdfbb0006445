// Opens the browser's print dialog from a button.
"use strict";

document.querySelectorAll("[data-print]").forEach((button) => {
    button.addEventListener("click", () => window.print());
});
