/* A stacked bar for each row: broad, where in the network; thin, what each graft computes of it. */

const stacks = { made: [], ticks: null };

function buildBars() {
  const track = el('div', { class: 'track' });
  stacks.ticks = track;
  const head = el('div', { class: 'stack ticks' }, el('div', { class: 'name' }), track, el('div', { class: 'sum' }, ''));
  document.querySelector('#stacks').append(head);
  for (const row of rows) {
    const piece = (kind, name, macs) => {
      const part = el('i', { [`data-${kind}`]: name });
      return { part, macs };
    };
    const broad = Object.entries(row.places).filter(([, macs]) => macs).map(([name, macs]) => piece('place', name, macs));
    const thin = Object.entries(row.grafts).filter(([, macs]) => macs).map(([name, macs]) => piece('graft', name, macs));
    const bare = el('span', { class: 'bare' });
    const drawn = el('div', { class: 'track' }, el('div', { class: 'whole' }, ...broad.map(one => one.part)), el('div', { class: 'thin' }, ...thin.map(one => one.part)), bare);
    const sum = el('div', { class: 'sum' });
    const line = el('div', { class: 'stack' }, el('div', { class: 'name' }, el('b', {}, row.name), el('small', {}, row.backbone)), drawn, sum);
    drawn.addEventListener('mousemove', event => tip(spent(row), event.clientX, event.clientY));
    drawn.addEventListener('mouseleave', hideTip);
    stacks.made.push({ line, pieces: [...broad, ...thin], bare, sum });
  }
  document.querySelector('#bars').hidden = !rows.length;
}

function spent(row) {
  const fact = (macs, label, colour) => [colour, label, `${giga(macs)} GMACs, ${digits((100 * macs) / row.macs)} %`];
  const facts = Object.entries(row.places).filter(([, macs]) => macs).map(([name, macs]) => fact(macs, name, data.places[theme()][name]));
  for (const [name, macs] of Object.entries(row.grafts)) facts.push(fact(macs, `of it ${name}`, palette()[data.grafts[name][0]]));
  facts.push([null, 'in all', `${giga(row.macs)} GMACs`], [null, 'bare backbone', `${giga(row.bare)} GMACs`]);
  return [row.name, `${row.methods} on ${row.backbone}`, facts, ''];
}

function drawBars(visible) {
  const shares = document.querySelector('input[name=scale]:checked').value === 'share';
  const most = Math.max(...visible.map(row => (shares ? Math.max(1, row.bare / row.macs) : Math.max(row.macs, row.bare))), 0) || 1;
  const room = Math.max(2, Math.min(6, stacks.ticks.clientWidth / 56));
  const step = nice(shares ? most * 100 : most / 1e9, room);
  const end = shares ? Math.max(most, 1) : most * 1.02;
  const marks = [];
  for (let at = 0; at <= (shares ? end * 100 : end / 1e9) + 1e-9; at += step) {
    const mark = el('span', {}, shares ? `${Number(at.toFixed(6))} %` : String(Number(at.toPrecision(6))));
    mark.style.left = `${(100 * at) / (shares ? end * 100 : end / 1e9)}%`;
    marks.push(mark);
  }
  stacks.ticks.replaceChildren(...marks);
  stacks.ticks.nextSibling.textContent = shares ? '× bare' : 'GMACs';
  for (const row of visible) {
    const { pieces, bare, sum } = stacks.made[row.index];
    const scale = 100 / ((shares ? row.macs : 1) * end);
    for (const { part, macs } of pieces) part.style.width = `${macs * scale}%`;
    bare.style.left = `${row.bare * scale}%`;
    sum.textContent = shares ? (row.times === null ? '–' : row.times.toFixed(2)) : giga(row.macs);
  }
  document.querySelector('#stacks').replaceChildren(stacks.ticks.parentNode, ...visible.map(row => stacks.made[row.index].line));
  drawKeys(visible);
}

/* The smallest round step that gives no more ticks than have room. */
function nice(most, room) {
  const power = 10 ** Math.floor(Math.log10(most / room));
  return [1, 2, 5, 10].map(factor => factor * power).find(step => most / step <= room);
}

function drawKeys(visible) {
  const key = (name, colour, kind) => {
    const mark = el('i', { class: kind });
    mark.style.background = colour;
    return el('li', {}, mark, name);
  };
  const used = (field, name) => visible.some(row => Object.hasOwn(row[field], name) && row[field][name]);
  const places = Object.entries(data.places[theme()]).filter(([name]) => used('places', name)).map(([name, colour]) => key(name, colour, ''));
  const rest = palette().length - 1;
  const known = Object.entries(data.grafts).filter(([name]) => used('grafts', name));
  const own = known.filter(([, [colour]]) => colour !== rest).map(([name, [colour]]) => key(name, palette()[colour], 'slim'));
  if (own.length < known.length) own.push(key('other grafts', palette()[rest], 'slim'));
  document.querySelector('#keys').replaceChildren(...places, ...own);
}

function paintBars() {
  for (const { line } of stacks.made) {
    for (const part of line.querySelectorAll('i')) {
      const { place, graft } = part.dataset;
      part.style.background = place ? data.places[theme()][place] : palette()[data.grafts[graft][0]];
    }
  }
}
