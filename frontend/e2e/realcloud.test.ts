// The page and the browser of a person before a real agent and a real cloud: signing in to the first proof, rows from another
// program, lost & found, signing out.
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, person, shoot, sound, watched } from './browser';
import { startAgent, startCloud, type Agent, type Cloud } from './real';

let browser: Browser;
let context: BrowserContext;
let page: Page;
let agent: Agent;
let jonas: Agent; // somebody else's, with a browser of its own
let other: BrowserContext;
let cloud: Cloud;
const trouble: string[] = [];

beforeAll(async () => {
  [browser, cloud, agent] = [await launch(), await startCloud(), await startAgent()];
  context = await browser.newContext(person);
  page = await newTab(context);
  jonas = await startAgent();
  other = await browser.newContext(person);
  await page.goto(`${agent.address}/`);
}, 600_000);
afterAll(async () => {
  await browser?.close();
  await agent?.end();
  await jonas?.end();
  cloud?.end();
}, 120_000);

async function newTab(by: BrowserContext): Promise<Page> {
  const tab = await by.newPage();
  tab.setDefaultTimeout(120_000);
  watched(tab, trouble, /\/native$|\/api\/|favicon|sign-in/); // a refused password is a 422, which the browser tells the console
  return tab;
}

const title = (text: string | RegExp) => page.getByRole('heading', { level: 1, name: text }).waitFor();
const button = (name: string | RegExp) => page.getByRole('button', { name });
const view = (name: string) => page.evaluate((to) => { location.hash = `#/${to}`; }, name);
const picture = async (name: string, of = page) => { await sound(of, trouble); await shoot(of, `real-cloud-${name}`); };
const status = () => JSON.parse(agent.run('status', '--json'));
const same = /^This machine and the cloud (hold the same|are both empty)/;

/** The tab that an agent opened in its person's browser. */
async function opened(by: Agent, where: BrowserContext): Promise<Page> {
  let address = '';
  await expect.poll(() => (address ||= by.opened()), { timeout: 120_000 }).not.toBe('');
  const tab = await newTab(where);
  await tab.goto(address);
  return tab;
}

/** Signs an installation in with a code, to the first proof. */
async function signIn(at: Page, machine: Agent, email: string, password: string): Promise<void> {
  await at.goto(`${machine.address}/#/sign-in`);
  await at.getByLabel('Address of the server').fill(cloud.address);
  await at.getByRole('button', { name: 'Sign in' }).click();
  await at.getByRole('button', { name: 'Use a code instead' }).click();
  await at.getByRole('heading', { level: 1, name: 'Finish on any machine with a browser' }).waitFor();
  await picture('code', at);
  const tab = await newTab(at.context());
  await tab.goto((await at.locator('h1 + p b').textContent())!);
  await tab.getByLabel('Code that the machine shows').fill((await at.locator('.code code').textContent())!);
  await tab.getByLabel('Email address').fill(email);
  await tab.getByLabel('Password').fill(password);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.getByText('You can close this tab').first().waitFor();
  await tab.close();
  await at.getByRole('heading', { level: 1, name: same }).waitFor();
}

test('a fresh installation signs in with a browser, to the first proof', async () => {
  await title('Keep what your AI work has learned');
  await page.getByRole('link', { name: /^Sign in/ }).click();
  await page.getByLabel('Address of the server').fill(cloud.address);
  await button('Sign in').click();
  await title('Finish in your browser');
  await picture('waiting');

  const tab = await opened(agent, context);
  await tab.getByLabel('Email address').fill(cloud.email);
  await tab.getByLabel('Password').fill('not the password');
  await picture('sign-in', tab);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.getByRole('alert').waitFor();
  await tab.getByLabel('Password').fill(cloud.password);
  await tab.getByRole('button', { name: 'Sign in' }).click();
  await tab.getByRole('heading', { level: 1, name: 'You can close this tab' }).waitFor();
  expect(new URL(tab.url()).hostname).toBe('127.0.0.1');
  expect(await tab.evaluate(() => document.body.innerText)).not.toContain('code=');
  await picture('signed-in', tab);
  await tab.close();

  await title(same);
  await page.getByText('Proved just now, table by table.').waitFor();
  await picture('proved');
  await page.getByRole('link', { name: 'Done' }).click();
  await title(same);
  expect(status().healthy).toBe(true);
  expect(status().cloud.last_proof.rows).toBe(0);
});

