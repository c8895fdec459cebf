import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { toolPath } from './tools.ts'

const CONNECTIONS = 32

/** Asks for one address again and again over 32 connections, with wrk. Answers the requests per second; every answer must be a 200. */
export async function requestsPerSecond(
  url: string,
  { seconds, headers = {} }: { seconds: number; headers?: Record<string, string> },
): Promise<number> {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`]
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`)
  const { stdout } = await promisify(execFile)(toolPath('wrk'), [...args, url])
  const bad = /^\s*(Non-2xx.*|Socket errors.*)$/m.exec(stdout)?.[1]
  if (bad !== undefined) throw new Error(`${new URL(url).pathname}: ${bad}`)
  return Number(/^Requests\/sec:\s+([\d.]+)/m.exec(stdout)?.[1])
}
