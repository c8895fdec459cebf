import { createHash, randomBytes } from 'node:crypto'
import { opendir, rm, stat, unlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { decodeJwt } from 'jose'
import { type Role, roleNamed } from '../../domain/permissions.ts'
import { createFile, makeFolder, readIfThere, syncFolder } from '../filesystem/durable-files.ts'
import type { LocalIssuer } from './local-issuer.ts'

/** How long a code waits for the browser that it was made for. */
const LIFETIME_MS = 10 * 60_000

/** Files that are looked at when somebody comes by to tidy up. */
const TIDIED_MAX = 1000

/** What a code is good for: a token that gives this role in these instances, for so many minutes from when it is claimed. */
export interface LoginGrant {
  role: Role
  instances: readonly string[]
  minutes: number
}

/** Codes that open a browser page signed in, each once. */
export interface LoginCodes {
  /** Makes a code of 256 random bits, in base64url, that is good for ten minutes. */
  make(grant: LoginGrant): Promise<string>
  /** What a code is good for. Undefined if it is unknown, expired or was claimed before: of several who claim it at once one gets it. */
  claim(code: string): Promise<LoginGrant | undefined>
}

/**
 * The codes in the data folder `folder`, which any number of processes may make and claim at the same time:
 *
 *     folder/
 *     └─ login-codes/                   0700
 *        └─ {SHA-256 of the code}.json  0600   {"format":1,"expiresAt":…,"role":…,"instances":[…],"minutes":…}
 *
 * Files, since the command line makes codes and must not write the database beside a running server. Nodes that share a database
 * do not share this folder: there the codes must be rows, claimed by deleting them.
 */
export function openLoginCodes({ folder, now = Date.now }: { folder: string; now?: () => number }): LoginCodes {
  const root = join(resolve(folder), 'login-codes')

  /** Deletes files of codes that nobody claimed in time, and what a process left that was killed while it wrote one. */
  async function tidy(): Promise<void> {
    let looked = 0
    for await (const { name } of await opendir(root)) {
      if (++looked > TIDIED_MAX) return
      const path = join(root, name)
      const file = await stat(path).catch(() => undefined)
      if (file && now() - file.mtimeMs >= LIFETIME_MS) await rm(path, { force: true })
    }
  }

  return {
    async make({ role, instances, minutes }) {
      await makeFolder(root, 0o700)
      await tidy()
      const code = randomBytes(32).toString('base64url')
      const content = { format: 1, expiresAt: now() + LIFETIME_MS, role: role.name, instances, minutes }
      await createFile({ path: join(root, nameOf(code)), content: `${JSON.stringify(content)}\n`, mode: 0o600 })
      return code
    },

    async claim(code) {
      const path = join(root, nameOf(code))
      const text = await readIfThere(path)
      if (text === undefined) return undefined
      // Whoever deletes the file has claimed the code. Flushed, so that a power cut does not bring it back.
      if (!(await deleteIfThere(path))) return undefined
      await syncFolder(root)
      await tidy()
      const { format, expiresAt, role: roleName, instances, minutes } = JSON.parse(text)
      const role = roleNamed(roleName)
      return format === 1 && now() < expiresAt && role !== undefined ? { role, instances, minutes } : undefined
    },
  }
}

function nameOf(code: string): string {
  return `${createHash('sha256').update(code).digest('hex')}.json`
}

/** Deletes a file. Answers whether it was this call that did. */
async function deleteIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Exchanges a code for a token of the issuer, once; undefined where the code is not good. `expiresAt` is in milliseconds. */
export async function redeemLoginCode(code: string, { codes, issuer }: { codes: LoginCodes; issuer: LocalIssuer }) {
  const grant = await codes.claim(code)
  if (grant === undefined) return undefined
  const subject = 'local'
  const accessToken = await issuer.issue({ subject, ...grant })
  return {
    accessToken,
    expiresAt: (decodeJwt(accessToken).exp ?? 0) * 1000,
    subject,
    issuer: issuer.issuer,
    role: grant.role.name,
    instances: grant.instances,
  }
}
