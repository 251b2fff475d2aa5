// Every view in every state: light, dark, narrow and enlarged, each without an accessibility problem, each as a picture.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dress, launch, open, settled, shoot, sound, type Look } from './browser';

let browser: Browser;
beforeAll(async () => { browser = await launch(); });
afterAll(async () => { await browser.close(); });

const looks: [string, Look][] = [
  ['light', {}], ['dark', { dark: true }], ['320', { width: 320 }], ['200', { width: 380, height: 280 }],
];

/** Shows one view in all looks. It is opened once: the looks are the window's, and the page follows them. */
async function inAllLooks(name: string, scene: string, hash: string, text: string): Promise<void> {
  const { page, trouble, context } = await open(browser, hash, { scene });
  await page.getByText(text).first().waitFor();
  await settled(page);
  for (const [look, wish] of looks) {
    await dress(page, wish);
    await sound(page, trouble);
    await shoot(page, `${name}-${look}`);
  }
  await context.close();
}

const homes = [
  'protected', 'off', 'first-copy', 'proving', 'syncing', 'paused', 'paused-open', 'offline', 'stalled', 'due', 'attention',
  'drill-failed', 'keyless', 'google-ended', 'damaged', 'restoring', 'restored',
];

const at = 'restore?at=2026-11-23T11%3A42%3A30Z';
// scene, address, a text that shows that the view is there
const others: [string, string, string, string][] = [
  ['restore', 'protected', at, 'Brings back 6 rows'], ['restore-undo', 'restored', 'restore', 'You can undo it until 23 Dec.'],
  ['restore-empty', 'first-copy', 'restore', 'The first point appears'],
  ['activity', 'protected', 'activity', '388 changes went up'], ['activity-empty', 'new', 'activity', 'Nothing has happened yet.'],
  ['settings', 'protected', 'settings', 'Save bundle…'], ['restore-keyless', 'keyless', 'restore', 'Give the recovery key here.'], ['settings-keyless', 'keyless', 'settings', 'does not hold its recovery key'],
  ['settings-google', 'google-ended', 'settings', 'Sign in as mira'], ['first-google', 'google-ended', 'first-run/google', 'Sign in as mira'],
  ['settings-several', 'several', 'settings', 'Costs nothing'], ['settings-locked', 'locked', 'settings', 'CODITECT_SYNC_MODE=standalone is set'],
  ['first-choice', 'new', 'first-run', 'Decide later'], ['first-file', 'new', 'first-run/file', 'Which file holds the memory?'],
  ['first-storage', 'new', 'first-run/storage', 'Where should the copy live?'], ['first-copy', 'first-copy', 'first-run', 'First copy: about 50 s left'],
  ['first-proving', 'proving', 'first-run', 'is being proved'], ['first-done', 'protected', 'first-run/copy', 'Restored rows'],
  ['home-signed-out', 'signed-out', 'home', 'Sign in again to go on syncing'], ['first-signin', 'new', 'first-run/sign-in', 'Where is your account?'],
];

const clouds = [
  'synced', 'first-upload', 'first-sync', 'first-proof', 'syncing', 'catching-up', 'proving', 'offline', 'stalled', 'attention', 'unequal', 'mending', 'paused',
  'signed-out', 'off', 'damaged',
];
const accounts: [string, string, string, string][] = [
  ['cloud-choice', 'cloud-new', 'first-run', 'Decide later'], ['cloud-signin', 'cloud-new', 'first-run/sign-in', 'Finish in your browser'],
  ['cloud-first-copy', 'cloud-first-upload', 'first-run/cloud', 'only this makes it green'], ['cloud-first-done', 'cloud-synced', 'first-run/cloud', 'macbook-air'],
  ['cloud-restore', 'cloud-moved', at, 'What changed between 11:42:30 and now'], ['cloud-restore-none', 'cloud-synced', 'restore', 'there are no moments'],
  ['cloud-activity', 'cloud-synced', 'activity', 'Signed in as'], ['cloud-settings', 'cloud-synced', 'settings', 'Sign out…'],
  ['cloud-lost', 'cloud-synced', 'lost', 'Field by field'], ['cloud-lost-empty', 'cloud-moved', 'lost', 'is empty'],
  ['cloud-team', 'cloud-synced', 'team', '3 people, 5 machines. Nobody else.'], ['cloud-team-people', 'cloud-synced', 'team/people', 'They will see billing-service and roadmap.'],
  ['cloud-team-alone', 'cloud-alone', 'team', 'No project yet.'], ['cloud-team-none', 'cloud-alone', 'team/people', 'You are alone here.'],
  ['cloud-team-signed-out', 'cloud-signed-out', 'team', 'to share a project, or to see who sees it.'], ['cloud-team-offline', 'cloud-offline', 'team', 'Who sees it now is not known.'],
  ['cloud-machines', 'cloud-synced', 'machines', 'win-build'], ['cloud-move-plan', 'standalone-joined', 'move', 'Only then: stop copying'],
  ['cloud-move-elsewhere', 'standalone-moving', 'move', 'It was started elsewhere'], ['cloud-home-joined', 'standalone-joined', 'home', 'Move to the cloud…'],
];

describe('views', () => {
  test.each(others)('%s', inAllLooks);
  test.each(accounts)('%s', inAllLooks);
});

describe('home', () => {
  // What shows that all is there: without its key a machine knows no moments to draw.
  const shows: Record<string, string> = { off: 'This memory', keyless: 'Give the recovery key of the copies.' };
  test.each(homes)('%s', (scene) => inAllLooks(`home-${scene}`, scene, 'home', shows[scene] ?? 'Last 8 hours'));

  test.each(clouds)('cloud-%s', (scene) => inAllLooks(`home-cloud-${scene}`, `cloud-${scene}`, 'home', scene === 'off' ? 'This memory' : 'Last 8 hours'));

  test('answers everything on its first screen', async () => {
    const { page, context } = await open(browser, 'home', { scene: 'protected' });
    await page.getByText('macbook-air').waitFor();
    for (const text of ['You are protected', 'Proved 09:12', 'Last 8 hours']) {
      const box = await page.getByText(text).first().boundingBox();
      expect(box!.y + box!.height).toBeLessThan(560);
    }
    await context.close();
  });
});
