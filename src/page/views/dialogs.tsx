/** What opens over the page: keys, a rescan, a text to copy, what runs where, the token. */
import { useEffect, useRef, useState } from "preact/hooks";
import { keys } from "../keys.ts";
import { ageText, durationText, grouped, shown } from "../words.ts";
import { usePage } from "./hooks.ts";

export function Dialogs() {
  const { desk, shell } = usePage();
  if (desk.needsToken) return <Token />;
  if (shell.address.isQueue) return <QueueTable />;
  switch (shell.dialog) {
    case "help":
      return <Help />;
    case "rescan":
      return <Rescan />;
    case "text":
      return <TextToCopy />;
    default:
      return null;
  }
}

function Dialog({
  title,
  children,
  isFixed = false,
  onClose,
}: {
  title: string;
  children: preact.ComponentChildren;
  isFixed?: boolean;
  onClose?: () => void;
}) {
  const { shell } = usePage();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const { current } = dialog;
    if (current && !current.open) current.showModal();
    return () => current?.close();
  }, []);
  const close = () => {
    if (onClose) onClose();
    else if (!isFixed) shell.set({ dialog: undefined });
  };
  return (
    <dialog
      ref={dialog}
      {...{ closedby: isFixed ? "none" : "any" }}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
    >
      <div class="dialog">
        <h2>{title}</h2>
        {!isFixed && (
          <button type="button" class="close" aria-label="Close" onClick={close}>
            ×
          </button>
        )}
        {children}
      </div>
    </dialog>
  );
}

function Help() {
  const { shell } = usePage();
  return (
    <Dialog title="Keys">
      <dl class="keys">
        {keys.map(({ names, what }) => (
          <div key={what}>
            <dt>
              {names.map((name) => (
                <kbd key={name}>{name === " " ? "space" : name}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p>
        <label class="check">
          <input type="checkbox" checked={shell.hasKeys} onChange={() => shell.toggleKeys()} />
          Single keys do this, outside of fields
        </label>
      </p>
      <p class="muted small">
        On the map: drag to pan, wheel or two fingers to zoom, click a pixel for its fits.
      </p>
    </Dialog>
  );
}

/** "8:0 64:12" → {"8": 0, "64": 12}; as it is written where it cannot be read, so that the desk says why. */
export function nsidesOf(text: string): Record<string, number> {
  return Object.fromEntries(
    text
      .trim()
      .split(/[\s,]+/)
      .map((part) => {
        const [nside, count] = part.split(":");
        return [nside ?? "", Number(count ?? 0)];
      }),
  );
}

function Rescan() {
  const { desk, shell } = usePage();
  const { a } = shell;
  const [reco, setReco] = useState(a?.reco ?? "");
  const [nsides, setNsides] = useState(a?.nsides ?? "");
  const [refusal, setRefusal] = useState<string>();
  if (!a) return null;
  return (
    <Dialog title="Rescan">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void shell.rescan(a, { reco_algo: reco, nsides: nsidesOf(nsides) }).then(setRefusal);
        }}
      >
        <label>
          Algorithm
          <select value={reco} onChange={(event) => setReco(event.currentTarget.value)}>
            {[...new Set([a.reco, ...(desk.info?.recos ?? [])])].map((name) => (
              <option key={name} value={name}>
                {shown(name)}
              </option>
            ))}
          </select>
        </label>
        <label>
          Nsides, and pixels of the coarser one that each refines
          <input
            value={nsides}
            onInput={(event) => setNsides(event.currentTarget.value)}
            spellcheck={false}
          />
        </label>
        {refusal && <p class="refusal">{refusal}</p>}
        <p class="row">
          <button type="submit" class="primary">
            Scan
          </button>
        </p>
      </form>
    </Dialog>
  );
}

function TextToCopy() {
  const { shell } = usePage();
  if (!shell.text) return null;
  const { title, content } = shell.text;
  return (
    <Dialog title={shown(title)}>
      <pre class="text">{content}</pre>
      <p class="row">
        <button type="button" class="primary" onClick={() => void shell.copy(content)}>
          Copy
        </button>
      </p>
    </Dialog>
  );
}

function Token() {
  const { shell } = usePage();
  const [token, setToken] = useState("");
  return (
    <Dialog title="This desk asks for a token." isFixed>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void shell.enter(token);
        }}
      >
        <label>
          Token
          <input
            type="password"
            autoComplete="current-password"
            value={token}
            onInput={(event) => setToken(event.currentTarget.value)}
          />
        </label>
        {shell.message?.isBad && <p class="refusal">{shell.message.text}</p>}
        <p class="row">
          <button type="submit" class="primary">
            Enter
          </button>
        </p>
      </form>
    </Dialog>
  );
}

function QueueTable() {
  const { desk, shell } = usePage();
  const { queue } = desk;
  useEffect(() => void desk.loadQueue(), [desk, desk.clients]);
  const close = () => shell.closeQueue();
  if (!queue)
    return (
      <Dialog title="What runs where" onClose={close}>
        asking…
      </Dialog>
    );
  const nameOf = (id: string | null) => {
    const row = id === null ? undefined : desk.rows.get(id);
    return row
      ? `${row.event ? `run ${row.event.run}` : row.alert} · ${shown(row.reco)}`
      : (id ?? "–");
  };
  return (
    <Dialog title="What runs where" onClose={close}>
      <p>
        <b>{queue.workers.busy}</b> of <b>{queue.workers.all}</b> workers busy ·{" "}
        <b>{grouped(queue.rate)}</b> fits/s
      </p>
      <Table
        titles={["scan", "priority", "workers", "had", "fits/s"]}
        rows={queue.order.map(({ scan, priority, workers, served, rate }) => [
          nameOf(scan),
          String(priority),
          String(workers),
          durationText(served),
          rate === null ? "–" : grouped(rate),
        ])}
      />
      <Table
        titles={["client", "host", "workers", "state", "scan", "since"]}
        rows={queue.clients.map(({ id, host, is_local, workers, state, scan, since }) => [
          shown(id),
          is_local ? "this machine" : shown(host),
          String(workers),
          state,
          nameOf(scan),
          ageText(desk.now() - since),
        ])}
      />
    </Dialog>
  );
}

function Table({
  titles,
  rows,
}: {
  titles: readonly string[];
  rows: readonly (readonly string[])[];
}) {
  if (rows.length === 0) return null;
  return (
    <div class="table">
      <table>
        <thead>
          <tr>
            {titles.map((title) => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.join()}>
              {row.map((cell, i) => (
                <td key={titles[i]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
