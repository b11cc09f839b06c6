/* Plotly's figures, made in Python, less the rows that the filter leaves out. */

const CONFIG = { responsive: true, displaylogo: false, modeBarButtons: [['zoom2d', 'pan2d', 'resetScale2d', 'toImage']], toImageButtonOptions: { format: 'svg', filename: 'promptzoo' } };
const drawn = {}; // what each picture shows now

function asked(name) {
  return document.querySelector(`input[name=${name}]:checked`).value;
}

/* Whether a picture has to be drawn anew. */
function stale(name, ...what) {
  const said = JSON.stringify([theme(), ...what]);
  return drawn[name] !== said && Boolean(drawn[name] = said);
}

/* A trace of the kept points alone: of all its lists that have an item for each point. */
function pick(thing, count, kept) {
  if (Array.isArray(thing)) return thing.length === count ? kept.map(place => thing[place]) : thing;
  if (thing === null || typeof thing !== 'object') return thing;
  return Object.fromEntries(Object.entries(thing).map(([key, value]) => [key, pick(value, count, kept)]));
}

function only(trace, shown) {
  const kept = [...trace.customdata.keys()].filter(place => shown.has(trace.customdata[place]));
  return pick(trace, trace.customdata.length, kept);
}

/* The front of points that are sorted by cost, as `front` of rows.py has it, and the names that have room. */
function front({ x, y, text, textposition }, line, gap) {
  const kept = [];
  for (const i of x.keys()) {
    const last = kept.at(-1);
    if (!kept.length || y[i] > y[last] || (x[i] === x[last] && y[i] === y[last])) kept.push(i);
  }
  let above = -Infinity;
  const names = kept.map(i => (y[i] >= above + gap ? ((above = y[i]), text[i]) : ''));
  return { ...line, x: kept.map(i => x[i]), y: kept.map(i => y[i]), text: names, textposition: kept.map((i, at) => (at ? textposition[i] : 'top right')) };
}

function drawScatter(visible) {
  const shown = new Set(visible.map(row => row.index));
  const cost = data.sets.length ? asked('cost') : 'tuned';
  if (!stale('scatter', cost, pictures() ?? '', [...shown].sort((a, b) => a - b))) return;
  const figure = data.figures[theme()].scatter[cost][document.querySelector('#pictures').value || 0];
  const points = only(figure.data[0], shown);
  const legend = figure.data.slice(2).filter(({ meta }) => meta.some(index => shown.has(index)));
  const layout = structuredClone(figure.layout);
  if (document.querySelector('#scatter').clientWidth < 760) layout.legend = { ...layout.legend, orientation: 'h', x: 0, y: -0.2 };
  layout.uirevision = `${cost} ${pictures()} ${shown.size}`;
  const { gap, many } = layout.meta;
  points.error_y.visible = points.x.length <= many && points.error_y.array.some(Boolean);
  Plotly.react('scatter', [points, data.sets.length ? front(points, figure.data[1], gap) : figure.data[1], ...legend], layout, CONFIG);
  tellScatter(cost, points.x.length <= many, visible.length - points.x.length);
}

function tellScatter(cost, spread, without) {
  const [title, note] = [document.querySelector('#points-title'), document.querySelector('#points-note')];
  const there = data.sets.length > 1 ? ` on ${pictures()}` : '';
  const missing = without ? ` ${without} without a run${there} ${without === 1 ? 'is' : 'are'} in the table alone.` : '';
  document.querySelector('#cost').hidden = !data.sets.length;
  title.textContent = !data.sets.length ? 'Tuned parameters and operations' : cost === 'tuned' ? 'Accuracy against tuned parameters' : 'Accuracy against operations';
  if (!data.sets.length) note.textContent = 'No run is known, so accuracy is not drawn: tuned parameters against GMACs a picture.';
  else note.textContent = `The line is the Pareto front: whoever costs no more is no better.${spread ? ' Bars are ± one standard deviation over seeds.' : ''}${missing}`;
}

function drawBars(visible) {
  document.querySelector('#bars').hidden = !rows.length;
  if (!rows.length || !stale('bars', asked('scale'), visible.map(row => row.index))) return;
  const figure = data.figures[theme()].bars[asked('scale')];
  const place = new Map(visible.map((row, at) => [row.index, at]));
  const traces = figure.data.map(trace => {
    const left = only(trace, place);
    return { ...left, y: left.y.map((y, at) => y - left.customdata[at] + place.get(left.customdata[at])) };
  });
  const { xaxis, yaxis, ...layout } = { ...structuredClone(figure.layout), showlegend: false };
  const ends = traces.find(trace => trace.mode === 'text').x;
  xaxis.range = [0, ends.length ? 1.1 * Math.max(...ends) : 1];
  yaxis.range = [visible.length - 0.5, -0.5];
  const config = { responsive: true, displayModeBar: false };
  Plotly.react('ruler', [{ x: [null], y: [null] }], { ...layout, height: 26, margin: { ...layout.margin, t: 25, b: 0 }, xaxis: { ...xaxis, side: 'top', title: {}, showline: false, ticks: '' }, yaxis: { visible: false, fixedrange: true } }, config);
  Plotly.react('lines', traces, { ...layout, height: layout.meta.pitch * Math.max(1, visible.length), margin: { ...layout.margin, t: 0, b: 0 }, xaxis: { ...xaxis, title: {}, showticklabels: false, showline: false, ticks: '' }, yaxis }, config);
  document.querySelector('#keys').replaceChildren(...traces.filter(trace => trace.meta && trace.x.length).map(key));
}

function key({ meta, type, width, marker }) {
  const mark = el('i', { class: type === 'scatter' ? 'stroke' : width < 0.3 ? 'slim' : '' });
  mark.style.background = marker.color ?? marker.line.color;
  return el('li', {}, mark, meta);
}

function listen() {
  const [scatter, bars] = [document.querySelector('#scatter'), document.querySelector('#lines')];
  const told = (row, facts, text, { clientX, clientY }) => tip([row.order.name, `${row.order.methods} on ${row.order.backbone}`, facts, text], clientX, clientY);
  scatter.on('plotly_hover', ({ points, event }) => {
    const row = rows[points[0].customdata];
    told(row, columns.filter(one => !one.word).map(one => [null, `${one.head} ${one.unit}`, row.cells[one.key]]), row.recipe, event);
  });
  const layers = () => data.figures[theme()].bars.macs.data;
  bars.on?.('plotly_hover', ({ points, event }) => {
    const row = rows[points[0].customdata];
    told(row, row.spent.map(([place, name, said]) => [place === null ? null : layers()[place].marker.color, name, said]), '', event);
  });
  for (const box of [scatter, bars]) box.on?.('plotly_unhover', hideTip);
}
