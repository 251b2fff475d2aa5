// A real agent with a home of its own, the page before it, and another program that writes its file.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const root = new URL('../..', import.meta.url).pathname;
const program = `${root}build/tmp/coditect-sync`;

export interface Agent {
  address: string; home: string; copies: string; db: string;
  /** Runs SQL as another program does. */
  sql(text: string): string;
  run(...args: string[]): string;
  end(): Promise<void>;
}

/** Builds the program, and starts it as a person who has just installed it. */
export async function startAgent(): Promise<Agent> {
  execFileSync('go', ['build', '-tags', 'disable_grpc_modules', '-o', program, '.'], { cwd: root, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
  const dir = mkdtempSync(join(tmpdir(), 'real-'));
  const [home, user, copies] = [join(dir, 'home'), join(dir, 'user'), join(dir, 'nas', 'copies')];
  for (const d of [home, user, join(dir, 'nas')]) mkdirSync(d);
  const env = { ...process.env, HOME: user, XDG_CONFIG_HOME: join(user, '.config'), CODITECT_HOME: home, CODITECT_SYNC_MODE: '' };
  const started: ChildProcess[] = [];
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
    end: async () => {
      const ended = started.map((child) => new Promise((done) => { child.once('exit', done); }));
      for (const child of started) child.kill();
      await Promise.all(ended);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
