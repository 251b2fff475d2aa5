import { agent } from './agent.svelte';
import { timeOf } from './format';
import { session } from './restore.svelte';
import { words } from './words';

/** Undoes the last restore; its progress and result show in Restore. */
export function undoLast(): Promise<void> {
  const undo = agent.status?.undo;
  const moment = timeOf(undo?.point.time) ?? agent.now;
  return session.undo({ kind: 'undo', moment, undoFor: 0, totals: null, where: agent.status?.standalone?.target ?? words.storage });
}
