// Something asked of the agent: its newest answer is kept while a newer one is on its way.
import { failureOf, type Failure } from './api/client';

export class Resource<T> {
  value = $state.raw<T | null>(null);
  failure = $state.raw<Failure | null>(null);
  #asked = 0;

  constructor(private readonly ask: () => Promise<T>) {}

  /** Asks again. The answer to the newest question counts. */
  async load(): Promise<void> {
    const mine = ++this.#asked;
    try {
      const value = await this.ask();
      if (mine === this.#asked) [this.value, this.failure] = [value, null];
    } catch (e) {
      if (mine === this.#asked) this.failure = failureOf(e);
    }
  }
}

/** Calls f now and whenever key changes, but at most once in every ms. */
export function whenever(key: () => string, f: () => void, ms = 10_000): void {
  let last = 0;
  $effect(() => {
    key();
    const wait = last === 0 ? 0 : Math.max(0, last + ms - performance.now());
    const timer = setTimeout(() => { last = performance.now(); f(); }, wait);
    return () => clearTimeout(timer);
  });
}