test('what another program writes goes up, and home says so', async () => {
  agent.sql(`INSERT INTO decisions (decision) VALUES ('the first')`);
  agent.sql(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 40) INSERT INTO decisions (decision) SELECT 'Decision ' || i || ' <img src=x onerror="window.pwned=1">' FROM n`);
  agent.run('push');
  agent.run('verify');
  await view('home');
  await title(/hold the same 41 rows/);
  expect(status().cloud.pending_uploads ?? 0).toBe(0);
  await expect.poll(() => page.locator('.asTable tbody td').last().textContent(), { timeout: 60_000 }).toBe('41');
  await picture('home');
  expect(await page.evaluate(() => (window as { pwned?: unknown }).pwned)).toBeUndefined();
});

test('the machine is in the list', async () => {
  await view('settings');
  await page.getByText(cloud.email).first().waitFor();
  await page.getByText('Everything of this machine is in the cloud.').waitFor();
  await picture('settings');
  await view('machines');
  await page.getByText('This machine').first().waitFor();
  await picture('machines');
});

test('a row that nobody recorded is found, named, and kept', async () => {
  agent.sql(`BEGIN; UPDATE _coditect_capture SET applying = 1; UPDATE decisions SET decision = 'behind' WHERE decision = 'the first'; UPDATE _coditect_capture SET applying = 0; COMMIT`);
  expect(() => agent.run('verify')).toThrow();
  await expect.poll(() => JSON.parse(agent.run('lost', 'list', '--json')).length, { timeout: 120_000 }).toBe(1);
  await view('lost');
  await page.getByText('behind').first().waitFor();
  await picture('lost');
});

test('a project is shared with a team, and the machine of somebody who was invited gets its rows', async () => {
  agent.sql(`INSERT INTO projects (id, name) VALUES ('plans', 'Plans')`);
  agent.sql(`INSERT INTO decisions (id, decision, rationale, project_id) VALUES ('shared', 'Retry 3 times', 'It was enough', 'plans'), ('second', 'Park the event', 'Nothing is lost', 'plans')`);
  agent.run('push');
  await view('team/people');
  await page.getByLabel('Name of the new team').fill('Platform');
  await button('Make the team').click();
  await page.getByText('The team Platform is there.').waitFor();
  await page.getByLabel('Invite by e-mail').fill('wrong@example.com');
  await button('Invite').click();
  const wrong = page.locator('.row', { hasText: 'wrong@example.com' });
  await wrong.getByText(/^Invited .* by .*\. The link is good until /).waitFor();
  expect(agent.run('team', 'invitations')).toContain('wrong@example.com');
  const link = (await page.locator('.note code').textContent())!;
  expect(agent.run('team', 'invitations', '--json')).not.toContain(new URL(link).searchParams.get('code')!);
  await button('Withdraw the invitation of wrong@example.com').click();
  await page.getByText('The invitation of wrong@example.com is withdrawn.').waitFor();
  await expect.poll(() => wrong.count()).toBe(0);
  expect(JSON.parse(agent.run('team', 'invitations', '--json'))).toEqual([]);
  await page.getByLabel('Invite by e-mail').fill('jonas@example.com');
  await button('Invite').click();
  await page.getByText('Pass this link on to jonas@example.com').waitFor();
  await picture('team-invited');
  const theirs = await newTab(other);
  await theirs.goto((await page.locator('.note code').textContent())!);
  await theirs.getByLabel('Password').fill('four words that hold');
  await theirs.getByRole('button', { name: 'Choose it' }).click();
  await expect.poll(() => theirs.getByRole('button', { name: 'Choose it' }).count()).toBe(0);
  await signIn(theirs, jonas, 'jonas@example.com', 'four words that hold');
  expect(jonas.sql('SELECT count(*) FROM decisions')).toBe('0');

  await view('team');
  await button(/^Only you.*who can see Plans$/).click();
  await page.getByText(/^Only you/).last().waitFor();
  await page.getByLabel('Share with').selectOption('Team Platform');
  await page.getByText('2 people in Platform will see its 2 rows, and can change them.').waitFor();
  await button('Share with team Platform').click();
  await page.getByText('Plans: Team Platform.').waitFor();
  await expect.poll(() => jonas.sql('SELECT count(*) FROM decisions'), { timeout: 120_000 }).toBe('2');
  await page.getByText('2 people, 2 machines. Nobody else.').waitFor();
  await page.locator('.seen .row', { hasText: 'jonas@example.com' }).getByText('can write').waitFor();
  await picture('team-shared');

  await theirs.goto(`${jonas.address}/#/team`);
  await theirs.getByText(`${cloud.email} says who sees this project.`).waitFor();
  await picture('team-theirs', theirs);
});

