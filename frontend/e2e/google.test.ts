// The page and the browser of a person before a real agent, a storage that wants Google's tokens, and a stand-in for Google.
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, shoot } from './browser';
import { openBefore, startAgent, startGoogle, type Agent, type Before, type Google } from './real';

let browser: Browser;
let agent: Agent;
let { page, context, title, button, picture } = {} as Before;
let google: Google;
const mira = 'mira@lumen.works';

beforeAll(async () => {
  [browser, google] = [await launch(), await startGoogle()];
  agent = await startAgent({ STORAGE_EMULATOR_HOST: google.storage });
  ({ page, context, title, button, picture } = await openBefore(browser, agent, 'real-google'));
}, 240_000);
afterAll(async () => {
  await browser?.close();
  await agent?.end();
  await google?.end();
});

const status = () => JSON.parse(agent.run('status', '--json'));

/** Signs in at Google's page, which the agent opened in the person's browser; what it says at last is returned. */
async function atGoogle(account: string, ticked = true): Promise<string> {
  let address = '';
  await expect.poll(() => (address ||= agent.opened()), { timeout: 60_000 }).not.toBe('');
  const tab = await context.newPage();
  await tab.goto(address);
  await tab.getByRole('heading', { name: 'A stand-in for Google' }).waitFor();
  await tab.getByLabel('Account').fill(account);
  if (!ticked) await tab.getByLabel('See and change your Cloud Storage').uncheck();
  await tab.getByRole('button', { name: 'Allow' }).click();
  await tab.getByRole('heading', { name: /close this tab|Not signed in/ }).waitFor();
  await shoot(tab, `real-google-tab-${ticked ? 'done' : 'refused'}`);
  const text = (await tab.textContent('main')) ?? '';
  await tab.close();
  return text;
}

test('first run with a bucket: signed in, tested, copied, proved', async () => {
  await page.getByRole('link', { name: 'Back up to my own storage' }).click();
  await page.getByLabel('Storage address').fill('gs://memory/mira');
  await button('Test').click();
  await page.getByRole('alert').waitFor(); // nothing of this machine's opens the bucket
  await button('Sign in with Google').click();
  await button('Sign in with Google').click();
  await page.getByLabel('File of your OAuth client').fill(google.client);
  await button('Try again').click();
  expect(await atGoogle(mira, false)).toContain('Access to Cloud Storage was not allowed');
  await page.getByText('Access to Cloud Storage was not allowed.').waitFor();
  await page.getByText(/tick Cloud Storage/).waitFor();
  await picture('unticked');
  await button('Try again').click();
  expect(await atGoogle(mira)).toContain(`You are signed in to Google as ${mira}`);
  await page.getByText('Signed in to Google as').waitFor();
  await button('Test').click();
  await page.getByText('The test worked.').waitFor();
  await picture('tested');
  await button('Start the first copy').click();
  await title('You are protected, proved just now');
  expect(status().healthy).toBe(true);
});

test('a sign-in that Google ended is begun again, and what waited is copied', async () => {
  await page.evaluate(() => { location.hash = '#/home'; });
  await title('You are protected');
  google.revoke(mira);
  agent.sql(`INSERT INTO decisions (decision) VALUES ('while signed out')`);
  await title('Google asks you to sign in again');
  expect(status().healthy).toBe(false);
  await picture('ended');
  await button('Sign in to Google…').click();
  await button(`Sign in as ${mira}`).click();
  await page.getByText('Go on in your browser.').waitFor();
  expect(await atGoogle('jo@lumen.works')).toContain(`the copies belong to ${mira}`);
  await button('Try again').click();
  await atGoogle(mira);
  await title('You are protected');
  expect(agent.run('verify')).toContain('every row is equal, 1 row');
});
