"use strict";
(() => {
  // All text from the data goes in by textContent: an id that looks like markup stays text.
  const { palettes, tasks } = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const table = byId("tasks");
  const bodies = [...table.tBodies];
  const state = { key: "", descending: false };

  const element = (name, css, text) => {
    const made = document.createElement(name);
    if (css) made.className = css;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const parse = (text) => text.split("/").map((row) => [...row].map(Number));
  const sizeOf = (grid) => `${grid.length} × ${grid[0].length}`;
  const sameSize = (a, b) => a.length === b.length && a[0].length === b[0].length;

  // Cells of `grid` that are not as in `wanted`, as [row][column]; null where the sizes differ.
  const differing = (grid, wanted) =>
    sameSize(grid, wanted) ? grid.map((row, r) => row.map((cell, c) => cell !== wanted[r][c])) : null;

  const draw = (canvas) => {
    const { grid, marks, room } = canvas.drawing;
    const digits = byId("digits").checked;
    const colours = palettes[byId("palette").value];
    const [rows, columns] = [grid.length, grid[0].length];
    let side = Math.max(5, Math.min(22, Math.floor(room / Math.max(rows, columns))));
    if (digits) side = Math.max(side, 13);
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [columns * side + 1, rows * side + 1];
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.style.width = `${width}px`;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.fillStyle = "#5c5c5c";
    context.fillRect(0, 0, width, height);
    context.font = `${Math.round(side * 0.68)}px ui-monospace, monospace`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    grid.forEach((line, r) => line.forEach((cell, c) => {
      const [x, y] = [c * side + 1, r * side + 1];
      context.fillStyle = colours[cell];
      context.fillRect(x, y, side - 1, side - 1);
      if (marks && marks[r][c]) mark(context, x, y, side - 1);
      if (digits) {
        context.fillStyle = isDark(colours[cell]) ? "#ffffff" : "#000000";
        context.fillText(cell, x + (side - 1) / 2, y + side / 2);
      }
    }));
  };
  // Two rings, black in white, stand out from each of the ten colours.
  const mark = (context, x, y, side) => {
    const wide = side >= 10 ? 2 : 1;
    context.lineWidth = wide;
    context.strokeStyle = "#ffffff";
    context.strokeRect(x + wide / 2, y + wide / 2, side - wide, side - wide);
    context.lineWidth = 1;
    context.strokeStyle = "#000000";
    context.strokeRect(x + wide + 0.5, y + wide + 0.5, side - 2 * wide - 1, side - 2 * wide - 1);
  };
  const isDark = (colour) => {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return 0.299 * r + 0.587 * g + 0.114 * b < 128;
  };

  // `room`: pixels that the longer side may take.
  const figure = (name, text, { marks = null, room = 230, note = "", good = null, missing = "not a valid grid" } = {}) => {
    const made = element("figure");
    const caption = element("figcaption");
    caption.append(element("b", "", name));
    made.append(caption);
    if (!text) {
      made.append(element("div", "none", missing));
      return made;
    }
    const grid = parse(text);
    caption.append(` ${sizeOf(grid)}`);
    if (good !== null) caption.append(" ", element("span", good ? "good" : "poor", good ? "right" : "wrong"));
    if (note) caption.append(element("br"), note);
    made.append(picture(text, name, { marks, room }));
    return made;
  };
  const picture = (text, name, { marks = null, room }) => {
    const grid = parse(text);
    const canvas = element("canvas");
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `${name}, ${sizeOf(grid)}: ${text.replaceAll("/", ", ")}`);
    canvas.drawing = { grid, marks, room };
    draw(canvas);
    return canvas;
  };

  const attemptNote = (attempt, output, wrong) => {
    const notes = [];
    if (wrong) notes.push(`${wrong} ${wrong === 1 ? "cell" : "cells"} wrong`);
    if (attempt.v) notes.push(`${attempt.v} of ${output.n} votes`);
    if (attempt.s) notes.push(attempt.s);
    if (attempt.u) notes.push(attempt.u);
    if (attempt.v && attempt.c) notes.push(`confidence ${attempt.c.toFixed(2)}`);
    return notes.join(" · ");
  };

  const testFigures = (task, output, number) => {
    const line = element("div", "grids answers");
    if (task.test[number]) line.append(figure("Input", task.test[number]));
    const wanted = output.e && parse(output.e);
    const wrongIn = [];
    output.a.forEach((attempt, index) => {
      const marks = attempt.g && wanted ? differing(parse(attempt.g), wanted) : null;
      const wrong = marks ? marks.flat().filter(Boolean).length : null;
      if (marks) wrongIn.push(marks);
      const good = wanted && attempt.g ? attempt.g === output.e : null;
      const note = attemptNote(attempt, output, wrong);
      line.append(figure(`Attempt ${index + 1}`, attempt.g, { marks, note, good, missing: "no valid grid" }));
    });
    if (wanted) {
      // On the expected grid: what no attempt of its size has right.
      const marks = wrongIn.length
        ? wanted.map((row, r) => row.map((_, c) => wrongIn.every((marked) => marked[r][c]))) : null;
      line.append(figure("Expected", output.e, { marks, note: poolNote(output) }));
    }
    return line;
  };
  // What was done for an attempt, and its steps folded away; they are drawn when they are opened.
  const programs = (output) => {
    const list = element("div", "programs");
    output.a.forEach((attempt, index) => {
      if (!attempt.r) return;
      const name = element("b", "", `Attempt ${index + 1}: `);
      if (!attempt.x) {
        const line = element("p");
        line.append(name, attempt.r);
        if (attempt.no) line.append(element("span", "faint", ` (${attempt.no})`));
        list.append(line);
        return;
      }
      const details = element("details");
      const summary = element("summary");
      summary.append(name, attempt.r);
      details.append(summary);
      details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1) details.append(...attempt.x.flatMap(walk));
      });
      list.append(details);
    });
    return list;
  };
  // The steps on one pair: each with its words and what there is after it.
  const walk = (shown) => {
    const steps = element("div", "grids steps");
    shown.steps.forEach(([caption, count, grids]) => {
      const more = count > grids.length ? `, ${grids.length} of ${count} images` : "";
      steps.append(step(caption + more, grids));
    });
    if (shown.wanted) steps.append(step("wanted", [shown.wanted]));
    return [element("h4", "", shown.on), steps, element("p", "faint", `= ${shown.end}`)];
  };
  const step = (caption, grids) => {
    const made = element("figure");
    const first = parse(grids[0]);
    made.append(element("figcaption", "", grids.length > 1 ? caption : `${caption} (${sizeOf(first)})`));
    const row = element("div", "images");
    grids.forEach((text) => row.append(picture(text, caption, { room: grids.length > 1 ? 70 : 150 })));
    made.append(row);
    return made;
  };
  const poolNote = (output) => {
    if (output.d === undefined) return "";
    if (!output.p) return `not among ${output.d} different candidates`;
    const votes = output.n ? `, ${output.pv} ${output.pv === 1 ? "vote" : "votes"}` : "";
    return `candidate ${output.p} of ${output.d}${votes}`;
  };

  // What the table leaves out where the window is narrow.
  const factsOf = (body) => [...body.rows[0].cells].flatMap((cell, index) =>
    cell.className === "wide" ? [`${heads[index].textContent}: ${cell.textContent}`] : []).join(" · ");

  // Demonstrations and tests count from 0, as in every message of the command line.
  const detailOf = (body) => {
    const task = tasks[body.dataset.index];
    const row = element("tr", "detail");
    const cell = element("td");
    cell.colSpan = table.tHead.rows[0].cells.length;
    const box = element("div", "box");
    box.append(element("p", "facts", factsOf(body)));
    if (task.bad.length) {
      const list = element("ul", "bad");
      task.bad.forEach((text) => list.append(element("li", "", text)));
      box.append(list);
    }
    if (task.train.length) box.append(element("h3", "", "Demonstrations"));
    const demonstrations = element("div", "grids");
    task.train.forEach(([input, output], index) => {
      const pair = element("div", "pair");
      const [from, to] = [["Input", input], ["Output", output]].map(
        ([name, text]) => figure(`${name} ${index}`, text, { room: 150 }));
      pair.append(from, element("span", "", "→"), to);
      demonstrations.append(pair);
    });
    box.append(demonstrations);
    task.out.forEach((output, number) => {
      box.append(element("h3", "", `Test ${number}`), testFigures(task, output, number), programs(output));
    });
    cell.append(box);
    row.append(cell);
    return row;
  };

  const toggle = (body) => {
    const button = body.querySelector("button");
    const open = button.getAttribute("aria-expanded") === "true";
    button.setAttribute("aria-expanded", String(!open));
    if (open) {
      body.rows[1].remove();
    } else {
      body.append(detailOf(body));
      history.replaceState(null, "", `#${encodeURIComponent(body.dataset.id)}`); // to send or to come back to
    }
  };

  const value = (id) => (byId(id) ? byId(id).value : "");
  const filter = () => {
    const wanted = value("find").trim().toLowerCase();
    let shown = 0;
    bodies.forEach((body) => {
      const { id, status, source, label } = body.dataset;
      const fits = id.toLowerCase().includes(wanted)
        && (!value("status") || status === value("status"))
        && (!value("source") || source.includes(value("source")))
        && (!value("label") || (value("label") === "-" ? !label : `=${label}` === value("label")));
      body.hidden = !fits;
      shown += fits;
    });
    byId("shown").textContent = shown === bodies.length ? `${shown} tasks` : `${shown} of ${bodies.length} tasks`;
  };

  const heads = [...table.tHead.rows[0].cells];
  const ranks = [...byId("status").options].map((option) => option.value);
  const compare = (a, b, key, kind) => {
    const [x, y] = [a.dataset[key], b.dataset[key]];
    if (kind === "text") return x < y ? -1 : Number(x > y);
    if (kind === "rank") return ranks.indexOf(x) - ranks.indexOf(y);
    return Number(x) - Number(y);
  };
  const sort = (key, descending) => {
    Object.assign(state, { key, descending });
    heads.forEach((cell) => cell.removeAttribute("aria-sort"));
    byId("sort").value = key && `${key} ${descending ? "down" : "up"}`;
    if (!key) {
      table.append(...bodies.sort((a, b) => a.dataset.index - b.dataset.index));
      return;
    }
    const head = heads.find((cell) => cell.dataset.key === key);
    const { kind } = head.dataset;
    // What is not known comes last whichever way round; ties keep the order of the file.
    const known = (body) => body.dataset[key] !== "";
    bodies.sort((a, b) => known(b) - known(a)
      || (descending ? -1 : 1) * (known(a) ? compare(a, b, key, kind) : 0)
      || a.dataset.index - b.dataset.index);
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    table.append(...bodies);
  };

  heads.forEach((cell) => {
    const { key, kind } = cell.dataset;
    const name = cell.textContent;
    const button = element("button", "", name);
    button.type = "button";
    button.addEventListener("click", () => {
      const again = state.key === key;
      sort(key, again ? !state.descending : kind === "number");
    });
    cell.replaceChildren(button);
    [["up", "▲"], ["down", "▼"]].forEach(([way, sign]) => {
      const option = element("option", "", `${name} ${sign}`);
      option.value = `${key} ${way}`;
      byId("sort").append(option);
    });
  });

  const redraw = () => table.querySelectorAll("canvas").forEach(draw);
  const on = (id, kind, action) => { if (byId(id)) byId(id).addEventListener(kind, action); };
  ["find", "status", "source", "label"].forEach((id) => on(id, "input", filter));
  on("sort", "input", () => { const [key, way] = value("sort").split(" "); sort(key, way === "down"); });
  on("palette", "input", redraw);
  on("digits", "input", redraw);
  on("theme", "input", () => { document.documentElement.dataset.theme = value("theme"); });
  on("tools", "submit", (event) => event.preventDefault());
  table.addEventListener("click", (event) => {
    const button = event.target.closest("tbody th button");
    if (button) toggle(button.closest("tbody"));
  });
  document.addEventListener("keydown", (event) => {
    const inField = event.target.closest("input, select");
    if (event.key === "/" && !inField) {
      event.preventDefault();
      byId("find").focus();
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const body = step && event.target.closest("#tasks > tbody");
    if (!body) return;
    const shown = bodies.filter((other) => !other.hidden);
    const next = shown[shown.indexOf(body) + step];
    if (next) {
      event.preventDefault();
      next.querySelector("button").focus();
    }
  });
  byId("tools").hidden = false;
  filter();
  const named = bodies.find((body) => `#${encodeURIComponent(body.dataset.id)}` === location.hash);
  if (named) {
    toggle(named);
    named.scrollIntoView({ block: "nearest" });
  }
})();
