// The trace page around its program: markup and style. Light and dark follow the system; the policy
// in the head keeps the page from asking any network for anything.

const style = `
:root {
  color-scheme: light dark;
  --background: #ffffff; --panel: #f6f8fa; --text: #1c2128; --faint: #6b7480; --line: #dbe0e6;
  --accent: #1f6feb; --bad: #cf222e; --good: #1a7f37; --lie: #8250df; --view: #9a6700;
}
@media (prefers-color-scheme: dark) {
  :root {
    --background: #0f1319; --panel: #171c24; --text: #e2e8f0; --faint: #8b96a5; --line: #2a323d;
    --accent: #6cb0ff; --bad: #ff6b6b; --good: #56d07a; --lie: #c79bff; --view: #e3b341;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body {
  margin: 0; height: 100dvh; display: grid; background: var(--background); color: var(--text);
  font: 13px/1.45 system-ui, sans-serif; grid-template: auto auto 1fr / 1fr 330px;
  grid-template-areas: "head head" "controls controls" "stage side";
}
header { grid-area: head; padding: 10px 16px 8px; border-bottom: 1px solid var(--line); }
.headline { display: flex; flex-wrap: wrap; gap: 4px 18px; align-items: baseline; }
h1 { font-size: 16px; margin: 0; }
h2 { font-size: 12px; margin: 0 0 6px; color: var(--faint); font-weight: 600; }
h3 { font-size: 12px; margin: 14px 0 4px; color: var(--faint); font-weight: 600; }
p { margin: 4px 0; }
#outcome { overflow-wrap: anywhere; max-height: 5.8em; overflow-y: auto; }
#outcome.good { color: var(--good); }
#outcome.bad, #outcome.bad b { color: var(--bad); }
.about { display: flex; flex-wrap: wrap; gap: 8px 40px; padding: 8px 0 2px; max-height: 34dvh;
  overflow-y: auto; }
.about > div { max-width: 640px; }
.about ul { margin: 0; padding-left: 18px; }
dl.fields, #subject { display: grid; grid-template-columns: max-content 1fr; gap: 1px 10px;
  margin: 0; align-content: start; }
dt { color: var(--faint); }
dd { margin: 0; overflow-wrap: anywhere; }
dd > div { display: grid; }
code, .mono { font: 12px/1.45 ui-monospace, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.faint { color: var(--faint); }
summary { cursor: pointer; color: var(--faint); }
#controls { grid-area: controls; padding: 6px 16px; border-bottom: 1px solid var(--line);
  background: var(--panel); }
#controls > summary { display: none; }
.bar { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; }
.bar .push { margin-left: auto; }
#numbers { display: contents; }
#chips { max-height: 132px; overflow-y: auto; }
.row { display: flex; flex-wrap: wrap; gap: 4px; align-items: center; margin-top: 5px; }
.row > span { width: 66px; font-size: 12px; }
button, input, select {
  font: inherit; color: inherit; background: var(--background); border: 1px solid var(--line);
  border-radius: 6px; padding: 2px 8px;
}
button { cursor: pointer; }
button:hover { border-color: var(--faint); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.chip { display: inline-flex; gap: 5px; align-items: center; padding: 0 8px 0 6px;
  border-radius: 20px; font-size: 12px; user-select: none; }
.chip i { width: 9px; height: 9px; border-radius: 3px; background: var(--colour); }
.chip[aria-pressed="false"] { opacity: 0.5; text-decoration: line-through; }
.chip[aria-pressed="false"] i { background: none; border: 1px solid var(--faint); }
main { grid-area: stage; min-width: 0; min-height: 0; display: grid; grid-template-rows: 1fr 44px;
  position: relative; }
canvas { display: block; width: 100%; height: 100%; touch-action: none; }
#diagram { min-height: 0; cursor: crosshair; }
#overview { border-top: 1px solid var(--line); cursor: ew-resize; }
.frame { position: relative; min-height: 0; min-width: 0; overflow: hidden; }
.frame canvas { position: absolute; inset: 0; }
#tooltip { position: absolute; pointer-events: none; max-width: min(430px, 92%); padding: 6px 9px;
  background: var(--panel); border: 1px solid var(--line); border-radius: 8px; font-size: 12px;
  box-shadow: 0 4px 18px rgb(0 0 0 / 0.22); z-index: 2; overflow-wrap: anywhere; }
aside { grid-area: side; border-left: 1px solid var(--line); display: grid; min-height: 0;
  grid-template-rows: minmax(0, 1fr) minmax(0, 1fr); }
aside section { padding: 10px 14px; overflow-y: auto; overscroll-behavior: contain; }
aside section + section { border-top: 1px solid var(--line); }
.links { list-style: none; padding: 0; margin: 0; }
.links button, .event { display: block; width: 100%; text-align: left; border: 0; padding: 2px 4px;
  background: none; border-radius: 4px; }
.links button:hover, .event:hover, .event.selected { background: var(--panel); }
.event.selected { outline: 1px solid var(--accent); }
.event { display: grid; grid-template-columns: 58px 24px 1fr; gap: 6px; font-size: 12px;
  content-visibility: auto; contain-intrinsic-height: 22px; }
.event .when { text-align: right; color: var(--faint); font-variant-numeric: tabular-nums; }
.event .who { color: var(--faint); }
.event .what { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.event b { font-weight: 600; }
.event.fault b, .event.violation b { color: var(--bad); }
.event.lie b { color: var(--lie); }
.event.view b { color: var(--view); }
.event.recovery b { color: var(--accent); }
ol { padding-left: 20px; margin: 2px 0; }
@media (max-width: 760px) {
  body { height: auto; display: block; }
  main { height: 62dvh; }
  aside { border: 0; display: block; }
  aside section { max-height: 50dvh; border-top: 1px solid var(--line); }
  header, #controls { padding-left: 10px; padding-right: 10px; }
  #controls > summary { display: block; }
  .row > span { width: 100%; }
  input { width: 96px; }
  .about { max-height: none; }
}
`;

