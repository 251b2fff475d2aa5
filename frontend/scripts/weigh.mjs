// Prints what the page weighs, and fails when its JavaScript and CSS are more than 100 KB gzipped.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const limit = 100 * 1024;
const folder = new URL('../dist/assets/', import.meta.url);
let total = 0;
for (const name of readdirSync(folder).filter((n) => /\.(js|css)$/.test(n)).sort()) {
  const bytes = gzipSync(readFileSync(new URL(name, folder)), { level: 9 }).length;
  total += bytes;
  console.log(`${(bytes / 1024).toFixed(1).padStart(6)} KB  ${name}`);
}
console.log(`${(total / 1024).toFixed(1).padStart(6)} KB  gzipped in all, of at most ${limit / 1024} KB`);
if (total === 0 || total > limit) process.exit(1);
