// What the Configuration Manager does beyond HTML: rows for more codes, and a matrix that is worked by the keyboard.

// Where the parts of a tenant stand in one line, the present one is seen.
document.querySelector(".parts [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

// One row more: a copy of the last one, emptied, its ids made its own.
const add = document.querySelector("[data-add-row]");
const rows = document.querySelector("[data-rows]");
if (add && rows) {
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = rows.rows[rows.rows.length - 1].cloneNode(true);
    const place = rows.rows.length + 1;
    for (const field of row.querySelectorAll("input, select")) {
      const label = row.querySelector(`label[for="${field.id}"]`);
      field.id = field.id.replace(/\d+$/, place);
      label.htmlFor = field.id;
      label.firstElementChild.textContent = label.textContent.replace(/\d+$/, place);
      if (field.tagName === "INPUT") field.value = "";
    }
    rows.append(row);
    row.querySelector("input").focus();
  });
}

// The matrix: enabled implies assigned, arrow keys move between fields, and what is changed is seen before it is saved.
const matrix = document.querySelector("[data-matrix]");
if (matrix) {
  const boxes = [...matrix.querySelectorAll("input[type=checkbox]")];
  const first = new Map(boxes.map((box) => [box, box.checked]));
  const told = matrix.querySelector("[data-changed]");
  const keys = matrix.querySelector("[data-keys]");
  keys.hidden = false;

  const show = () => {
    let changed = 0;
    for (const cell of matrix.querySelectorAll(".tie")) {
      const own = [...cell.querySelectorAll("input")].some((box) => box.checked !== first.get(box));
      cell.classList.toggle("changed", own);
      changed += own ? 1 : 0;
    }
    told.textContent = changed === 0 ? "" : changed === 1 ? "1 change is not saved yet" : `${changed} changes are not saved yet`;
    return changed;
  };
  const changes = () => boxes.some((box) => box.checked !== first.get(box));
  // A browser that goes back fills in what was ticked.
  show();

  matrix.addEventListener("change", ({ target }) => {
    const [assigned, enabled] = target.closest(".tie").querySelectorAll("input");
    if (target === enabled && enabled.checked) assigned.checked = true;
    if (target === assigned) enabled.checked = assigned.checked;
    show();
  });

  const column = ({ dataset }) => `${dataset.row}-${dataset.column}`;
  const cells = new Map([...matrix.querySelectorAll(".tie")].map((cell) => [column(cell), cell]));
  matrix.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.(".tie");
    if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
    const [assigned, enabled] = cell.querySelectorAll("input");
    const lower = event.target === enabled;
    const listed = cells.size > 1 && [...cells.keys()].every((key) => key.startsWith("0-"));
    const next = (down, right) => {
      // One agent's queues stand below each other.
      if (listed) [down, right] = [right, down];
      return cells.get(`${Number(cell.dataset.row) + down}-${Number(cell.dataset.column) + right}`);
    };
    const to = {
      ArrowDown: () => (lower ? next(1, 0)?.querySelectorAll("input")[0] : enabled),
      ArrowUp: () => (lower ? assigned : next(-1, 0)?.querySelectorAll("input")[1]),
      ArrowRight: () => next(0, 1)?.querySelectorAll("input")[lower ? 1 : 0],
      ArrowLeft: () => next(0, -1)?.querySelectorAll("input")[lower ? 1 : 0],
    }[event.key]?.();
    if (to) {
      event.preventDefault();
      to.focus();
      to.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  });

  let leaves = false;
  matrix.addEventListener("submit", () => { leaves = true; });
  addEventListener("beforeunload", (event) => {
    if (!leaves && changes()) event.preventDefault();
  });
}
