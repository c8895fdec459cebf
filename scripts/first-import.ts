// The first import, as a publisher would do it, in all three dialects: `npm run first-import`.
// Starts a real Blob server (Azurite) and Aduana, uploads the examples, imports them by SAS URLs, reads every byte back and
// deletes them again. The transcript goes to docs/first-import.md.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { createApiClient } from '../src/client/api-client.ts'
import type { Dialect } from '../src/client/api-types.ts'
import { startAzurite } from '../tests/support/azurite.ts'
import { publishExample } from '../tests/support/publish-example.ts'
import { startAduana } from '../tests/support/start-aduana.ts'

const EXAMPLES: { dialect: Dialect; title: string; manifests: string[] }[] = [
  {
    dialect: 'v2',
    title: 'Private preview (`/v2`, 2020-09-01): an APT update, manifest 2.0',
    manifests: ['apt/contoso.toaster-base-data.1.0.importmanifest.json'],
  },
  {
    dialect: '2021',
    title: '2021-06-01-preview: a script, manifest 4.0',
    manifests: ['script/contoso.toaster-settings.1.1.importmanifest.json'],
  },
  {
    dialect: '2022',
    title: '2022-10-01: a SWUpdate image, manifest 5.0',
    manifests: ['swupdate/contoso.toaster-os.1.2.0.importmanifest.json'],
  },
  {
    dialect: '2022',
    title: '2022-10-01: a parent with two children, manifest 5.0',
    manifests: [
      'bundle/contoso.toaster-components.2.0.importmanifest.json',
      'bundle/contoso.toaster-display.2.0.importmanifest.json',
      'bundle/contoso.toaster-heater.2.0.importmanifest.json',
    ],
  },
]

await using azurite = await startAzurite()
await using aduana = await startAduana({ flags: ['--allow-source', `127.0.0.1:${azurite.port}`] })
const token = await aduana.token()
const pages: string[] = []

for (const { dialect, title, manifests } of EXAMPLES) {
  const lines: string[] = []
  const client = createApiClient({
    baseUrl: aduana.httpUrl,
    token,
    instance: 'default',
    dialect,
    fetch: recorder(lines),
  })
  const published = await Promise.all(manifests.map((manifest) => publishExample(azurite, manifest)))
  const main = published[0]
  assert.ok(main)

  const { operationId } = await client.importUpdate(published.map(({ input }) => input))
  const operation = await client.waitForOperation(operationId)
  assert.equal(operation.status, 'Succeeded', JSON.stringify(operation.error))
  await client.getUpdate(main.updateId)
  await Array.fromAsync(client.listVersions(main.updateId))
  for (const fileId of await Array.fromAsync(client.listFiles(main.updateId))) {
    await client.getFile({ updateId: main.updateId, fileId })
  }
  let bytesCompared = 0
  for (const { updateId, payloads } of published) {
    const { files } = await client.getUpdateWithContent(updateId)
    for (const { fileName, contentUrl } of files) {
      const bytes = Buffer.from(await (await fetch(contentUrl)).arrayBuffer())
      assert.deepEqual(bytes, payloads.get(fileName))
      bytesCompared += bytes.byteLength
    }
  }
  lines.push(
    `# every file fetched from its contentUrl and compared with what was uploaded: ${bytesCompared} bytes, all equal`,
    '',
  )
  await client.waitForOperation((await client.deleteUpdate(main.updateId)).operationId)
  assert.deepEqual(await Array.fromAsync(client.listProviders()), [])
  pages.push(`## ${title}\n\n\`\`\`http\n${lines.join('\n').trimEnd()}\n\`\`\`\n`)
  console.log(`${title}: imported, compared, deleted`)
}

const page = `# The first import, seen on the wire

Made by \`npm run first-import\`: a real Blob server (Azurite) holds manifests and payloads, Aduana imports them by SAS URLs. Each
dialect shows what official clients of that generation send and get. Signatures and the token are shortened, nothing else is changed;
polls that answered the same as the one before are left out.

${pages.join('\n')}`
await writeFile(new URL('../docs/first-import.md', import.meta.url), page)
console.log('docs/first-import.md')

/** A fetch that notes what goes over the wire. */
function recorder(lines: string[]): typeof fetch {
  let previous = ''
  return async (input, init) => {
    const request = new Request(input, init)
    const { pathname, search } = new URL(request.url)
    const body = await request.clone().text()
    const response = await fetch(request)
    const text = await response.clone().text()
    const headers = ['operation-location', 'location', 'retry-after', 'etag', 'cache-control']
      .filter((name) => response.headers.has(name))
      .map((name) => `${name}: ${response.headers.get(name)}`)
    const exchange = [
      `${request.method} ${pathname}${search}`,
      'authorization: Bearer eyJ…',
      ...(body === '' ? [] : ['content-type: application/json', '', pretty(body)]),
      '',
      `HTTP/1.1 ${response.status}`,
      ...headers,
      ...(text === '' ? [] : ['', pretty(text)]),
      '',
      '',
    ].join('\n')
    if (exchange !== previous) lines.push(exchange)
    previous = exchange
    return response
  }
}

function pretty(json: string): string {
  return JSON.stringify(JSON.parse(json), undefined, 2).replaceAll(/([?&]sig=)[^&"]+/g, '$1…')
}
