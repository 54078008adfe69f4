// The run as it is drawn: arrows, marks on the lines, and the spans of views, crashes and
// partitions, all computed once from the events.
export const topics = [
    "violation",
    "fault",
    "lie",
    "view",
    "recovery",
    "order",
    "answer",
    "timer",
    "dropped",
];
const exact = {
    executed: "order",
    applied: "order",
    checkpoint: "order",
    stable: "order",
    suspect: "view",
    mute: "fault",
    heal: "recovery",
    restart: "recovery",
    resume: "recovery",
    retry: "timer",
    garbled: "lie",
    liar: "lie",
    "liar broke": "lie",
};
function topicOf(what) {
    const [first = ""] = what.split(/[ :]/);
    if (exact[what] !== undefined)
        return exact[what];
    if (first === "view" || first === "answer" || first === "dropped")
        return first;
    if (first === "timeout")
        return "timer";
    if (first === "lie")
        return "lie";
    if (first === "transfer")
        return "recovery";
    return "fault";
}
/** Reads a page's document. */
export function modelOf(page) {
    const { events, parties } = page;
    const arrows = arrowsOf(events);
    const idle = idleRetries(arrows);
    const marks = events.flatMap((event, at) => markOf(event, at) ?? []);
    const numbered = marks
        .filter(({ what, party, atMs }) => what !== "retry" || !idle.has(`${party} ${atMs}`))
        .map((mark, index) => ({ ...mark, index }));
    const counts = new Map();
    for (const { kind } of arrows)
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const last = Math.max(1e-3, page.endMs, events.at(-1)?.atMs ?? 0);
    return {
        page,
        parties,
        arrows,
        marks: numbered,
        spans: parties.flatMap((party, number) => party.isReplica ? spansOf(number, party.lies, numbered, last) : []),
        cuts: cutsOf(numbered),
        kinds: [...counts].sort(([, a], [, b]) => b - a).map(([kind]) => kind),
        endMs: last,
    };
}
/** Parties and times at which only messages were sent that are left out. */
function idleRetries(arrows) {
    const idle = new Set();
    for (const { from, sentMs, fate } of arrows) {
        if (fate === "left out")
            idle.add(`${from} ${sentMs}`);
    }
    for (const { from, sentMs, fate } of arrows) {
        if (fate !== "left out")
            idle.delete(`${from} ${sentMs}`);
    }
    return idle;
}
function markOf(event, at) {
    if (event.kind === "happened") {
        const { what, details, atMs, at: party, facts } = event;
        return { topic: topicOf(what), what, details, atMs, party, facts, at };
    }
    if (event.kind === "violated") {
        const { property, message, atMs, at: party } = event;
        const what = `violated: ${property}`;
        return { topic: "violation", what, details: message, atMs, party, facts: {}, at };
    }
    return null;
}
function arrowsOf(events) {
    const received = new Map();
    events.forEach((event, at) => {
        if (event.kind !== "received")
            return;
        const times = received.get(event.id) ?? [];
        times.push({ atMs: event.atMs, at });
        received.set(event.id, times);
    });
    const arrows = [];
    events.forEach((event, sentAt) => {
        if (event.kind !== "sent")
            return;
        const { id, from, to, atMs: sentMs, text, name, bytes, message } = event;
        const [kind = "garbage"] = message === null ? [] : text.split("(");
        const common = { id, kind, from, to, sentMs, text, name, bytes, message, sentAt };
        const arrivals = received.get(id) ?? [];
        for (const { atMs, at } of arrivals) {
            const index = arrows.length;
            arrows.push({ ...common, index, fate: "carried", receivedMs: atMs, receivedAt: at });
        }
        if (arrivals.length > 0)
            return;
        const fate = event.fate === "carried" ? "not taken" : event.fate;
        arrows.push({ ...common, index: arrows.length, fate, receivedMs: null, receivedAt: -1 });
    });
    return arrows;
}
const ends = {
    crash: "down",
    broke: "down",
    pause: "paused",
};
function spansOf(party, lies, marks, endMs) {
    const spans = [];
    let current = {
        party,
        fromMs: 0,
        untilMs: endMs,
        view: 0,
        status: lies ? "lying" : "established",
    };
    const change = (fromMs, view, status) => {
        if (fromMs > current.fromMs)
            spans.push({ ...current, untilMs: fromMs });
        current = { party, fromMs, untilMs: endMs, view, status };
    };
    let before = current.status;
    for (const { what, party: at, atMs, facts } of marks) {
        if (at !== party)
            continue;
        const gone = ends[what];
        if (gone !== undefined) {
            if (current.status !== "down" && current.status !== "paused")
                before = current.status;
            change(atMs, current.view, gone);
            const forMs = facts["forMs"];
            if (what === "pause" && typeof forMs === "number")
                change(atMs + forMs, current.view, before);
        }
        else if (what === "restart" || what === "resume") {
            change(atMs, current.view, before === "changing" ? "changing" : before);
        }
        else if (what === "view established" || what === "view changing") {
            const status = what === "view changing" ? "changing" : "established";
            change(atMs, Number(facts["view"]), status);
            before = status;
        }
    }
    return [...spans, current];
}
function cutsOf(marks) {
    return marks.flatMap(({ what, atMs, facts }) => {
        const untilMs = facts["untilMs"];
        if (typeof untilMs !== "number")
            return [];
        return { what, fromMs: atMs, untilMs, links: String(facts["links"] ?? "") };
    });
}
/** What led to a message being sent: what its sender took last before, all of that moment. */
export function causesOf(model, arrow) {
    const heard = model.arrows.filter(({ to, receivedAt }) => to === arrow.from && receivedAt >= 0 && receivedAt < arrow.sentAt);
    const latest = heard.reduce((most, { receivedMs }) => Math.max(most, receivedMs ?? 0), -1);
    return heard.filter(({ receivedMs }) => receivedMs === latest).slice(-8);
}
/** What its receiver sent between taking it and taking the next. */
export function effectsOf(model, arrow) {
    if (arrow.receivedMs === null)
        return [];
    const next = model.arrows.reduce((least, { to, receivedAt, receivedMs }) => to === arrow.to && receivedAt > arrow.receivedAt && receivedMs > arrow.receivedMs
        ? Math.min(least, receivedAt)
        : least, Number.POSITIVE_INFINITY);
    return model.arrows
        .filter(({ from, sentAt }) => from === arrow.to && sentAt > arrow.receivedAt && sentAt < next)
        .slice(0, 24);
}
//# sourceMappingURL=model.js.map