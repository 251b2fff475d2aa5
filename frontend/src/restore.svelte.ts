// A restore that runs goes on while other views are shown, so it is kept here and not in the view.
import { agent } from './agent.svelte';
import { api, failureOf, type Failure, type Restore } from './api/client';
import type { RestoreResult } from './api/types';
import type { Totals } from './preview';

export const stages = ['fetch', 'check', 'keep', 'write', 'compare'] as const;
export type Stage = (typeof stages)[number];

export interface Job { kind: 'restore' | 'rows' | 'save' | 'undo'; moment: Date; undoFor: number; totals: Totals | null; where: string }

/** When a restore of now can be undone no more; undoFor is in nanoseconds. */
export const undoableUntil = (undoFor: number): Date => new Date(agent.now.getTime() + undoFor / 1e6);

class Session {
  job = $state.raw<Job | null>(null);
  running = $state(false);
  result = $state.raw<RestoreResult | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** When each stage was first seen. A check is seen twice: before the file is written and after. */
  seen = $state<Partial<Record<Stage, Date>>>({});
  #abort: AbortController | null = null;

  restore(req: Restore, job: Job): Promise<void> { return this.#run(job, (signal) => api.restore(req, signal)); }
  undo(job: Job): Promise<void> { return this.#run(job, (signal) => api.undo(signal)); }
  /** Hanging up is how the agent is told to put everything back. */
  cancel(): void { this.#abort?.abort(); }
  reset(): void { [this.job, this.result, this.failure] = [null, null, null]; }

  async #run(job: Job, ask: (signal: AbortSignal) => Promise<RestoreResult>): Promise<void> {
    if (this.running) return;
    this.#abort = new AbortController();
    [this.job, this.result, this.failure, this.seen, this.running] = [job, null, null, {}, true];
    try {
      this.result = await ask(this.#abort.signal);
    } catch (e) {
      this.failure = failureOf(e);
    } finally {
      this.running = false;
    }
  }

  /** Notes what a status says about the stage. */
  watch(): void {
    const stage = this.#stageOf(agent.status?.progress?.phase);
    if (stage && !this.seen[stage]) this.seen[stage] = new Date();
  }

  #stageOf(phase: string | undefined): Stage | null {
    switch (phase) {
      case 'fetch': return 'fetch';
      case 'flush': return this.seen.compare ? 'compare' : 'keep';
      case 'replace': return 'write';
      case 'check': return this.seen.write ? 'compare' : 'check';
      default: return null;
    }
  }
}

export const session = new Session();
