/* The scatter: cost against accuracy with the Pareto front, or parameters against operations where nothing has run. */

const ROOM = 16; // pixels between two labels of the front
const [FEW, MANY] = [60, 400]; // points; beyond, they are smaller, and beyond that without spread
let drawn = ''; // what the scatter shows now; sorting does not change it

/* The points that no other beats: cheaper or equal, and better or equal; as `front` of rows.py. */
function front(points) {
  const order = points.map((_, place) => place);
  order.sort((a, b) => points[a][0] - points[b][0] || points[b][1] - points[a][1] || a - b);
  const kept = [];
  let best = -Infinity;
  for (const place of order) {
    const last = kept.length ? points[kept[kept.length - 1]] : null;
    const [cost, gain] = points[place];
    if (gain > best || (last && last[0] === cost && last[1] === gain)) {
      best = gain;
      kept.push(place);
    }
  }
  return kept;
}

/* An axis of counts in powers of ten; zero, which no logarithm has, stands apart on its left. */
function logAxis(values, format) {
  const positive = values.filter(value => value > 0).map(Math.log10);
  const [low, high] = positive.length ? [Math.min(...positive), Math.max(...positive)] : [0, 0];
  const pad = Math.max(0.08 * (high - low), 0.35 - 0.1 * (high - low), 0.15);
  const zero = values.some(value => value === 0) ? low - Math.max(0.14 * (high - low), 0.5) : null;
  const ticks = [];
  const steps = high - low < 1.6 ? [1, 2, 5] : [1];
  for (let power = Math.floor(low - pad); positive.length && power <= high + pad; power += 1) {
    for (const step of steps) {
      const at = power + Math.log10(step);
      if (at >= low - pad && at <= high + pad) ticks.push([at, format(step * 10 ** power)]);
    }
  }
  if (zero !== null) ticks.unshift([zero, '0']);
  return {
    place: value => (value > 0 ? Math.log10(value) : zero),
    range: [(zero === null ? low : zero) - pad, high + pad],
    ticks,
    gap: zero === null || !positive.length ? null : (zero + low - pad) / 2,
  };
}

function plainAxis(values, least) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max(0.07 * (high - low), least * Math.abs(high), 1e-9);
  return { place: value => value, range: [low - pad, high + pad], ticks: null, gap: null };
}

function drawScatter(visible) {
  const run = rows.some(row => row.accuracy);
  const cost = document.querySelector('input[name=cost]:checked').value;
  const asked = JSON.stringify([cost, theme(), pictures() ?? '', visible.map(row => row.index).sort((a, b) => a - b)]);
  if (asked === drawn) return;
  drawn = asked;
  const points = run ? visible.filter(row => row.accuracy && row.accuracy.pictures === pictures()) : visible;
  document.querySelector('#cost').hidden = !run;
  const [title, note] = words(run, cost, points.length, visible.length - points.length);
  document.querySelector('#points-title').textContent = title;
  document.querySelector('#points-note').textContent = note;
  const byTuned = !run || cost === 'tuned';
  const costs = points.map(row => (byTuned ? row.tuned : row.macs / 1e9));
  const gains = points.map(row => (run ? 100 * row.accuracy.mean : row.macs / 1e9));
  const spreads = points.map(row => (run && points.length <= MANY && row.accuracy.std ? 100 * row.accuracy.std : 0));
  const x = byTuned ? logAxis(costs, short) : plainAxis(costs.length ? costs : [0], 0.03);
  const reach = [...gains.map((gain, place) => gain - spreads[place]), ...gains.map((gain, place) => gain + spreads[place])];
  const y = plainAxis(reach.length ? reach : [0], run ? 0.02 : 0.03);
  const best = run ? front(points.map((_, place) => [costs[place], gains[place]])) : [];
  if (best.length) makeRoom(x, x.place(costs[best[0]]), points[best[0]].name);
  const traces = [
    dots(points, costs.map(x.place), gains, spreads),
    stairs(best, costs.map(x.place), gains),
    ...keys(points),
  ];
  const named = names(points, best, costs.map(x.place), gains, x, y);
  Plotly.react('scatter', traces, { ...layout(x, y, byTuned, run, points.length), annotations: named }, {
    responsive: true, displaylogo: false,
    modeBarButtons: [['zoom2d', 'pan2d', 'resetScale2d', 'toImage']],
    toImageButtonOptions: { format: 'svg', filename: 'promptzoo' },
  });
}

function words(run, cost, count, without) {
  if (!run) return ['Tuned parameters and operations', 'No run is known, so accuracy is not drawn: tuned parameters against GMACs a picture.'];
  const title = cost === 'tuned' ? 'Accuracy against tuned parameters' : 'Accuracy against operations';
  const there = data.sets.length > 1 ? ` on ${pictures()}` : '';
  const missing = without ? ` ${without} without a run${there} ${without === 1 ? 'is' : 'are'} in the table alone.` : '';
  return [title, `The line is the Pareto front: whoever costs no more is no better.${count <= MANY ? ' Bars are ± one standard deviation over seeds.' : ''}${missing}`];
}

function dots(points, x, y, spreads) {
  const marks = points.map(row => data.methods[row.methods]);
  const few = points.length <= FEW;
  const size = few ? 12 : points.length <= MANY ? 9 : 7;
  return {
    type: 'scatter', mode: 'markers', x, y, customdata: points.map(row => row.index), hoverinfo: 'none', showlegend: false,
    error_y: { type: 'data', array: spreads, visible: spreads.some(Boolean), color: css(few ? '--faint' : '--line'), thickness: 1, width: few ? 3 : 0 },
    marker: {
      size, opacity: few ? 1 : 0.8,
      color: marks.map(([colour]) => palette()[colour]),
      symbol: points.map((row, place) => data.backbones[row.backbone] + (marks[place][1] ? '' : '-open')),
      line: { width: marks.map(([, filled]) => (filled ? 1 : 2)), color: marks.map(([colour, filled]) => (filled ? css('--paper') : palette()[colour])) },
    },
  };
}

