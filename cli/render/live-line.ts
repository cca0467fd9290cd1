/** One line at the bottom of a terminal that says what is happening right now. Without a terminal it is never drawn. */
import { formatBytes } from '../../shared/base/bytes.ts';
import type { RunEvent } from '../../shared/domain/events.ts';
import type { Terminal } from '../surroundings.ts';
import { formatCount } from './text.ts';

const CLEAR = '\r\u001b[K';
/** Redrawing oftener than this only flickers. */
const REDRAW_MS = 100;

export class LiveLine implements Disposable {
  readonly #terminal: Terminal;
  readonly #enabled: boolean;
  readonly #nowMs: () => number;
  #drawnAt = Number.NEGATIVE_INFINITY;
  #text = '';
  /** What the phases of the job count. */
  counts = 'files';

  constructor(terminal: Terminal, enabled: boolean, nowMs: () => number = () => performance.now()) {
    this.#terminal = terminal;
    this.#enabled = enabled && terminal.interactive;
    this.#nowMs = nowMs;
  }

  update(event: RunEvent): void {
    const text = describe(event, this.counts);
    if (!this.#enabled || text === undefined) return;
    if (event.type === 'progress' && this.#nowMs() - this.#drawnAt < REDRAW_MS) return;
    this.#text = Array.from(text)
      .slice(0, Math.max(0, this.#terminal.columns() - 1))
      .join('');
    this.#draw();
  }

  /** Prints lines above the live line. */
  above(print: () => void): void {
    this.#erase();
    print();
    if (this.#text !== '') this.#draw();
  }

  [Symbol.dispose](): void {
    this.#erase();
    this.#text = '';
  }

  #draw(): void {
    this.#drawnAt = this.#nowMs();
    this.#terminal.out(CLEAR + this.#text);
  }

  #erase(): void {
    if (this.#text !== '') this.#terminal.out(CLEAR);
  }
}

/** What the live line says after this event; undefined leaves it as it is. */
function describe(event: RunEvent, things: string): string | undefined {
  if (event.type === 'phase-started') return `  ${event.phase} …`;
  if (event.type !== 'progress') return undefined;
  const parts: string[] = [];
  if (event.bytesTotal !== undefined && event.bytesTotal > 0) {
    // A phase that is still running is not done, whatever it has counted.
    parts.push(`${Math.min(99, Math.floor((event.bytesDone / event.bytesTotal) * 100))} %`);
  }
  parts.push(
    of(formatBytes(event.bytesDone), event.bytesTotal === undefined ? undefined : formatBytes(event.bytesTotal)),
  );
  parts.push(
    `${of(formatCount(event.filesDone), event.filesTotal === undefined ? undefined : formatCount(event.filesTotal))} ${things}`,
  );
  return `  ${event.phase}  ${parts.join(', ')}`;
}

function of(done: string, total: string | undefined): string {
  return total === undefined ? done : `${done} of ${total}`;
}
