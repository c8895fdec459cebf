import { getCompileCacheDir } from 'node:module'
import { dirname } from 'node:path'
import { type ResourceLimits, Worker } from 'node:worker_threads'

/** Starts a program in a thread, which does not keep the process alive by itself. */
export function startThread(program: URL, { data, heap }: { data: unknown; heap: ResourceLimits }): Worker {
  const worker = new Worker(program, { workerData: data, resourceLimits: heap, env: withCompileCache() })
  worker.unref()
  return worker
}

/** The program of a thread, which lies beside the module that starts it: as it was written, or compiled. */
export function programBeside(moduleUrl: string, name: string): URL {
  return new URL(`./${name}${moduleUrl.endsWith('.ts') ? '.ts' : '.js'}`, moduleUrl)
}

/** A thread does not take the compile cache of its process over by itself. With it, it starts in half the time and needs 25 MB less. */
function withCompileCache(): NodeJS.ProcessEnv {
  // Named with the version of Node, which is added to it again.
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}
