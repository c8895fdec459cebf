import { execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ListBucketsCommand } from '@aws-sdk/client-s3'
import { STORE_PATIENCE } from '../../src/adapters/object-store/call-store.ts'
import { makeS3Client } from '../../src/adapters/s3/s3-client.ts'
import { freePort } from './free-port.ts'
import type { S3Key } from './s3-server.ts'

export interface Minio extends AsyncDisposable {
  port: number
  key: S3Key
}

const START_TIMEOUT_MS = 30_000

/** Declares tests on a MinIO that runs for as long as the tests of the file do; where there is none, one that is skipped. */
export function testOnMinio(what: string, declare: (minio: () => Minio) => void): void {
  const program = findMinio()
  if (program === undefined) {
    test(what, { skip: 'there is no MinIO: name one in TEST_MINIO, or put minio on the PATH' }, () => {})
    return
  }
  let minio: Minio
  before(async () => {
    minio = await startMinio(program)
  })
  after(() => minio[Symbol.asyncDispose]())
  declare(() => minio)
}

/** The MinIO that `TEST_MINIO` names, or the one on the `PATH`; undefined if there is none. */
function findMinio(): string | undefined {
  const program = process.env.TEST_MINIO || 'minio'
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return program
  } catch {
    return undefined
  }
}

/** Starts a MinIO server on a free loopback port, with a folder of its own that goes with it. */
async function startMinio(program: string): Promise<Minio> {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-minio-'))
  const [port, consolePort] = [await freePort(), await freePort()]
  const key = { accessKeyId: 'aduana-tests', secretAccessKey: randomBytes(16).toString('hex') }
  const server = spawn(
    program,
    ['server', folder, '--quiet', '--address', `127.0.0.1:${port}`, '--console-address', `127.0.0.1:${consolePort}`],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: {
        ...process.env,
        MINIO_ROOT_USER: key.accessKeyId,
        MINIO_ROOT_PASSWORD: key.secretAccessKey,
        MINIO_BROWSER: 'off',
        MINIO_UPDATE: 'off',
        MINIO_CONFIG_DIR: join(folder, '.config'),
      },
    },
  )
  const kill = () => server.kill('SIGKILL')
  process.once('exit', kill)
  const minio: Minio = {
    port,
    key,
    async [Symbol.asyncDispose]() {
      process.off('exit', kill)
      if (server.exitCode === null && server.signalCode === null) {
        kill()
        await once(server, 'exit')
      }
      await rm(folder, { recursive: true, force: true })
    },
  }
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS && server.exitCode === null; waitedMs += 100) {
    if (await answers(minio)) return minio
    await sleep(100)
  }
  await minio[Symbol.asyncDispose]()
  throw new Error(`${program} ended, or took more than ${START_TIMEOUT_MS} ms, before it was ready`)
}

/** Its page of health says that it is ready before it knows its keys, so it is asked something that needs one. */
async function answers({ port, key }: Minio): Promise<boolean> {
  const client = makeS3Client(STORE_PATIENCE, {
    env: { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
    credentials: key,
  })
  try {
    await client.send(new ListBucketsCommand())
    return true
  } catch {
    return false
  } finally {
    client.destroy()
  }
}
