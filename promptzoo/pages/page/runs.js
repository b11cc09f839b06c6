/* A page of runs: one of them is chosen, the curves are of all. */

const data = JSON.parse(document.querySelector('#data').textContent);
const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false };
const theme = () => document.documentElement.dataset.theme;
const chosen = () => data.runs[document.querySelector('#run').value || 0];

function draw(id, figure) {
  const { data: traces, layout } = structuredClone(figure[theme()]);
  Plotly.react(id, traces, layout, CONFIG);
}

function picture(one) {
  const said = one.right ? [el('b', {}, one.named), ` ${one.probability}`] : [el('b', {}, one.named), ` ${one.probability}, in truth ${one.truth}`];
  const pair = el('div', { class: 'pair' }, el('img', { src: one.picture, alt: one.truth }), el('img', { src: one.seen, alt: one.by }));
  return el('figure', { class: one.right ? 'right' : 'wrong' }, pair, el('figcaption', {}, ...said, el('small', {}, `${one.right ? 'right' : 'wrong'} · ${one.by} · ${one.name}`)));
}

function update() {
  const run = chosen();
  document.querySelector('#facts').replaceChildren(...run.facts.map(([name, value]) => el('div', {}, el('dt', {}, name), el('dd', {}, value))));
  document.querySelector('#gallery').replaceChildren(...run.gallery.map(picture));
  document.querySelector('#confusion-part').hidden = !run.confusion;
  if (run.confusion) draw('confusion', run.confusion);
  draw('tsne', run.tsne);
  data.curves.forEach((figure, place) => draw(`curve-${place}`, figure));
}

function setTheme(name) {
  document.documentElement.dataset.theme = name;
  document.querySelector('#theme').textContent = name === 'dark' ? 'Light' : 'Dark';
  update();
}

document.querySelector('#of').hidden = data.runs.length < 2;
document.querySelector('#run').append(...data.runs.map((run, place) => el('option', { value: String(place) }, run.name)));
document.querySelector('#run').addEventListener('change', update);
document.querySelector('#curves').append(...data.curves.map((_, place) => el('div', { id: `curve-${place}` })));
document.querySelector('#about').textContent = `promptzoo ${data.version}`;
const dark = matchMedia('(prefers-color-scheme: dark)');
setTheme(dark.matches ? 'dark' : 'light');
dark.addEventListener('change', () => setTheme(dark.matches ? 'dark' : 'light'));
document.querySelector('#theme').addEventListener('click', () => setTheme(theme() === 'dark' ? 'light' : 'dark'));
