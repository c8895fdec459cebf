import type { CertificateFacts } from '../../ports/upkeep.ts'
import type { Step } from './step.ts'

const DAY_MS = 24 * 3600 * 1000
/** A server renews its own 30 days before their end; whoever renews by hand should begin then. */
const DAYS_LEFT_MIN = { server: 28, operator: 30 }

/** Whether clients will accept the certificates, now and in the coming weeks. */
export function checkCertificates(inspect: () => Promise<CertificateFacts[]>): Step {
  return {
    name: 'certificates',
    title: 'Certificates',
    needs: [],
    async run(pen) {
      let earliest = Number.POSITIVE_INFINITY
      for (const { title, flaw, validFrom = 0, expiresAt, isRenewedByServer } of await inspect()) {
        const remedy = isRenewedByServer ? 'Restart the server, which makes a new one.' : 'Renew it.'
        if (flaw !== undefined) pen.problem(`${title} ${flaw}. ${remedy}`)
        if (expiresAt === undefined) continue
        earliest = Math.min(earliest, expiresAt)
        const daysLeft = (expiresAt - Date.now()) / DAY_MS
        if (daysLeft <= 0) pen.problem(`${title} expired on ${dateOf(expiresAt)}. ${remedy}`)
        else if (daysLeft < DAYS_LEFT_MIN[isRenewedByServer ? 'server' : 'operator']) {
          pen.warn(`${title} expires on ${dateOf(expiresAt)}. ${remedy}`)
        }
        if (validFrom > Date.now()) {
          pen.problem(`${title} is not valid before ${dateOf(validFrom)}. Check the clock of this machine. ${remedy}`)
        }
      }
      return Number.isFinite(earliest)
        ? `The first one expires on ${dateOf(earliest)}.`
        : 'There is none that can be read.'
    },
  }
}

function dateOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
