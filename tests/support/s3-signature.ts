import { createHash, createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The access key that a request names, or undefined where it is not signed (AWS Signature Version 4, Authorization header). */
export function signerOf(request: IncomingMessage): string | undefined {
  return /Credential=([^/]+)\//.exec(request.headers.authorization ?? '')?.[1]
}

/** Whether a request is signed with this secret. */
export function isSignedWith(secret: string, request: IncomingMessage): boolean {
  const authorization = request.headers.authorization ?? ''
  const scope = /Credential=[^/]+\/([^,]+)/.exec(authorization)?.[1] ?? ''
  const names = (/SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? '').split(';')
  const signature = /Signature=([0-9a-f]+)/.exec(authorization)?.[1]
  const [path = '', query = ''] = (request.url ?? '').split('?')
  const header = (name: string) =>
    String(request.headers[name] ?? '')
      .trim()
      .replace(/ +/g, ' ')
  const canonical = [
    request.method,
    path,
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${header(name)}`),
    '',
    names.join(';'),
    header('x-amz-content-sha256'),
  ].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', header('x-amz-date'), scope, sha256(canonical)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((key, part) => hmac(key, part), `AWS4${secret}`)
  return hmac(key, toSign).toString('hex') === signature
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
