// Keyboard shortcuts of the review queue. They move the focus and follow links; none decides.
"use strict";

(() => {
    const rows = Array.from(document.querySelectorAll("[data-queue-row]"));
    const links = rows.map((row) => row.querySelector(".gov-row-link"));
    const keys = document.querySelector("[data-queue-keys]");
    const search = document.querySelector("[data-queue-search]");
    let current = -1;

    function moveTo(index) {
        if (!rows.length) return;
        current = Math.max(0, Math.min(rows.length - 1, index));
        links[current].focus();
        rows[current].scrollIntoView({ block: "nearest" });
    }

    function follow(address) {
        if (address) window.location.assign(address);
    }

    function followPage(relation) {
        const link = document.querySelector(`.gov-pages a[rel="${relation}"]`);
        if (link) link.click();
    }

    function decide(kind) {
        if (current >= 0) follow(rows[current].dataset[kind]);
    }

    const does = {
        j: () => moveTo(current + 1),
        k: () => moveTo(current < 0 ? 0 : current - 1),
        a: () => decide("approve"),
        r: () => decide("reject"),
        c: () => decide("clarify"),
        m: () => decide("modify"),
        n: () => followPage("next"),
        p: () => followPage("prev"),
        "/": () => search && search.focus(),
        "?": () => keys && !keys.open && keys.showModal(),
    };

    links.forEach((link, index) => {
        link.addEventListener("focus", () => {
            rows.forEach((row, other) => row.toggleAttribute("data-current", other === index));
            current = index;
        });
    });

    document.addEventListener("keydown", (event) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
        const typing = event.target.closest("input, textarea, select, [contenteditable]");
        if (typing) {
            if (event.key === "Escape") typing.blur();
            return;
        }
        if (document.querySelector("dialog[open]")) return;
        if (event.key === "Enter") {
            // A focused link or button handles Enter itself.
            if (current >= 0 && event.target === document.body) follow(links[current].href);
            return;
        }
        const action = does[event.key];
        if (action) {
            event.preventDefault();
            action();
        }
    });

    const help = document.querySelector("[data-queue-help]");
    if (help) help.addEventListener("click", () => keys.showModal());
})();
