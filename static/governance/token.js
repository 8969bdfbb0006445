// The page that shows a new token: selects the token on focus, and copies it to the clipboard.
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
            // Browsers forbid the clipboard on plain HTTP, so the reader copies the selected text.
            status.textContent = "Selected; copy it with the keyboard.";
        }
    });
    button.hidden = false;
})();
