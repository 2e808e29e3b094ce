"""The script of a picture's page: boxes open and close, wires follow, cards, moving and scaling.

It places boxes as `glassgrad.views.picture.plans` does, from the same plans.
"""

from __future__ import annotations

SCRIPT = r"""
(() => {
const num = x => +x.toFixed(1);
function curve(x1, y1, bend, x2, y2, end) {
  if (Math.abs(y1 - y2) < 0.05) return `M${num(x1)} ${num(y1)}H${num(end)}`;
  const middle = num((bend + x2) / 2);
  return `M${num(x1)} ${num(y1)}` + (bend > x1 ? `H${num(bend)}` : '') +
    `C${middle} ${num(y1)} ${middle} ${num(y2)} ${num(x2)} ${num(y2)}` + (end > x2 ? `H${num(end)}` : '');
}
function start(root) {
  const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
  const svg = root.querySelector('svg'), stage = root.querySelector('.gg-stage'), card = root.querySelector('.gg-card');
  const {wall, title, floor, margin, head, deep, least} = data, boxes = data.boxes, open = new Set(data.open);
  const at = new Map();
  for (const g of svg.querySelectorAll('[data-n]')) at.set(g.dataset.n, g);
  const child = (g, name) => [...g.children].filter(c => c.classList.contains(name));
  const shift = (g, x, y) => g.setAttribute('transform', `translate(${num(x)},${num(y)})`);

  function size(n) {
    if (n.b === undefined || !open.has(n.b)) return {w: n.i + n.w + n.t, u: n.u, d: n.d, ins: n.n, outs: n.m};
    const inner = place(n.b);
    const up = Math.max(inner.mid - inner.top + title, ...n.e.map((e, k) => e[0] - inner.ins[k]),
      ...n.q.map((q, k) => q[0] - inner.outs[k]));
    const down = Math.max(inner.bottom - inner.mid + floor, ...n.e.map((e, k) => e[1] + inner.ins[k]),
      ...n.q.map((q, k) => q[1] + inner.outs[k]));
    const w = n.i + Math.max(inner.width + 2 * wall, n.w) + n.o;
    return {w, u: up, d: down, ins: inner.ins, outs: inner.outs, inner};
  }
  function place(b) {
    const box = boxes[b], sizes = box.nodes.map(size), widths = Array(box.gaps.length + 1).fill(0);
    const above = new Map(), below = new Map(), key = y => Math.round(y * 1000) / 1000;
    box.nodes.forEach((n, i) => {
      const s = sizes[i], y = key(n.y);
      widths[n.c] = Math.max(widths[n.c], s.w);
      if (!s.inner) return;
      above.set(y, Math.max(above.get(y) || 0, s.u - n.u));
      below.set(y, Math.max(below.get(y) || 0, s.d - n.d));
    });
    const left = [0], right = [];
    widths.forEach((w, c) => { right.push(left[c] + w); if (c < box.gaps.length) left.push(right[c] + box.gaps[c]); });
    const moved = y => {
      let to = y; const r = key(y);
      for (const [k, a] of above) { if (k <= r) to += a; if (k < r) to += below.get(k); }
      return to;
    };
    const all = [...box.nodes.map(n => [n.c, n.y]), ...box.places];
    const y = all.map(p => moved(p[1])), x = all.map(p => left[p[0]]);
    let top = y.length ? Math.min(...y) : 0, bottom = y.length ? Math.max(...y) : 0;
    box.nodes.forEach((n, i) => {
      if (n.k === 1) x[i] = right[n.c] - sizes[i].w;
      top = Math.min(top, y[i] - sizes[i].u); bottom = Math.max(bottom, y[i] + sizes[i].d);
    });
    const mid = box.outs.length ? y[box.outs[0]] : (top + bottom) / 2;
    return {b, sizes, x, y, left, right, top, bottom, mid, width: right[right.length - 1] || 0,
      cols: all.map(p => p[0]), ins: box.ins.map(i => y[i] - mid), outs: box.outs.map(i => y[i] - mid)};
  }
  function show(p) {
    const box = boxes[p.b];
    box.nodes.forEach((n, i) => {
      const g = at.get(`${p.b}-${i}`), s = p.sizes[i];
      shift(g, p.x[i], p.y[i]);
      child(g, 'entry').forEach(e => shift(e, 0, s.ins[+e.dataset.s]));
      if (n.b === undefined) return;
      g.classList.toggle('is-open', !!s.inner);
      if (!s.inner) return;
      const inside = child(g, 'inside')[0], width = s.w - n.i - n.o, tops = s.inner.top - s.inner.mid - title;
      const [frame, name, hold] = inside.children;
      frame.setAttribute('y', num(tops)); frame.setAttribute('width', num(width));
      frame.setAttribute('height', num(s.inner.bottom - s.inner.top + title + floor));
      name.setAttribute('y', num(tops + 17));
      shift(hold, n.i + wall, -s.inner.mid);
      child(inside, 'tail').forEach(t => shift(t, n.i + width, s.outs[+t.dataset.s]));
      show(s.inner);
    });
    const lines = {}, arrows = {};
    for (const [strand, a, out, b, socket] of box.pieces) {
      let x1 = p.left[p.cols[a]], y1 = p.y[a], x2 = p.left[p.cols[b]], y2 = p.y[b], end = x2, n = box.nodes[a];
      if (n) {
        x1 = p.x[a] + (n.k === 2 ? -wall : p.sizes[a].inner ? p.sizes[a].w - n.o : n.i + n.w);
        y1 += p.sizes[a].outs[out];
      }
      n = box.nodes[b];
      if (n) {
        y2 += p.sizes[b].ins[socket];
        end = p.x[b] + (n.k === 0 ? n.i : wall);
        if (n.k === 0 && !p.sizes[b].inner)
          arrows[strand] = (arrows[strand] || '') + `M${num(end)} ${num(y2)}l-6 -3v6z`;
      }
      lines[strand] = (lines[strand] || '') + curve(x1, y1, p.right[p.cols[a]], x2, y2, end);
    }
    for (const g of at.get(`w${p.b}`).children) {
      const s = g.dataset.w;
      for (const path of g.children)
        path.setAttribute('d', (path.classList.contains('arrow') ? arrows : lines)[s] || '');
    }
  }
  let wide = data.size[0], high = data.size[1];
  function redraw() {
    const p = place(0);
    show(p);
    wide = Math.max(p.width, least) + 2 * margin;
    high = head + p.bottom - p.top + deep + 3 * margin;
    shift(at.get('graph'), margin, head + margin - p.top);
    shift(at.get('legend'), margin, high - margin - deep);
    const paper = svg.querySelector('.paper');
    paper.setAttribute('width', num(wide)); paper.setAttribute('height', num(high));
    frame();
  }

  const page = root.classList.contains('gg-page');
  let x = 0, y = 0, scale = 1;
  function frame() {
    svg.setAttribute('viewBox', `${x} ${y} ${stage.clientWidth / scale} ${stage.clientHeight / scale}`);
  }
  function fit(least) {
    const room = [stage.clientWidth, stage.clientHeight];
    scale = Math.max(Math.min(1, room[0] / wide, room[1] / high), least);
    x = room[0] / scale > wide ? (wide - room[0] / scale) / 2 : 0;
    y = room[1] / scale > high ? (high - room[1] / scale) / 2 : 0;
    frame();
  }
  function zoom(by, px, py) {
    const next = Math.min(4, Math.max(0.01, scale * by));
    x += px / scale - px / next; y += py / scale - py / next; scale = next; frame();
  }
  const shrunk = high * Math.min(1, (stage.clientWidth || 900) / wide);
  if (!page) stage.style.height = Math.min(640, Math.max(160, shrunk)) + 'px';
  svg.removeAttribute('width'); svg.removeAttribute('height');
  root.classList.add('is-live');
  svg.setAttribute('preserveAspectRatio', 'xMinYMin meet');
  requestAnimationFrame(() => fit(0.4));
  new ResizeObserver(frame).observe(stage);
  stage.addEventListener('wheel', e => {
    if (!page && !e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    const r = stage.getBoundingClientRect();
    zoom(Math.exp(-e.deltaY * 0.0015), e.clientX - r.left, e.clientY - r.top);
  }, {passive: false});

  let from = null, dragged = false;
  stage.addEventListener('pointerdown', e => { from = [e.clientX, e.clientY, x, y]; dragged = false; });
  window.addEventListener('pointermove', e => {
    if (!from) return;
    if (Math.hypot(e.clientX - from[0], e.clientY - from[1]) > 4) dragged = true;
    if (dragged) { x = from[2] - (e.clientX - from[0]) / scale; y = from[3] - (e.clientY - from[1]) / scale; frame(); }
  });
  window.addEventListener('pointerup', () => { from = null; });

  function tell(key) {
    const lines = data.cards[key];
    svg.querySelectorAll('.is-told').forEach(g => g.classList.remove('is-told'));
    card.hidden = !lines;
    if (!lines) return;
    card.replaceChildren();
    const close = document.createElement('button');
    close.textContent = '×'; close.title = 'close'; close.onclick = () => tell('');
    card.append(close);
    for (const [kind, name, said] of lines) {
      const p = document.createElement('p');
      p.className = 'k-' + (kind || 'plain');
      if (name) { const b = document.createElement('b'); b.textContent = name + ' '; p.append(b); }
      p.append(said); card.append(p);
    }
    at.get(key)?.classList.add('is-told');
  }
  function toggle(n, g) {
    const before = g.getBoundingClientRect();
    open.has(n.b) ? open.delete(n.b) : open.add(n.b);
    redraw();
    const after = g.getBoundingClientRect();
    x += (after.left - before.left) / scale; y += (after.top - before.top) / scale; frame();
  }
  const nodeOf = key => { const [b, i] = key.split('-'); return boxes[b].nodes[+i]; };
  function act(target) {
    const g = target.closest('.node'), wire = target.closest('[data-c]');
    if (wire && !(g && wire.contains(g))) return tell(wire.dataset.c);
    if (!g) return tell('');
    const n = nodeOf(g.dataset.n), opened = g.classList.contains('is-open');
    if (n.b !== undefined && (!opened || target.closest('.name'))) toggle(n, g);
    if (!opened || target.closest('.name')) tell(g.dataset.n);
    else tell('');
  }
  stage.addEventListener('click', e => { if (!dragged) act(e.target); });
  stage.addEventListener('keydown', e => {
    if (e.key === 'Enter' || e.key === ' ') { e.preventDefault(); act(e.target.querySelector('.name') || e.target); }
    if (e.key === 'Escape') tell('');
  });
  for (const [key, g] of at) {
    if (!/^\d+-\d+$/.test(key)) continue;
    const n = nodeOf(key);
    if (n.k < 2) g.setAttribute('tabindex', '0');
  }
  for (const g of svg.querySelectorAll('.wires > g')) {
    const hit = g.children[0]?.cloneNode();
    if (hit) { hit.setAttribute('class', 'hit'); g.append(hit); }
  }
  const every = Object.keys(boxes).map(Number).filter(b => b);
  const does = {
    open: () => { every.forEach(b => open.add(b)); redraw(); fit(0.4); },
    fold: () => { open.clear(); redraw(); fit(0.4); },
    fit: () => fit(0.01),
    more: () => zoom(1.3, stage.clientWidth / 2, stage.clientHeight / 2),
    less: () => zoom(1 / 1.3, stage.clientWidth / 2, stage.clientHeight / 2),
  };
  for (const b of root.querySelectorAll('[data-do]')) {
    b.onclick = () => does[b.dataset.do]();
    if (!every.length && (b.dataset.do === 'open' || b.dataset.do === 'fold')) b.remove();
  }
}
for (const root of document.querySelectorAll('.gg-live:not([data-on])')) { root.dataset.on = '1'; start(root); }
})();
"""
