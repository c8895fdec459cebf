import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { promisify } from 'node:util'

/** What a number depends on besides the code. */
export interface Machine {
  cpu: string
  cores: number
  memoryGiB: number
  kernel: string
  /** Type of the file system that the benchmark wrote to, and its device. */
  filesystem: string
  node: string
  commit: string
  /** Of the last minute, before the benchmark began: others who were at work. */
  loadBefore: number
}

export async function describeMachine(folder: string): Promise<Machine> {
  const line = (command: string, args: string[]) =>
    promisify(execFile)(command, args, { cwd: import.meta.dirname }).then(
      ({ stdout }) => stdout.trim(),
      () => 'unknown',
    )
  const isDirty = (await line('git', ['status', '--porcelain', '--', '../src', '../migrations'])) !== ''
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    kernel: release(),
    filesystem: await line('findmnt', ['-no', 'FSTYPE,SOURCE', '-T', folder]),
    node: process.version,
    commit: (await line('git', ['rev-parse', '--short', 'HEAD'])) + (isDirty ? ' with changes' : ''),
    loadBefore: Math.round((loadavg()[0] ?? 0) * 100) / 100,
  }
}

/** Memory of a process: what it has, and the most that it ever had. Linux only. */
export async function memoryOf(pid: number): Promise<{ nowMiB: number; peakMiB: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const value = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024
  return { nowMiB: value('VmRSS'), peakMiB: value('VmHWM') }
}

/** Time of the processor that a process has used, in milliseconds. Linux only. */
export async function processorMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The name of the program may hold blanks, so counting begins behind it: user and system time are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const TICKS_PER_SECOND = 100
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND
}
