/* What the page knows, how it writes numbers, and the filter that table and pictures follow. */

const data = JSON.parse(document.querySelector('#data').textContent);
const rows = data.rows.map((row, index) => ({ ...row, index, mean: row.accuracy?.mean ?? null, pictures: row.accuracy?.pictures ?? null }));
const collator = new Intl.Collator('en', { numeric: true });
const texts = rows.map(row => columns().map(column => column.text(row)).join('\n').toLowerCase());

/* An element; strings become text, never markup. */
function el(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== '') made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/* Text for plotly, which reads some tags. */
function safe(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function clip(text, most) {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

/* ---------------------------------------------------------------- numbers */

function whole(value) {
  return value.toLocaleString('en');
}

function digits(value) {
  return value >= 10 ? value.toFixed(1) : value >= 0.995 ? value.toFixed(2) : value === 0 ? '0' : value.toPrecision(2);
}

function giga(macs) {
  if (macs === null) return '–';
  const value = macs / 1e9;
  return value >= 100 ? value.toFixed(1) : value >= 0.095 || value === 0 ? value.toFixed(2) : value >= 0.0005 ? value.toPrecision(2) : '<0.001';
}

function percent(share) {
  return (100 * share).toFixed(1);
}

function short(value) {
  const power = value >= 1e9 ? 3 : value >= 1e6 ? 2 : value >= 1e3 ? 1 : 0;
  return `${Number((value / 1000 ** power).toPrecision(3))}${['', 'k', 'M', 'B'][power]}`;
}

function bytes(value) {
  const power = value >= 1e9 ? 3 : value >= 1e6 ? 2 : value >= 1e3 ? 1 : 0;
  return `${power ? digits(value / 1000 ** power) : value} ${['B', 'kB', 'MB', 'GB'][power]}`;
}

/* ---------------------------------------------------------------- light and dark */

function theme() {
  return document.documentElement.dataset.theme;
}

function palette() {
  return data.colours[theme()];
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  document.querySelector('#theme').textContent = name === 'dark' ? 'Light' : 'Dark';
  paintTable();
  paintBars();
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
  return rows.filter(row => (backbone === '' || row.backbone === rows[backbone].backbone) && asked.every(word => texts[row.index].includes(word)));
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
  const run = rows.filter(row => row.accuracy);
  const said = [`${count(rows.length, 'combination', 'combinations')} on ${count(Object.keys(data.backbones).length, 'backbone', 'backbones')}`];
  if (run.length) said.push(`${whole(run.length)} with accuracy (${[...new Set(run.map(row => row.accuracy.split))].join(', ')})`);
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
  const names = [...new Set(rows.map(row => row.backbone))].sort(collator.compare);
  document.querySelector('#backbone').append(el('option', {}, 'all'), ...names.map(name => el('option', { value: String(rows.findIndex(row => row.backbone === name)) }, name)));
  document.querySelector('#backbone option').value = '';
  document.querySelector('#of').hidden = data.sets.length < 2;
  document.querySelector('#pictures').append(...data.sets.map((name, place) => el('option', { value: String(place) }, name)));
  buildTable();
  buildBars();
  const dark = matchMedia('(prefers-color-scheme: dark)');
  setTheme(dark.matches ? 'dark' : 'light');
  listenScatter();
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
