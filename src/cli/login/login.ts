import { readFile } from 'node:fs/promises'
import { isSafe } from '../../adapters/tokens/oidc-issuer-setting.ts'
import { createApiClient } from '../../client/api-client.ts'
import { ApiError } from '../../client/api-error.ts'
import { KNOWN_SETTINGS, ONE_INSTANCE_SETTINGS } from '../../config/command-settings.ts'
import { readSettings } from '../../config/read-settings.ts'
import { DEFAULT_INSTANCE } from '../../config/serve-settings.ts'
import { fetchFrom } from '../fetch-from.ts'
import { print, printJson, tell } from '../output.ts'
import { CommandError } from '../report.ts'
import { chooseSignIn } from './choose-sign-in.ts'
import { openLogins } from './logins.ts'
import { describeIssuer, postForm } from './oauth.ts'
import { signInByCode } from './sign-in-by-code.ts'

type Flags = Record<string, string | string[] | undefined>

/** `aduana login`: signs in at the issuer of a server by a code that is entered in a browser anywhere (RFC 8628). */
export async function login(
  flags: Flags,
  { issuer, clientId, scope, json = false }: { issuer?: string; clientId?: string; scope?: string; json?: boolean },
): Promise<void> {
  const config = readSettings(ONE_INSTANCE_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const { server, instance = DEFAULT_INSTANCE } = config
  refuseUnsafe(server)
  const ca = config.ca === undefined ? undefined : await readFile(config.ca, 'utf8')
  const fetch = fetchFrom(server, ca)
  const signIn = await chooseSignIn({ issuer, clientId, scope }, { server, fetch })
  const { tokenEndpoint, deviceAuthorizationEndpoint, revocationEndpoint } = await describeIssuer(signIn.issuer)
  if (deviceAuthorizationEndpoint === undefined) {
    throw new CommandError(
      `The issuer ${signIn.issuer} signs nobody in by a device code (RFC 8628). Get a token from it in another way, and put it into ADUANA_TOKEN.`,
    )
  }

  const tokens = await signInByCode(signIn, { tokenEndpoint, deviceAuthorizationEndpoint, server, json })
  const isAdmitted = await tryToken(tokens.accessToken, { server, instance, fetch })
  const { idToken, ...kept } = tokens
  await openLogins().change(server, () => ({
    issuer: signIn.issuer,
    clientId: signIn.clientId,
    tokenEndpoint,
    ...(revocationEndpoint !== undefined && { revocationEndpoint }),
    ...kept,
  }))
  const who = nameIn(idToken)
  if (json) {
    printJson({ server, issuer: signIn.issuer, ...(who !== undefined && { name: who }) })
  } else {
    print(`Signed in at ${server}${who === undefined ? '' : ` as ${who}`}.`)
  }
  if (!isAdmitted) {
    tell(
      `aduana: There is no instance "${instance}" at this server in which you have a role. Name another with --instance, or ask its operator for a role.`,
    )
  }
}

/** `aduana logout`: forgets the sign-in at a server, and asks the issuer to forget it too. */
export async function logout(flags: Flags, { json = false }: { json?: boolean }): Promise<void> {
  const { server } = readSettings(ONE_INSTANCE_SETTINGS, { flags, environment: process.env, known: KNOWN_SETTINGS })
  const logins = openLogins()
  const known = await logins.find(server)
  await logins.change(server, () => undefined)
  if (known?.revocationEndpoint !== undefined && known.refreshToken !== undefined) {
    const { revocationEndpoint, refreshToken, clientId } = known
    // What is forgotten here ends by itself there; the issuer is told so that it ends at once.
    await postForm(revocationEndpoint, { token: refreshToken, client_id: clientId }).catch(() => {})
  }
  if (json) printJson({ server, wasSignedIn: known !== undefined })
  else print(known === undefined ? `Nobody was signed in at ${server}.` : `Signed out at ${server}.`)
}

/** A token that goes over plain http can be read by everybody on the way. */
function refuseUnsafe(server: string): void {
  if (isSafe(new URL(server))) return
  throw new CommandError(`Signing in needs https: ${server} would send your token readable to everybody on the way.`)
}

/** Whether the server admits who has this token to an instance. Throws where it does not take the token at all. */
async function tryToken(
  token: string,
  { server, instance, fetch }: { server: string; instance: string; fetch: typeof globalThis.fetch },
): Promise<boolean> {
  const client = createApiClient({ baseUrl: server, token, instance, dialect: '2022', fetch })
  try {
    for await (const _ of client.listProviders()) break
    return true
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.status === 401)
      throw new CommandError(`The issuer gave a token that the server refuses: ${error.message}`)
    if (error.status === 403 || error.status === 404) return false
    throw error
  }
}

/** Whom the ID token names, for a greeting: it came straight from the issuer, and nothing depends on it. */
function nameIn(idToken: string | undefined): string | undefined {
  try {
    const claims = JSON.parse(Buffer.from(idToken?.split('.')[1] ?? '', 'base64url').toString('utf8'))
    const name = claims.preferred_username ?? claims.email ?? claims.name ?? claims.sub
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}
