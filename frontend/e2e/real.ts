// A real agent with a home of its own, the page before it, and another program that writes its file.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Browser, BrowserContext, Locator, Page } from 'playwright-core';
import { person, shoot, sound, watched } from './browser';

const root = new URL('../..', import.meta.url).pathname;
const program = `${root}build/tmp/coditect-sync`;

export interface Agent {
  address: string; home: string; copies: string; db: string;
  /** Runs SQL as another program does. */
  sql(text: string): string;
  run(...args: string[]): string;
  /** The address that the agent last opened in the person's browser; empty if none since. */
  opened(): string;
  /** Ends the agent, does something, and starts it again. */
  restart(between: () => void): Promise<void>;
  end(): Promise<void>;
}

/** Builds the program, and starts it as a person who has just installed it, with some more environment. */
export async function startAgent(more: Record<string, string> = {}): Promise<Agent> {
  execFileSync('go', ['build', '-tags', 'disable_grpc_modules', '-o', program, '.'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
  const dir = mkdtempSync(join(tmpdir(), 'real-'));
  const [home, user, copies] = [join(dir, 'home'), join(dir, 'user'), join(dir, 'nas', 'copies')];
  for (const d of [home, user, join(dir, 'nas')]) mkdirSync(d);
  const [bin, opened] = [join(dir, 'bin'), join(dir, 'opened')];
  mkdirSync(bin);
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" >'${opened}.new' && mv '${opened}.new' '${opened}'\n`, { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, HOME: user, XDG_CONFIG_HOME: join(user, '.config'), CODITECT_HOME: home, CODITECT_SYNC_MODE: '',
    DBUS_SESSION_BUS_ADDRESS: '', ...more };
  const started: ChildProcess[] = [];
  const end = async (children: ChildProcess[]): Promise<void> => {
    const ended = children.map((child) => new Promise((done) => { child.once('exit', done); }));
    for (const child of children) child.kill();
    await Promise.all(ended);
  };
  const start = async (file: string, ...args: string[]): Promise<string> => {
    const child = spawn(file, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'inherit'] });
    started.push(child);
    return new Promise((done, failed) => {
      createInterface(child.stdout).once('line', done);
      child.once('exit', (code) => failed(new Error(`${file} ended with ${code}`)));
    });
  };
  await start(program, 'agent', '--headless');
  const address = await start(`${root}build/tmp/devserver`, '-page', 'frontend/dist', '-agent', join(home, 'run', 'agent.sock'));
  const db = join(home, 'context.db');
  return {
    address, home, copies, db,
    sql: (text) => execFileSync('sqlite3', ['-cmd', '.timeout 5000', db, text], { encoding: 'utf8' }).trim(),
    run: (...args) => execFileSync(program, args, { env, encoding: 'utf8' }),
    opened: () => {
      if (!existsSync(opened)) return '';
      const address = readFileSync(opened, 'utf8');
      rmSync(opened);
      return address;
    },
    restart: async (between) => {
      await end(started.splice(0, 1)); // the first one is the agent
      between();
      await start(program, 'agent', '--headless');
      started.unshift(...started.splice(-1));
    },
    end: async () => {
      await end(started);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export interface Google {
  /** Where the storage is, and the file of the OAuth client. */
  storage: string; client: string;
  /** Takes back what a person has allowed. */
  revoke(account: string): void;
  end(): Promise<void>;
}

/** Starts a stand-in for Google's sign-in, and a storage that lets nobody in without its tokens. */
export async function startGoogle(): Promise<Google> {
  const stand = `${root}build/tmp/stand`;
  execFileSync('go', ['build', '-tags', 'disable_grpc_modules', '-o', stand, './app/apptest/stand'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
  const child = spawn(stand, { stdio: ['pipe', 'pipe', 'inherit'] });
  const line = await new Promise<string>((done, failed) => {
    createInterface(child.stdout).once('line', done);
    child.once('exit', (code) => failed(new Error(`${stand} ended with ${code}`)));
  });
  return {
    ...(JSON.parse(line) as { storage: string; client: string }),
    revoke: (account) => { child.stdin.write(`revoke ${account}\n`); },
    end: async () => {
      const ended = new Promise((done) => { child.once('exit', done); });
      child.stdin.end();
      await ended;
    },
  };
}

export interface Cloud {
  address: string; email: string; password: string;
  end(): void;
}

/** Starts a whole cloud with a data folder of its own, as `make cloud` does. */
export async function startCloud(): Promise<Cloud> {
  const server = `${root}build/tmp/coditect-sync-server`;
  execFileSync('go', ['build', '-o', server, './backend/cmd/coditect-sync-server'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
  const home = mkdtempSync(join(tmpdir(), 'cloud-'));
  const env = { ...process.env, CODITECT_CLOUD_HOME: home, PORT: String(await freePort()), CODITECT_SERVER_INVITATIONS: 'on' };
  const said = execFileSync(`${root}build/setup/cloud.sh`, ['start', server], { cwd: root, env, encoding: 'utf8' });
  const find = (what: RegExp): string => what.exec(said)?.[1] ?? '';
  return {
    address: find(/serves at +(\S+)/), email: find(/Sign in as +(\S+)/), password: find(/Password .* (\S+)$/m),
    end: () => { execFileSync(`${root}build/setup/cloud.sh`, ['remove'], { cwd: root, env, stdio: 'inherit' }); },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => { server.listen(0, '127.0.0.1', done); });
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => { server.close(done); });
  return port;
}

/** A page before a real agent, and what its tests say all the time. */
export interface Before {
  page: Page; context: BrowserContext;
  title(text: string | RegExp): Promise<void>;
  button(name: string | RegExp): Locator;
  /** Takes a picture of a page without trouble. */
  picture(name: string): Promise<void>;
}

/** Opens the page before an agent; its pictures are called real-… or as said. */
export async function openBefore(browser: Browser, agent: Agent, pictures = 'real', hash = ''): Promise<Before> {
  const context = await browser.newContext(person);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const trouble = watched(page);
  await page.goto(`${agent.address}/${hash}`);
  return {
    page, context,
    title: (text) => page.getByRole('heading', { level: 1, name: text }).waitFor(),
    button: (name) => page.getByRole('button', { name }),
    picture: async (name) => { await sound(page, trouble); await shoot(page, `${pictures}-${name}`); },
  };
}
