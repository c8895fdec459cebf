import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { isSafe } from '../../adapters/tokens/oidc-issuer-setting.ts'
import { createApiClient } from '../../client/api-client.ts'
import { ApiError } from '../../client/api-error.ts'
import { KNOWN_SETTINGS, ONE_INSTANCE_SETTINGS } from '../../config/command-settings.ts'
import { readSettings } from '../../config/read-settings.ts'
import { DEFAULT_INSTANCE } from '../../config/serve-settings.ts'
import { fetchFrom } from '../connect.ts'
import { CommandError } from '../report.ts'
import { withoutControls } from '../terminal/without-controls.ts'
import { openLogins } from './logins.ts'
import { askTokens, describeIssuer, OAuthRefusal, postForm, type Tokens } from './oauth.ts'

type Flags = Record<string, string | string[] | undefined>

/** RFC 8628, 3.2: what a client waits between two questions unless told. */
const INTERVAL_SECONDS = 5
const EXPIRES_SECONDS = 1800
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

interface SignIn {
  issuer: string
  clientId: string
  scope: string
}

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
    console.log(JSON.stringify({ server, issuer: signIn.issuer, ...(who !== undefined && { name: who }) }))
  } else {
    console.log(withoutControls(`Signed in at ${server}${who === undefined ? '' : ` as ${who}`}.`))
  }
  if (!isAdmitted) {
    console.error(
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
  if (json) console.log(JSON.stringify({ server, wasSignedIn: known !== undefined }))
  else console.log(known === undefined ? `Nobody was signed in at ${server}.` : `Signed out at ${server}.`)
}

/** A token that goes over plain http can be read by everybody on the way. */
function refuseUnsafe(server: string): void {
  if (isSafe(new URL(server))) return
  throw new CommandError(`Signing in needs https: ${server} would send your token readable to everybody on the way.`)
}

/** Where to sign in: as the flags say, else as the server says. */
async function chooseSignIn(
  { issuer, clientId, scope }: { [Part in keyof SignIn]: SignIn[Part] | undefined },
  { server, fetch }: { server: string; fetch: typeof globalThis.fetch },
): Promise<SignIn> {
  if (issuer !== undefined && clientId !== undefined)
    return { issuer, clientId, scope: scope ?? 'openid profile offline_access' }
  const response = await fetch(`${server}/aduana/v1/login`, { headers: { accept: 'application/json' } })
  const { localIssuer, oidc } = Object(response.ok ? await response.json() : undefined) as {
    localIssuer?: boolean
    oidc?: SignIn
  }
  if (typeof oidc?.issuer !== 'string' || typeof oidc.clientId !== 'string') {
    throw new CommandError(
      `The server ${server} does not say where to sign in` +
        (localIssuer
          ? ': it takes tokens of its own. On its machine commands need no sign-in (--data names its folder), and "aduana token" prints a token for ADUANA_TOKEN elsewhere.'
          : '. Name its issuer and a public client of it with --issuer and --client-id, or let its operator set --oidc-client-id.'),
    )
  }
  const told = { issuer: oidc.issuer, clientId: oidc.clientId, scope: String(oidc.scope ?? 'openid') }
  return {
    issuer: issuer ?? told.issuer,
    clientId: clientId ?? told.clientId,
    scope: scope ?? told.scope,
  }
}

async function signInByCode(
  { issuer, clientId, scope }: SignIn,
  {
    tokenEndpoint,
    deviceAuthorizationEndpoint,
    server,
    json,
  }: { tokenEndpoint: string; deviceAuthorizationEndpoint: string; server: string; json: boolean },
): Promise<Tokens> {
  const answer = await postForm(deviceAuthorizationEndpoint, { client_id: clientId, scope }).catch(refusedBy(issuer))
  const { device_code: deviceCode, user_code: userCode, verification_uri: uri } = answer
  const { verification_uri_complete: completeUri, expires_in: expiresIn, interval } = answer
  if (typeof deviceCode !== 'string' || typeof userCode !== 'string' || typeof uri !== 'string')
    throw new CommandError(`The issuer ${issuer} began a sign-in without a code.`)
  if (json) {
    console.log(
      JSON.stringify({
        verificationUri: uri,
        userCode,
        ...(typeof completeUri === 'string' && { verificationUriComplete: completeUri }),
      }),
    )
  } else {
    const lines = [
      `Signing in for ${server}, at ${issuer} as the client "${clientId}".`,
      '',
      'Open this page in a browser, on this machine or another one:',
      `  ${typeof completeUri === 'string' ? completeUri : uri}`,
      `and ${typeof completeUri === 'string' ? 'see that it shows' : 'enter'} the code:`,
      `  ${userCode}`,
      '',
      'Waiting for you …',
    ]
    for (const line of lines) console.error(withoutControls(line))
  }

  const deadline = Date.now() + secondsIn(expiresIn, EXPIRES_SECONDS) * 1000
  let waitSeconds = secondsIn(interval, INTERVAL_SECONDS)
  for (;;) {
    await sleep(waitSeconds * 1000)
    if (Date.now() > deadline)
      throw new CommandError('The code was not entered in time. Begin again with "aduana login".')
    try {
      return await askTokens(tokenEndpoint, { grant_type: DEVICE_CODE, device_code: deviceCode, client_id: clientId })
    } catch (error) {
      const code = error instanceof OAuthRefusal ? error.code : undefined
      // RFC 8628, 3.5. An issuer that does not answer for a moment is asked again, too.
      if (code === 'slow_down') waitSeconds += 5
      else if (error instanceof CommandError) waitSeconds = Math.min(waitSeconds * 2, 60)
      else if (code === 'access_denied') throw new CommandError('The sign-in was refused in the browser.')
      else if (code === 'expired_token')
        throw new CommandError('The code was not entered in time. Begin again with "aduana login".')
      else if (code !== 'authorization_pending') refusedBy(issuer)(error)
    }
  }
}

function refusedBy(issuer: string) {
  return (error: unknown): never => {
    if (!(error instanceof OAuthRefusal)) throw error
    throw new CommandError(`The issuer ${issuer} refuses: ${error.message} (${error.code})`)
  }
}

function secondsIn(value: unknown, otherwise: number): number {
  const seconds = Number(value)
  return value !== undefined && Number.isFinite(seconds) && seconds > 0 ? seconds : otherwise
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
