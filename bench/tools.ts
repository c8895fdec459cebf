import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

/** Programs that are measured against or with: the Debian package that each is in, and how it tells its version. */
export const TOOLS = {
  curl: { package: 'curl', version: ['--version'] },
  openssl: { package: 'openssl', version: ['version'] },
  nginx: { package: 'nginx-light', version: ['-v'] },
  'docker-registry': { package: 'docker-registry', version: ['--version'] },
  wrk: { package: 'wrk', version: ['-v'] },
  clamd: { package: 'clamav-daemon', version: ['--version'] },
} as const

export type Tool = keyof typeof TOOLS

/** Daemons are installed where the path of an ordinary user does not lead. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin']

export function findTool(tool: Tool): string | undefined {
  return FOLDERS.map((folder) => join(folder, tool)).find((path) => existsSync(path))
}

/** The path of a program that must be there. */
export function toolPath(tool: Tool): string {
  const path = findTool(tool)
  if (path === undefined) throw new Error(`${tool} is not installed: apt-get install ${TOOLS[tool].package}`)
  return path
}

/** Its version, such as `1.22.1`. Some tell it on the other stream, some with an error. */
export async function toolVersion(tool: Tool): Promise<string> {
  const run = promisify(execFile)(toolPath(tool), [...TOOLS[tool].version])
  const { stdout = '', stderr = '' } = await run.catch((error: { stdout?: string; stderr?: string }) => error)
  return /\d+\.\d+(\.\d+)?/.exec(stdout || stderr)?.[0] ?? 'unknown'
}
