import { setTimeout as sleep } from 'node:timers/promises'
import { printJson, tell } from '../output.ts'
import { CommandError } from '../report.ts'
import type { SignIn } from './choose-sign-in.ts'
import { askTokens, OAuthRefusal, postForm, type Tokens } from './oauth.ts'

/** RFC 8628, 3.2: what a client waits between two questions unless told. */
const INTERVAL_SECONDS = 5
const EXPIRES_SECONDS = 1800
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

/**
 * Signs somebody in by a code that they enter in a browser anywhere (RFC 8628), and answers their tokens. The code is
 * shown on standard error, or as JSON on standard output.
 */
export async function signInByCode(
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
    printJson({
      verificationUri: uri,
      userCode,
      ...(typeof completeUri === 'string' && { verificationUriComplete: completeUri }),
    })
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
    for (const line of lines) tell(line)
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
