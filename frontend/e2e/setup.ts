// Builds and starts the development server for all tests of the page in a browser.
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';

const root = new URL('../..', import.meta.url).pathname;
const program = 'build/tmp/devserver';

export default async function (project: TestProject): Promise<() => void> {
  execFileSync('go', ['build', '-o', program, './frontend/devserver'], { cwd: root, stdio: 'inherit' });
  const server = spawn(`${root}${program}`, ['-page', 'frontend/dist'], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const address = await new Promise<string>((done, failed) => {
    createInterface(server.stdout).once('line', done);
    server.once('exit', (code) => failed(new Error(`the development server ended with ${code}`)));
  });
  project.provide('address', address);
  return () => { server.kill(); };
}

declare module 'vitest' {
  export interface ProvidedContext {
    address: string;
  }
}
