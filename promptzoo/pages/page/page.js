/* What the page knows, light and dark, what is pointed at, and the filter that table and pictures follow. */

const data = JSON.parse(document.querySelector('#data').textContent);
const rows = data.rows.map((row, index) => ({ ...row, index }));
const { columns } = data;
const collator = new Intl.Collator('en', { numeric: true });
const texts = rows.map(row => columns.map(({ key }) => row.cells[key]).join('\n').toLowerCase());

function whole(value) {
  return value.toLocaleString('en');
}

/* ---------------------------------------------------------------- light and dark */

function theme() {
  return document.documentElement.dataset.theme;
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  document.querySelector('#theme').textContent = name === 'dark' ? 'Light' : 'Dark';
  paintTable();
  update();
}

/* ---------------------------------------------------------------- what is pointed at */

function tip([name, about, facts, text], x, y) {
  const box = document.querySelector('#tip');
  const lines = facts.flatMap(([colour, label, value]) => {
    const dot = colour ? [el('i', {})] : [];
    if (colour) dot[0].style.background = colour;
    return [el('dt', {}, ...dot, label), el('dd', {}, value)];
  });
  box.replaceChildren(el('b', {}, name), el('p', {}, about), el('dl', {}, ...lines), ...(text ? [el('pre', {}, text)] : []));
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const right = x + 18 + width <= innerWidth;
  box.style.left = `${Math.max(4, right ? x + 18 : x - 18 - width)}px`;
  box.style.top = `${Math.max(4, Math.min(y - 24, innerHeight - height - 4))}px`;
}

function hideTip() {
  document.querySelector('#tip').hidden = true;
}

/* ---------------------------------------------------------------- filter */

function chosen() {
  const asked = document.querySelector('#filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  const backbone = document.querySelector('#backbone').value;
  return rows.filter(row => (backbone === '' || row.order.backbone === rows[backbone].order.backbone) && asked.every(word => texts[row.index].includes(word)));
}

/* The set of pictures whose accuracies are drawn: those on another are not comparable. */
function pictures() {
  return data.sets[document.querySelector('#pictures').value || 0];
}

function update() {
  const visible = sorted(chosen());
  document.querySelector('#count').textContent = visible.length === rows.length ? `${whole(rows.length)} in all` : `${whole(visible.length)} of ${whole(rows.length)}`;
  hideTip();
  drawTable(visible);
  drawBars(visible);
  drawScatter(visible);
}

function summary() {
  const count = (some, one, many) => `${whole(some)} ${some === 1 ? one : many}`;
  const run = rows.filter(row => row.cells.seeds).length;
  const said = [`${count(rows.length, 'combination', 'combinations')} on ${count(new Set(rows.map(row => row.order.backbone)).size, 'backbone', 'backbones')}`];
  if (run) said.push(`${whole(run)} with accuracy (${data.splits.join(', ')})`);
  if (data.refused.length) said.push(`${whole(data.refused.length)} refused`);
  if (data.skipped.length) said.push(`${count(data.skipped.length, 'folder', 'folders')} skipped`);
  return `${said.join(', ')}.`;
}

function list(id, title, lines) {
  const section = document.querySelector(id);
  section.hidden = !lines.length;
  section.querySelector('h2').textContent = title;
  section.querySelector('dl').append(...lines.flatMap(([name, text]) => [el('dt', {}, name), el('dd', {}, text)]));
}

function start() {
  document.querySelector('#summary').textContent = summary();
  document.querySelector('#about').textContent = `promptzoo ${data.version}. GMACs: 10⁹ multiply-accumulates of one picture at inference, normalisations included; of training: forward and backward, products alone. Checkpoint: what is tuned.`;
  list('#refused', 'Refused', data.refused.map(one => [one.name, one.sentence]));
  list('#skipped', 'Folders skipped', data.skipped.map(one => [one.path, one.reason]));
  const names = [...new Set(rows.map(row => row.order.backbone))].sort(collator.compare);
  document.querySelector('#backbone').append(el('option', {}, 'all'), ...names.map(name => el('option', { value: String(rows.findIndex(row => row.order.backbone === name)) }, name)));
  document.querySelector('#backbone option').value = '';
  document.querySelector('#of').hidden = data.sets.length < 2;
  document.querySelector('#pictures').append(...data.sets.map((name, place) => el('option', { value: String(place) }, name)));
  buildTable();
  const dark = matchMedia('(prefers-color-scheme: dark)');
  setTheme(dark.matches ? 'dark' : 'light');
  listen();
  dark.addEventListener('change', () => setTheme(dark.matches ? 'dark' : 'light'));
  document.querySelector('#theme').addEventListener('click', () => setTheme(theme() === 'dark' ? 'light' : 'dark'));
  let waiting;
  document.querySelector('#filter').addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(update, 120);
  });
  for (const control of document.querySelectorAll('#backbone, #pictures, #cost, #scale')) control.addEventListener('change', update);
  document.addEventListener('scroll', hideTip, { passive: true, capture: true });
}

start();
