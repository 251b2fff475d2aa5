// A move between the modes goes on while other views are shown, so it is kept here and not in the view.
import { agent } from './agent.svelte';
import { api, failureOf, type Failure } from './api/client';
import type { MoveRequest, MoveResult } from './api/types';

export type Way = 'cloud' | 'standalone';

class Journey {
  to = $state<Way>('cloud');
  running = $state(false);
  stopping = $state(false);
  result = $state.raw<MoveResult | null>(null);
  failure = $state.raw<Failure | null>(null);
  #abort: AbortController | null = null;

  async start(to: Way): Promise<void> {
    if (this.running) return;
    this.#abort = new AbortController();
    [this.to, this.running, this.stopping, this.result, this.failure] = [to, true, false, null, null];
    try {
      const req: MoveRequest = { to };
      this.result = await api.move(req, this.#abort.signal);
      agent.take(this.result.status);
    } catch (e) {
      this.failure = failureOf(e);
    } finally {
      this.running = false;
    }
  }
  /** It ends after the step at hand. */
  stop(): void {
    this.stopping = true;
    this.#abort?.abort();
  }
  reset(): void { [this.result, this.failure] = [null, null]; }
}

export const journey = new Journey();