/** Two people change the same row; this machine's change is the older one and comes later. */
async function conflict(column: string, mine: string, theirs: string): Promise<void> {
  agent.run('pause', '--for', '30m');
  agent.sql(`UPDATE decisions SET ${column} = '${mine}' WHERE id = 'shared'`);
  jonas.sql(`UPDATE decisions SET ${column} = '${theirs}' WHERE id = 'shared'`);
  jonas.run('push');
  agent.run('resume');
  await expect.poll(() => agent.sql(`SELECT ${column} FROM decisions WHERE id = 'shared'`), { timeout: 120_000 }).toBe(theirs);
}

test('a conflict is shown field by field, and settled in the window: both versions, then mine', async () => {
  await conflict('decision', 'Retry 5 times', 'Retry for 24 hours');
  await view('lost');
  await page.getByRole('link', { name: /Retry 5 times/ }).click();
  await page.getByText(/^The version in use was written .* later\. Yours is kept until you decide\.$|^It came when/).waitFor();
  await expect.poll(() => page.locator('.diff mark').allTextContents()).toEqual(['5 times', 'for 24 hours']);
  await page.locator('.diff thead', { hasText: /Yours\s*You on .+Theirs.*jonas@example.com on .+/ }).waitFor();
  await picture('conflict');
  await button('Keep both').click();
  await page.getByText('Both versions are kept').waitFor();
  const both = `SELECT group_concat(decision, ', ') FROM (SELECT decision FROM decisions WHERE decision LIKE 'Retry%' ORDER BY decision)`;
  await expect.poll(() => jonas.sql(both), { timeout: 120_000 }).toBe('Retry 5 times, Retry for 24 hours');

  await conflict('rationale', 'Partners call back', 'Partners sleep');
  await page.getByRole('link', { name: /Retry for 24 hours/ }).click();
  await button('Use mine').click();
  await page.getByText('It was written as an ordinary change').waitFor();
  await expect.poll(() => jonas.sql(`SELECT rationale FROM decisions WHERE id = 'shared'`), { timeout: 120_000 }).toBe('Partners call back');
});

test('signing out takes the rows away where that is chosen', async () => {
  await view('settings');
  await button('Sign out…').click();
  await page.getByLabel(/Also remove/).check();
  await picture('sign-out');
  await button('Sign out and remove the rows').click();
  await expect.poll(() => agent.sql('SELECT count(*) FROM decisions'), { timeout: 120_000 }).toBe('0');
  await view('home');
  await title('This memory is not protected');
  expect(status().cloud?.signed_in ?? false).toBe(false);
  await picture('signed-out');
});