const body = `
<header>
  <div class="headline"><h1 id="title"></h1><div id="outcome"></div></div>
  <details>
    <summary>what was simulated, its faults, and how to replay it</summary>
    <div class="about">
      <div><h2>Simulated</h2><dl id="subject"></dl></div>
      <div><h2>The plan</h2><ul id="faults"></ul></div>
      <div><h2>Replay, the same to the bit</h2><code id="command"></code></div>
      <div><h2>Reading the diagram</h2>
        <p>Time runs to the right; each line is a replica or a client, and each arrow a message.
        A band's colour is the view; hatched: changing views; dotted: down. Arrows that end in a
        bar met a blocked link, in a cross they were lost or nobody took them. Squares are executed
        orders, diamonds checkpoints (filled: stable), ticks answers, open triangles timers.</p>
        <p>Wheel or pinch zooms, dragging moves. Keys: ← → + −, f all, n and p the next and the
        last important event, / search, Esc lets go.</p></div>
    </div>
  </details>
</header>
<details id="controls" open>
  <summary>filters and legend</summary>
  <div class="bar">
    <input id="text" type="search" placeholder="find in messages" aria-label="find in messages">
    <span id="numbers"></span>
    <span id="count" class="faint"></span>
    <span class="push"></span>
    <select id="scale" aria-label="scale of time">
      <option value="even">silences short</option><option value="time">true time</option>
    </select>
    <button id="before" type="button" title="previous important event (p)">‹ event</button>
    <button id="after" type="button" title="next important event (n)">event ›</button>
    <button id="farther" type="button" title="see more (-)">−</button>
    <button id="closer" type="button" title="see less (+)">+</button>
    <button id="fit" type="button" title="see all (f)">all</button>
  </div>
  <div id="chips"></div>
</details>
<main>
  <div class="frame"><canvas id="diagram"></canvas><div id="tooltip" hidden></div></div>
  <div class="frame"><canvas id="overview" aria-label="the whole run"></canvas></div>
</main>
<aside>
  <section><h2>Selection</h2><div id="selection">
    <p class="faint">Click an arrow or a sign to keep it here.</p></div></section>
  <section><h2>Important events</h2><div id="events"></div></section>
</aside>
`;

const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'";

/** The whole page: needs no network and no other file. */
export function shell(title: string, data: unknown, program: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>${escapeText(title)}</title>
<style>${style}</style>
</head>
<body>${body}<script type="application/json" id="run">${jsonInPage(data)}</script>
<script type="module">
${program}
</script>
</body>
</html>
`;
}

const escapeText = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** JSON that ends no script early, whatever the run's bytes say. */
export function jsonInPage(data: unknown): string {
  return JSON.stringify(data).replaceAll("<", "\\u003c");
}
