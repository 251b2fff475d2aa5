// What the buttons of Home do.
import { agent } from './agent.svelte';
import { api, failureOf } from './api/client';
import type { ActName } from './look';
import { copyText } from './native';
import { go } from './route';

export const forever = '9999-01-01T00:00:00Z';
export const never = '0001-01-01T00:00:00Z';

/** Tomorrow morning at eight. */
export function tomorrow(now: Date): string {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1, 8).toISOString();
}

export async function pauseUntil(until: string): Promise<void> { agent.take(await api.prefs({ paused_until: until })); }

/** Kicks what goes up. It is not waited for longer than a person waits: it goes on by itself. */
async function tryNow(): Promise<void> {
  try {
    agent.take((await api.push({}, AbortSignal.timeout(15_000))).status);
  } catch (e) {
    if (failureOf(e).code !== 'canceled') throw e;
  }
}

/** Does what a button of Home says; its promise ends when that is done. */
export async function perform(name: ActName): Promise<void> {
  switch (name) {
    case 'prove': await (agent.reading?.cloud ? api.prove() : api.verify()); return;
    case 'try-now': return tryNow();
    case 'rebuild': agent.take(await api.rebuild()); return;
    case 'sync-on': agent.take(await api.prefs({ mode: 'cloud' })); return;
    case 'move': return go('move');
    case 'lost': return go('lost');
    case 'resume': return pauseUntil(never);
    case 'pause-tomorrow': return pauseUntil(tomorrow(new Date()));
    case 'pause-open': return pauseUntil(forever);
    case 'protect': agent.take(await api.prefs({ mode: 'standalone' })); return;
    case 'own-storage': case 'check-storage': return go('first-run/storage');
    case 'give-key': return go('restore');
    case 'sign-in-google': return go('first-run/google');
    case 'choose-file': return go('first-run/file');
    case 'set-up': return go('first-run');
    case 'sign-in': return go('first-run/sign-in');
    case 'restore': case 'show-restore': return go('restore');
    case 'restore-newest': return go(`restore?at=${encodeURIComponent(agent.status?.standalone?.last_replicated_at ?? '')}`);
    case 'details': await copyText(JSON.stringify(agent.status, null, 2));
  }
}
