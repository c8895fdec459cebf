import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../domain/errors.ts'
import { matches } from '../calls/answers.ts'

/** Where `vite build` puts the portal, seen from here as from the compiled package. */
export const PORTAL_FOLDER = join(import.meta.dirname, '../../../portal/dist')

/** Every page of the portal has an address below these; the router in the browser does the rest. */
const PAGES = ['/', '/instances', '/instances/*']

/** A built file in every form in which it may be sent. */
export interface PortalFile {
  type: string
  /** Of the plain bytes. */
  digest: string
  /** By content coding; the plain bytes under `identity`. */
  bodies: ReadonlyMap<string, Buffer>
}

/** The portal as it was built: one page, and files with the hash of their content in their names. */
export interface BuiltPortal {
  page: PortalFile
  /** By the name below `/assets`. */
  assets: ReadonlyMap<string, PortalFile>
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** From the smallest to the plain one. */
const CODINGS = [
  { coding: 'br', ending: '.br' },
  { coding: 'gzip', ending: '.gz' },
  { coding: 'identity', ending: '' },
]

const NOT_BUILT = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Aduana</title>
<h1>The portal is not built</h1>
<p>Aduana runs, and its API answers; only these pages are missing. In the checkout, <code>npm ci</code> builds them, or
<code>npx vite build portal</code> alone. Then start the server again.</p>
<p><a href="/docs">The API</a></p>
`

/** Reads the built portal into memory, some megabytes; undefined where it is not built. */
export async function openPortal(folder = PORTAL_FOLDER): Promise<BuiltPortal | undefined> {
  const names = await readdir(join(folder, 'assets')).catch((error) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (names === undefined) return undefined
  const there = new Set(names)
  const assets = new Map<string, PortalFile>()
  for (const name of names) if (extname(name) in TYPES) assets.set(name, await readForms(join(folder, 'assets'), name))
  return { page: await readForms(folder, 'index.html'), assets }

  async function readForms(place: string, name: string): Promise<PortalFile> {
    const isThere = (ending: string) => place === folder || ending === '' || there.has(name + ending)
    const bodies = new Map<string, Buffer>()
    for (const { coding, ending } of CODINGS) {
      if (isThere(ending)) bodies.set(coding, await readFile(join(place, name + ending)))
    }
    const digest = createHash('sha256')
      .update(bodies.get('identity') ?? '')
      .digest('base64url')
    return { type: TYPES[extname(name)] ?? '', digest, bodies }
  }
}

/**
 * Serves the portal. `signInOrigins` are where a browser gets tokens besides here: they are asked for each time, since an issuer that
 * was down at start tells its addresses later.
 */
export function servePortal(
  app: FastifyInstance,
  { portal, signInOrigins }: { portal: BuiltPortal | undefined; signInOrigins: () => readonly string[] },
): void {
  const schema = { hide: true } as object
  for (const url of PAGES) {
    app.get(url, { schema }, async (request, reply) => {
      reply.headers({ ...SHIELDS, 'content-security-policy': policyOf(signInOrigins()), 'cache-control': 'no-cache' })
      if (portal === undefined)
        return reply
          .code(503)
          .type(TYPES['.html'] ?? '')
          .send(NOT_BUILT)
      return answer(request, reply, portal.page)
    })
  }
  app.get('/assets/:name', { schema }, async (request, reply) => {
    const { name } = request.params as { name: string }
    const file = portal?.assets.get(name)
    if (file === undefined) throw new AppError('NotFound', 'The portal has no such file.')
    const shields = { ...SHIELDS, 'content-security-policy': WORKER_POLICY }
    reply.headers({ ...shields, 'cache-control': 'public, max-age=31536000, immutable' })
    return answer(request, reply, file)
  })
}

/** What keeps pages of others from reaching into these, and these from telling others where somebody came from. */
const SHIELDS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * A script that runs as a worker has the policy that it comes with: it may calculate, by WebAssembly too, which the
 * pages may not, and reach nobody.
 */
const WORKER_POLICY = "default-src 'none'; script-src 'wasm-unsafe-eval'; frame-ancestors 'none'"

/** The hash of nothing: it allows style elements that are empty, which scripts of the page then fill rule by rule (CSSOM). */
const EMPTY = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"

function policyOf(signInOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "worker-src 'self'",
    `style-src 'self' ${EMPTY}`,
    "img-src 'self' data:",
    ['connect-src', "'self'", ...signInOrigins].join(' '),
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

function answer(request: FastifyRequest, reply: FastifyReply, { type, digest, bodies }: PortalFile): FastifyReply {
  const accepted = codingsIn(request.headers['accept-encoding'])
  const { coding = 'identity' } = CODINGS.find(({ coding }) => accepted.has(coding) && bodies.has(coding)) ?? {}
  const etag = `"${digest}-${coding}"`
  reply.headers({ etag, vary: 'accept-encoding' })
  if (matches(etag, request.headers['if-none-match'])) return reply.code(304).send()
  if (coding !== 'identity') reply.header('content-encoding', coding)
  return reply.type(type).send(bodies.get(coding))
}

/** What a browser takes (RFC 9110, 12.5.3), but for weights other than none at all. */
function codingsIn(header: string | string[] | undefined): ReadonlySet<string> {
  const accepted = String(header ?? '').split(',')
  return new Set(
    accepted.flatMap((entry) => {
      const [coding = '', weight = ''] = entry.split(';').map((part) => part.trim().toLowerCase())
      return /^q=0(\.0*)?$/.test(weight) ? [] : [coding]
    }),
  )
}
