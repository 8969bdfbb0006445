// Keeps "Runs now" fresh: asks every few seconds, changes nothing, and says when it cannot.
"use strict";

(() => {
    const card = document.querySelector("[data-live]");
    if (!card) return;
    const list = card.querySelector("[data-live-list]");
    const none = card.querySelector("[data-live-none]");
    const state = card.querySelector("[data-live-state]");
    const USUAL = 3000;
    const LONGEST = 60000;
    let pause = USUAL;

    function element(name, attributes, text) {
        const made = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
        if (text !== undefined) made.textContent = text;
        return made;
    }

    function item(job) {
        const made = element("li", { "data-job": job.id });
        made.append(
            element("a", { class: "gov-row-link", href: job.url }, job.title),
            element("progress", { class: "gov-meter", "aria-label": "Steps reported" }),
            element("small", {}),
        );
        return made;
    }

    function show(jobs) {
        // Items that stay keep their place in the page, and with it the reader's focus.
        const known = new Map(Array.from(list.children, (made) => [made.dataset.job, made]));
        const items = jobs.map((job) => known.get(job.id) || item(job));
        Array.from(list.children).filter((made) => !items.includes(made)).forEach((made) => made.remove());
        items.forEach((made, index) => {
            const job = jobs[index];
            const meter = made.querySelector("progress");
            const words = made.querySelector("small");
            meter.max = job.total;
            meter.value = job.done;
            words.textContent = job.words;
            words.className = job.is_lost ? "gov-bad" : "";
            if (list.children[index] !== made) list.insertBefore(made, list.children[index] || null);
        });
        none.hidden = jobs.length > 0;
    }

    async function ask() {
        if (!document.hidden) {
            try {
                const answer = await fetch(card.dataset.live, {
                    credentials: "same-origin",
                    redirect: "error",
                    headers: { Accept: "application/json" },
                });
                if (!answer.ok) throw new Error(String(answer.status));
                show((await answer.json()).jobs);
                state.textContent = "live";
                pause = USUAL;
            } catch {
                state.textContent = "not live; reload to see more";
                pause = Math.min(pause * 2, LONGEST);
            }
        }
        window.setTimeout(ask, pause);
    }

    window.setTimeout(ask, USUAL);
})();
