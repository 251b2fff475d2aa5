// What the page knows of the agent: its newest status, kept fresh by a long poll, and the time.
import { api, failureOf } from './api/client';
import type { Status } from './api/types';
import { localeOf, makeFormat } from './format';
import { goneLook, lookOf, Reading } from './look';

const tick = 5_000; // remaining times change at most that often (LANGUAGE §8)
const patience = [1_000, 2_000, 5_000];

export const f = makeFormat(localeOf(navigator.languages));

class Agent {
  status = $state.raw<Status | null>(null);
  gone = $state(false);
  /** Why there is no status, when that is not because no agent runs: it answered, but not with one. */
  refusal = $state('');
  now = $state.raw(new Date());
  reading = $derived(this.status && !this.gone ? new Reading(this.status, this.now, f) : null);
  look = $derived(this.gone ? goneLook() : this.status ? lookOf(this.status, this.now, f) : null);
  /** Changes when something was copied, so that what depends on it is asked for again. */
  copies = $derived(`${this.status?.standalone?.target} ${this.status?.standalone?.replicated_txid} ${this.status?.cloud?.last_synced_at} ${this.status?.cloud?.rejected}`);
  #rev = 0;
  #run = '';

  /** Follows the agent until the signal ends it. */
  async follow(signal: AbortSignal): Promise<void> {
    const clock = setInterval(() => { this.now = new Date(); }, tick);
    signal.addEventListener('abort', () => clearInterval(clock));
    for (let failures = 0; !signal.aborted;) {
      try {
        const { status, run } = await api.status(this.#rev, this.#run, signal);
        this.#run = run;
        this.take(status, true);
        failures = 0;
      } catch (e) {
        if (signal.aborted) return;
        const failure = failureOf(e);
        this.refusal = failure.code === 'not_running' ? '' : failure.message;
        this.gone = true;
        this.#rev = 0;
        await pause(patience[Math.min(failures++, patience.length - 1)]!, signal);
      }
    }
  }

  /** Shows a status that an action brought back, unless a newer one is there. */
  take(status: Status, polled = false): void {
    if (!polled && status.rev < this.#rev) return;
    this.#rev = status.rev;
    this.now = new Date();
    this.status = status;
    this.gone = false;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', () => { clearTimeout(timer); done(); }, { once: true });
  });
}

export const agent = new Agent();