function stairs(best, x, y) {
  return {
    type: 'scatter', mode: 'lines', x: best.map(place => x[place]), y: best.map(place => y[place]), hoverinfo: 'skip', showlegend: false,
    line: { shape: 'hv', width: 1.5, color: css('--soft'), dash: 'dot' },
  };
}

/* Leaves room on the left for the name of the cheapest point of the front. */
function makeRoom(axis, first, name) {
  const part = Math.min(0.3, (7.5 * clip(name, 32).length + 16) / (document.querySelector('#scatter').clientWidth * 0.75));
  axis.range[0] = Math.min(axis.range[0], (first - part * axis.range[1]) / (1 - part));
}

/* Names of the front's points, above and to the left, where no point can lie, as far as they have room. */
function names(points, best, x, y, axis, other) {
  const box = document.querySelector('#scatter');
  const [wide, tall] = [box.clientWidth * 0.75, box.clientHeight * 0.8];
  const part = (value, [low, high]) => (value - low) / (high - low);
  const found = [];
  let above = -Infinity;
  for (const place of best) {
    const [name, height] = [clip(points[place].name, 32), tall * part(y[place], other.range)];
    if (height - above < ROOM) continue;
    above = height;
    const left = wide * part(x[place], axis.range) > 7.5 * name.length + 12;
    found.push({
      x: x[place], y: y[place], text: safe(name), showarrow: false, font: { size: 12, color: css('--ink') },
      xanchor: left ? 'right' : 'left', xshift: left ? -5 : 5, yanchor: 'bottom', yshift: 4,
    });
  }
  return found;
}

/* The legend: a colour for each method, a shape for each backbone where there are several. */
function keys(points) {
  const methods = Object.keys(data.methods).filter(name => points.some(row => row.methods === name));
  const backbones = Object.keys(data.backbones).filter(name => points.some(row => row.backbone === name));
  const one = (name, group, colour, symbol, first) => ({
    type: 'scatter', mode: 'markers', x: [null], y: [null], name: safe(clip(name, 40)), legendgroup: group, showlegend: true, hoverinfo: 'skip',
    legendgrouptitle: first ? { text: group } : undefined,
    marker: { size: 11, color: colour, symbol, line: { width: symbol.endsWith('-open') ? 2 : 0, color: colour } },
  });
  const rest = palette().length - 1;
  const own = methods.filter(name => data.methods[name][0] !== rest);
  const found = own.map((name, place) => {
    const [colour, filled] = data.methods[name];
    return one(name, 'method', palette()[colour], filled ? 'circle' : 'circle-open', place === 0);
  });
  if (own.length < methods.length) found.push(one(`${methods.length - own.length} other methods`, 'method', palette()[rest], 'circle', own.length === 0));
  if (Object.keys(data.backbones).length === 1) return found;
  const last = 'hexagon';
  const shaped = backbones.filter(name => data.backbones[name] !== last);
  found.push(...shaped.map((name, place) => one(name, 'backbone', css('--soft'), data.backbones[name], place === 0)));
  const left = backbones.length - shaped.length;
  if (left) found.push(one(`${left} other backbone${left === 1 ? '' : 's'}`, 'backbone', css('--soft'), last, shaped.length === 0));
  return found;
}

function layout(x, y, byTuned, run, count) {
  const ink = css('--soft');
  const axis = { gridcolor: css('--grid'), zeroline: false, linecolor: css('--line'), ticks: 'outside', tickcolor: css('--line'), automargin: true };
  const titled = text => ({ text, font: { size: 13, color: ink }, standoff: 10 });
  const narrow = document.querySelector('#scatter').clientWidth < 760;
  return {
    paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
    font: { family: getComputedStyle(document.body).fontFamily, size: 12.5, color: ink },
    margin: { l: 58, r: 12, t: 14, b: 54 }, hovermode: 'closest', dragmode: 'zoom', uirevision: `${byTuned}${run}${count}`,
    xaxis: { ...axis, title: titled(byTuned ? 'tuned parameters' : 'GMACs a picture'), range: x.range,
      ...(x.ticks ? { tickmode: 'array', tickvals: x.ticks.map(([at]) => at), ticktext: x.ticks.map(([, text]) => text) } : {}) },
    yaxis: { ...axis, title: titled(run ? safe(`accuracy${pictures() && ` on ${pictures()}`}, %`) : 'GMACs a picture'), range: y.range },
    modebar: { bgcolor: 'rgba(0,0,0,0)', color: css('--faint'), activecolor: css('--ink') },
    legend: { itemclick: false, itemdoubleclick: false, bgcolor: 'rgba(0,0,0,0)', font: { size: 12 }, tracegroupgap: 12,
      ...(narrow ? { orientation: 'h', y: -0.2 } : { x: 1.02, y: 0.96 }) },
    shapes: x.gap === null ? [] : [{ type: 'line', x0: x.gap, x1: x.gap, yref: 'paper', y0: 0, y1: 1, line: { color: css('--line'), width: 1, dash: 'dot' } }],
  };
}

function listenScatter() {
  const box = document.querySelector('#scatter');
  box.on('plotly_hover', told => {
    const row = rows[told.points[0].customdata];
    const facts = columns().filter(column => !column.word).map(column => [null, [column.head, column.unit].filter(Boolean).join(' '), column.text(row)]);
    tip([row.name, `${row.methods} on ${row.backbone}`, facts, row.recipe], told.event.clientX, told.event.clientY);
  });
  box.on('plotly_unhover', hideTip);
}
