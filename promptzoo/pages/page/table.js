/* The table: its columns, sorting, and the lines that open below a row. */

const table = { order: { key: null, down: false }, lines: [], more: new Map() };

function buildTable() {
  const heads = columns.map(({ key, head, unit, word }) => {
    const button = el('button', { type: 'button' }, head, el('small', {}, key === 'training' ? unit : unit.replaceAll(' ', '\u00a0') || '\u00a0'));
    button.addEventListener('click', () => sortBy(key));
    return el('th', { scope: 'col', class: word ? '' : 'number', 'data-key': key }, button);
  });
  document.querySelector('#table thead').append(el('tr', {}, ...heads));
  table.lines.push(...rows.map(row => el('tr', {}, ...columns.map(({ key, word }) => el('td', { class: word ? '' : 'number' }, ...cell(key, row))))));
}

function cell(key, row) {
  const text = row.cells[key];
  if (key === 'name') {
    const button = el('button', { type: 'button', 'aria-expanded': 'false' }, text);
    button.addEventListener('click', () => open(row, button));
    return [button];
  }
  if (key === 'methods') return [el('i', { class: 'mark', 'data-method': row.order.methods }), text];
  if (key === 'mean') {
    const [mean, spread] = text.split(' ± ');
    return [mean, el('span', { class: 'spread' }, spread ? `\u00a0± ${spread}` : ''), el('small', {}, row.cells.seeds)];
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
  const parts = row.parts.flatMap(([name, tuned, macs]) => [el('dt', {}, name), el('dd', {}, tuned), el('dd', {}, macs)]);
  const beside = el('div', {}, el('dl', {}, ...parts), el('ul', {}, ...row.notes.map(text => el('li', {}, text))));
  const inside = el('td', { colspan: columns.length }, el('div', {}, el('pre', {}, row.recipe), beside));
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
    const [a, b] = [one.order[key], other.order[key]];
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
  for (const mark of table.lines.flatMap(line => [...line.querySelectorAll('i.mark')])) {
    const [colour, filled] = data.figures[theme()].methods[mark.dataset.method];
    mark.style.borderColor = colour;
    mark.style.background = filled ? colour : 'transparent';
  }
}
