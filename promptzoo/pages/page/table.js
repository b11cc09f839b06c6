/* The table: its columns, sorting, and the lines that open below a row. */

const COLUMNS = [
  { key: 'name', head: 'recipe', word: true, text: row => row.name },
  { key: 'backbone', head: 'backbone', word: true, text: row => row.backbone },
  { key: 'methods', head: 'methods', word: true, text: row => row.methods },
  { key: 'pictures', head: 'run on', word: true, text: row => row.pictures ?? '–' },
  { key: 'tuned', head: 'tuned', unit: 'parameters', text: row => whole(row.tuned) },
  { key: 'share', head: '% of visual', unit: 'tower', text: row => digits(row.share) },
  { key: 'macs', head: 'GMACs', unit: 'a picture', text: row => giga(row.macs) },
  { key: 'times', head: '× bare', unit: 'backbone', text: row => (row.times === null ? '–' : row.times.toFixed(2)) },
  { key: 'training', head: 'training', unit: 'GMACs a picture, step', text: row => giga(row.training) },
  { key: 'checkpoint', head: 'checkpoint', unit: 'on disk', text: row => bytes(row.checkpoint) },
  { key: 'mean', head: 'accuracy', unit: '% ± std over seeds', text: row => accuracy(row) },
];

const table = { order: { key: null, down: false }, lines: [], more: new Map() };

function accuracy(row) {
  if (!row.accuracy) return '–';
  const spread = row.accuracy.std === null ? '' : ` ± ${percent(row.accuracy.std)}`;
  return percent(row.accuracy.mean) + spread;
}

function columns() {
  const left = { mean: !rows.some(row => row.accuracy), pictures: data.sets.length < 2 };
  return COLUMNS.filter(column => !left[column.key]);
}

function buildTable() {
  const shown = columns();
  const heads = shown.map(column => {
    const button = el('button', { type: 'button' }, column.head, el('small', {}, column.key === 'training' ? column.unit : (column.unit || '').replaceAll(' ', '\u00a0') || '\u00a0'));
    button.addEventListener('click', () => sortBy(column.key));
    return el('th', { scope: 'col', class: column.word ? '' : 'number', 'data-key': column.key }, button);
  });
  document.querySelector('#table thead').append(el('tr', {}, ...heads));
  for (const row of rows) {
    const cells = shown.map(column => el('td', { class: column.word ? '' : 'number' }, ...cell(column, row)));
    table.lines.push(el('tr', {}, ...cells));
  }
}

function cell(column, row) {
  const text = column.text(row);
  if (column.key === 'name') {
    const button = el('button', { type: 'button', 'aria-expanded': 'false' }, text);
    button.addEventListener('click', () => open(row, button));
    return [button];
  }
  if (column.key === 'methods') return [el('i', { class: 'mark', 'data-method': row.methods }), text];
  if (column.key === 'mean') {
    const [mean, spread] = text.split(' ± ');
    const seeds = row.accuracy ? row.accuracy.seeds.length : 0;
    const said = seeds ? `${seeds} seed${seeds === 1 ? '' : 's'}` : '';
    return [mean, el('span', { class: 'spread' }, spread ? `\u00a0± ${spread}` : ''), el('small', {}, said)];
  }
  return [text];
}

function open(row, button) {
  const opened = button.getAttribute('aria-expanded') !== 'true';
  button.setAttribute('aria-expanded', String(opened));
  if (opened) table.more.set(row.index, more(row));
  else table.more.get(row.index).remove(), table.more.delete(row.index);
  if (opened) table.lines[row.index].after(table.more.get(row.index));
}

function more(row) {
  const parts = row.parts.flatMap(([kind, name, tuned, macs]) => [
    el('dt', {}, kind === name ? name : `${kind} ${name}`), el('dd', {}, whole(tuned)), el('dd', {}, macs ? `${giga(macs)} GMACs` : ''),
  ]);
  const notes = row.remarks.map(text => el('li', {}, text));
  const strange = Object.entries(row.uncounted).map(([name, count]) => `${name} (${count})`);
  if (strange.length) notes.push(el('li', {}, `operations that no rule counts: ${strange.join(', ')}`));
  if (row.text) notes.push(el('li', {}, `the texts of ${row.classes} classes add ${giga(row.text)} GMACs to each picture`));
  if (row.accuracy) {
    const { split, seeds, paths } = row.accuracy;
    notes.push(el('li', {}, `${split} accuracy of seed ${seeds.join(', ')}: ${paths.join(', ')}`));
  }
  const beside = el('div', {}, el('dl', {}, ...parts), el('ul', {}, ...notes));
  const inside = el('td', { colspan: columns().length }, el('div', {}, el('pre', {}, row.recipe), beside));
  return el('tr', { class: 'more' }, inside);
}

function sortBy(key) {
  const again = table.order.key === key;
  table.order = { key, down: again ? !table.order.down : key === 'mean' };
  for (const head of document.querySelectorAll('#table th')) {
    if (head.dataset.key === key) head.setAttribute('aria-sort', table.order.down ? 'descending' : 'ascending');
    else head.removeAttribute('aria-sort');
  }
  update();
}

/* Rows in the order asked for; what is not known comes last in both directions. */
function sorted(some) {
  const { key, down } = table.order;
  if (key === null) return some;
  const turn = down ? -1 : 1;
  return [...some].sort((one, other) => {
    const [a, b] = [one[key], other[key]];
    if (a === null || b === null) return (a === null) - (b === null) || one.index - other.index;
    const by = typeof a === 'string' ? collator.compare(a, b) : a - b;
    return turn * by || one.index - other.index;
  });
}

function drawTable(visible) {
  const body = document.querySelector('#table tbody');
  body.replaceChildren(...visible.flatMap(row => (table.more.has(row.index) ? [table.lines[row.index], table.more.get(row.index)] : [table.lines[row.index]])));
  document.querySelector('#none').hidden = visible.length > 0;
}

function paintTable() {
  for (const mark of document.querySelectorAll('#table i.mark')) paintMark(mark, data.methods[mark.dataset.method]);
  for (const line of table.lines) for (const mark of line.querySelectorAll('i.mark')) paintMark(mark, data.methods[mark.dataset.method]);
}

function paintMark(mark, [colour, filled]) {
  mark.style.borderColor = palette()[colour];
  mark.style.background = filled ? palette()[colour] : 'transparent';
}
