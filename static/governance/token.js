// The one page that shows a new token: selects it on focus, and copies it.
"use strict";

(() => {
    const field = document.querySelector("[data-secret]");
    const button = document.querySelector("[data-secret-copy]");
    const status = document.querySelector("[data-secret-status]");

    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
        field.focus();
        try {
            await navigator.clipboard.writeText(field.value);
            status.textContent = "Copied.";
        } catch {
            // Plain HTTP, or the browser would rather not: it is selected, the keys do the rest.
            status.textContent = "Selected; copy it with the keyboard.";
        }
    });
    button.hidden = false;
})();
