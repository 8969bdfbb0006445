// Refreshes "Runs now" and the page of a running job every few seconds, with GET requests only.
// It pauses while the tab is hidden, and shows a message when a request fails.
"use strict";

(() => {
    const DEFAULT_PAUSE_MS = 3000;
    const MAX_PAUSE_MS = 60000;

    // Fetches `address()` until `show` returns false; `showStatus` displays a failure.
    function poll(address, accept, show, showStatus) {
        let pause = DEFAULT_PAUSE_MS;
        let timer = 0;

        async function ask() {
            timer = 0;
            let more = true;
            if (!document.hidden) {
                try {
                    const answer = await fetch(address(), {
                        credentials: "same-origin",
                        redirect: "error",
                        headers: { Accept: accept },
                    });
                    if (!answer.ok) throw new Error(String(answer.status));
                    more = await show(answer);
                    pause = DEFAULT_PAUSE_MS;
                } catch {
                    showStatus("not live; reload to see more");
                    pause = Math.min(pause * 2, MAX_PAUSE_MS);
                }
            }
            if (more) timer = window.setTimeout(ask, pause);
        }

        timer = window.setTimeout(ask, DEFAULT_PAUSE_MS);
        document.addEventListener("visibilitychange", () => {
            if (document.hidden || !timer) return;
            window.clearTimeout(timer);
            ask();
        });
    }

    function element(name, attributes, text) {
        const made = document.createElement(name);
        for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
        if (text !== undefined) made.textContent = text;
        return made;
    }

    // --- home: running jobs ---
    function pollRunningJobs(card) {
        const list = card.querySelector("[data-live-list]");
        const none = card.querySelector("[data-live-none]");
        const state = card.querySelector("[data-live-state]");

        function item(job) {
            const made = element("li", { "data-job": job.id });
            const link = element("a", { class: "gov-row-link", href: job.url });
            link.append(element("bdi", {}, job.title));
            made.append(
                link,
                element("progress", { class: "gov-meter", "aria-label": "Steps reported" }),
                element("small", {}),
            );
            return made;
        }

        async function show(answer) {
            const { jobs } = await answer.json();
            // Elements of jobs that still run are kept, so that they keep the focus.
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
            state.textContent = "live";
            return true;
        }

        const showStatus = (words) => { state.textContent = words; };
        poll(() => card.dataset.live, "application/json", show, showStatus);
    }

    // --- a job's page: its named parts ---
    function put(part, fresh) {
        // Restore the open folds and the focus after the replacement.
        const folds = new Map(Array.from(part.querySelectorAll("details[id]"), (fold) => [fold.id, fold.open]));
        const focused = part.contains(document.activeElement) ? document.activeElement : null;
        const selector = focused && (focused.getAttribute("href")
            ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]`
            : focused.closest("details[id]") && `#${CSS.escape(focused.closest("details[id]").id)} > ${focused.localName}`);
        part.replaceChildren(...fresh.childNodes);
        part.querySelectorAll("details[id]").forEach((fold) => {
            if (folds.has(fold.id)) fold.open = folds.get(fold.id);
        });
        const again = selector && part.querySelector(selector);
        if (again) again.focus({ preventScroll: true });
    }

    function pollJob(card) {
        const state = card.querySelector("[data-live-state]");

        function address() {
            const url = new URL(card.dataset.livePage, window.location.href);
            url.searchParams.set("seen", card.dataset.version);
            return url;
        }

        async function show(answer) {
            const page = new DOMParser().parseFromString(await answer.text(), "text/html");
            const news = page.querySelector("[data-live-answer]");
            news.querySelectorAll("[data-live-part]").forEach((fresh) => {
                put(document.querySelector(`[data-live-part="${fresh.dataset.livePart}"]`), fresh);
            });
            card.dataset.version = news.dataset.version;
            const over = "over" in news.dataset;
            showStatus(over ? `ended: ${news.dataset.summary}` : `live: ${news.dataset.summary}`);
            return !over;
        }

        function showStatus(words) {
            if (state.textContent !== words) state.textContent = words;
        }

        poll(address, "text/html", show, showStatus);
    }

    const runs = document.querySelector("[data-live]");
    const job = document.querySelector("[data-live-page]");
    if (runs) pollRunningJobs(runs);
    if (job) pollJob(job);
})();
