/** Where a clamd listens: on TCP, or on a Unix socket. */
export type ClamdAddress = { host: string; port: number } | { path: string }

const FORMS =
  'Write clamd://HOST:PORT, such as clamd://127.0.0.1:3310, or clamd:///PATH for a Unix socket, such as ' +
  'clamd:///run/clamav/clamd.ctl.'
/** The kernel's limit on Linux (`sun_path`), without the zero at its end. */
const SOCKET_PATH_BYTES_MAX = 107

/** Reads `clamd://HOST:PORT` or `clamd:///PATH`. Throws an `Error` with a sentence that names the mistake. */
export function parseClamdAddress(text: string): ClamdAddress {
  const rest = /^clamd:\/\/(.*)$/.exec(text)?.[1]
  if (rest === undefined) throw new Error(`${text} is not the address of a clamd. ${FORMS}`)

  if (rest.startsWith('/')) {
    if (rest.length < 2 || rest.endsWith('/')) throw new Error(`${text} names no socket file. ${FORMS}`)
    if (Buffer.byteLength(rest) > SOCKET_PATH_BYTES_MAX) {
      throw new Error(`${text}: the path of a Unix socket has at most ${SOCKET_PATH_BYTES_MAX} bytes.`)
    }
    return { path: rest }
  }

  const [, bracketed, name, digits] = /^(?:\[([0-9a-f:.]+)\]|([^:/@\s]+))(?::(\d{1,5}))?$/i.exec(rest) ?? []
  const host = bracketed ?? name
  if (host === undefined) throw new Error(`${text} is not the address of a clamd. ${FORMS}`)
  if (digits === undefined) throw new Error(`${text} has no port; that of clamd is usually 3310. ${FORMS}`)
  const port = Number(digits)
  if (port < 1 || port > 65535) throw new Error(`${text}: ${digits} is not a port from 1 to 65535.`)
  return { host, port }
}

/** How messages call the clamd at this address. */
export function clamdTitle(address: ClamdAddress): string {
  if ('path' in address) return `clamd at ${address.path}`
  const { host, port } = address
  return `clamd at ${host.includes(':') ? `[${host}]` : host}:${port}`
}
