import { AppError } from '../../domain/errors.ts'

/**
 * Throws `AppError('SourceExpired')` where the URL is a shared access signature whose time has passed at `nowMs`
 * (Azure Storage, "Create a service SAS": `se`, signed expiry, in one of the accepted ISO 8601 forms, always UTC).
 * `place` names the URL in the message.
 */
export function refuseExpired({ url, place, nowMs }: { url: URL; place: string; nowMs: number }): void {
  const expiry = url.searchParams.get('se')
  if (expiry === null || !url.searchParams.has('sig') || !SIGNED_EXPIRY.test(expiry)) return
  const ageMs = nowMs - Date.parse(expiry)
  if (!(ageMs >= 0)) return
  throw new AppError(
    'SourceExpired',
    `${place}: the signature in the URL expired at ${expiry}, ${age(ageMs)} ago. ` +
      'Make a new SAS URL that lasts longer, and import again.',
  )
}

const SIGNED_EXPIRY = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?Z)?$/

function age(ageMs: number): string {
  const minutes = Math.floor(ageMs / 60_000)
  if (minutes < 120) return minutes === 1 ? '1 minute' : `${minutes} minutes`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} hours` : `${Math.floor(hours / 24)} days`
}
