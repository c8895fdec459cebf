import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pino } from 'pino'
import { startServer } from '../compose/server.ts'
import { CLIENT_SETTINGS, KNOWN_SETTINGS, LINK_SETTINGS } from '../config/command-settings.ts'
import { isLocalIssuerOn } from '../config/identity-settings.ts'
import { environmentName, readSettings } from '../config/read-settings.ts'
import { SERVE_SETTINGS } from '../config/serve-settings.ts'
import { makeLink } from './link.ts'
import { instancesOf } from './token.ts'

/** A second signal within this time is an echo of the first. */
const ONE_WISH_MS = 1000

/** `aduana serve`: runs until SIGTERM or SIGINT; a second signal stops at once. */
export async function serve(flags: Record<string, string | string[] | undefined>): Promise<void> {
  const { config: configFlag, ...settings } = flags
  const path = configFlag?.toString() ?? process.env[environmentName('config')]
  const config = readSettings(SERVE_SETTINGS, {
    flags: settings,
    environment: process.env,
    file: path ? { path, text: await readFile(path, 'utf8') } : undefined,
    known: KNOWN_SETTINGS,
  })
  // Standard output is for people and scripts that wait for "ready"; the log goes to standard error.
  const log = pino({ level: config['log-level'] }, pino.destination({ dest: 2, sync: false }))
  const server = await startServer(config, log)

  let stoppingSince: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (stoppingSince !== undefined) {
        // A terminal signals npm and this process, and npm passes its signal on: that is one wish, not two.
        if (Date.now() - stoppingSince > ONE_WISH_MS) process.exit(1)
        return
      }
      stoppingSince = Date.now()
      log.info({ signal }, 'stopping')
      server.stop().then(
        () => process.exit(0),
        (error) => {
          log.error({ err: error }, 'cannot stop cleanly')
          process.exit(1)
        },
      )
    })
  }

  const { httpUrl, httpsUrl, caPath } = server
  if (httpUrl === undefined) console.log('ready as a worker')
  else {
    console.log(`ready ${httpUrl} ${httpsUrl}`)
    const data = config.data === SERVE_SETTINGS.data.default ? '' : ` --data ${config.data}`
    const { origin } = new URL(config['public-url'] ?? httpUrl)
    const page = origin === CLIENT_SETTINGS.server.default ? '' : ` --server ${origin}`
    // Only where a person looks: what is printed elsewhere is kept in logs.
    const isSignedIn = process.stdout.isTTY && isLocalIssuerOn(config)
    console.log(`  The portal:    ${isSignedIn ? await linkTo(origin, config) : `${origin}/`}`)
    if (isSignedIn)
      console.log(`                 (once and within ten minutes; for another link: npx aduana link${data}${page})`)
    console.log(`  A token:       npx aduana token${data}`)
    console.log(`  The API:       ${httpUrl}/docs`)
  }
  if (server.metricsUrl !== undefined) console.log(`  Prometheus:    ${server.metricsUrl}/metrics`)
  if (caPath !== undefined) console.log(`  Azure clients: trust ${resolve(caPath)}, connect to ${httpsUrl}`)
}

/** For whoever started the server: an administrator of all its instances. */
async function linkTo(
  server: string,
  { data, instance }: { data: string; instance: readonly string[] },
): Promise<string> {
  const instances = instance.length > 0 ? instance : await instancesOf({ data, instance })
  const { role, minutes } = readSettings(LINK_SETTINGS, { flags: {}, environment: {}, known: [] })
  return makeLink({ folder: data, server, instances, role, minutes })
}
