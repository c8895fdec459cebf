import { globSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'vite'

const ROOT = join(import.meta.dirname, '../..')

/** What the built portal comes from. */
const SOURCES = [
  'portal/*.{html,ts,json}',
  'portal/src/**',
  'src/client/*.ts',
  'src/domain/**/*.ts',
  'package-lock.json',
]

/** Builds the portal where it is not built, or older than its sources; `npm ci` has done so. To be called before a server starts. */
export async function buildPortal(): Promise<void> {
  const changedMs = Math.max(...globSync(SOURCES, { cwd: ROOT }).map((path) => statSync(join(ROOT, path)).mtimeMs))
  const builtMs = statSync(join(ROOT, 'portal/dist/index.html'), { throwIfNoEntry: false })?.mtimeMs ?? 0
  if (builtMs > changedMs) return
  await build({ root: join(ROOT, 'portal'), configFile: join(ROOT, 'portal/vite.config.ts'), logLevel: 'warn' })
}
