// Requests of the clients that cannot run here, to the letter as they were recorded or as their sources write them, against a real server.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, describe, test } from 'node:test'
import type { Operation, OperationError, Update, UpdateFile } from '../../src/client/api-types.ts'
import { type MisbehavingSource, serveBytes, startSource } from '../support/misbehaving-source.ts'
import { type PublishedUpdate, publishUpdate, sha256Of } from '../support/publish-update.ts'
import { createReplay, type Replay } from './replay.ts'
import { type ForClients, MANY_VERSIONS, startForClients } from './start-for-clients.ts'

type List<T = string> = { value: T[]; nextLink?: string }
/** An update as the private preview answers it. */
type UpdateV2 = Update & { updateType: string; installedCriteria: string }

const GUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}'

let source: MisbehavingSource
let server: ForClients
let replay: Replay
before(async () => {
  source = await startSource()
  server = await startForClients()
  replay = createReplay({ ...server, ca: await readFile(server.ca, 'utf8') })
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await source?.[Symbol.asyncDispose]()
})

const pathOf = ({ updateId: { provider, name, version } }: Pick<PublishedUpdate, 'updateId'>) =>
  `/providers/${provider}/names/${name}/versions/${version}`

function urlsOf({ input }: PublishedUpdate): string[] {
  return [input.importManifest.url, ...(input.files ?? []).map(({ url }) => url)]
}

describe('Azure.IoT.DeviceUpdate for .NET, 1.0.0-beta.1 and 2 (recorded traffic, 2021)', () => {
  const agent =
    'azsdk-net-Iot.DeviceUpdate/1.0.0-alpha.20210302.1 (.NET Framework 4.8.4300.0; Microsoft Windows 10.0.19042 )'
  const request = `User-Agent: ${agent}
    x-ms-client-request-id: c5769d1b334d7409552ef7d9e44a5eeb
    x-ms-return-client-request-id: true`

  test('imports an object, polls, reads and deletes in the private preview', async () => {
    const update = publishUpdate(source)
    const [manifestUrl, fileUrl] = urlsOf(update)
    const accepted = await replay(
      `POST /deviceupdate/default/v2/updates?action=import
       Content-Type: application/json
       ${request}`,
      JSON.stringify({
        importManifest: {
          url: manifestUrl,
          sizeInBytes: update.manifestBytes.byteLength,
          hashes: { SHA256: sha256Of(update.manifestBytes) },
        },
        files: [{ filename: 'toaster.swu', url: fileUrl }],
      }),
    )
    assert.equal(accepted.status, 202, accepted.text)
    assert.equal(accepted.text, '')
    const { headers } = accepted
    assert.equal(headers['content-length'], '0')
    assert.equal(headers['content-type'], undefined)
    assert.equal(headers['retry-after'], undefined)
    assert.equal(headers['x-ms-client-request-id'], undefined)
    assert.match(String(headers.traceparent), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    assert.match(
      String(headers['operation-location']),
      new RegExp(`^/deviceupdate/default/v2/updates/operations/${GUID}$`),
    )
    assert.equal(headers.location, headers['operation-location'])

    const id = headers.location?.split('/').at(-1)
    const get = (path: string) => `GET /deviceupdate/default${path}\nAccept: application/json\n${request}`
    const ended = await replay.untilEnded(get(`/v2/updates/operations/${id}`))
    const operation = ended.json<Operation>()
    assert.equal(operation.status, 'Succeeded', ended.text)
    assert.deepEqual(operation.updateId, update.updateId)
    assert.equal(operation.update, undefined)
    assert.equal(ended.headers.etag, operation.etag)
    assert.equal(ended.headers['cache-control'], undefined)
    assert.equal(ended.headers['retry-after'], undefined)
    // The links of the recorded server, and what an early client for Python made of them.
    for (const path of [`/updates/operations/${id}?api-version=2`, `/v2/updates/operations/${id}%3Fapi-version%3D2`]) {
      assert.deepEqual((await replay(get(path))).json<Operation>(), operation, path)
    }

    const read = await replay(get(`/v2/updates${pathOf(update)}`))
    const { updateType, installedCriteria, ...others } = read.json<UpdateV2>()
    assert.deepEqual([updateType, installedCriteria], ['microsoft/swupdate:1', '1.0'])
    assert.equal(read.headers['content-type'], 'application/json; charset=utf-8')
    assert.equal(read.headers['cache-control'], 'max-age=60, private')
    assert.equal(read.headers.etag, others.etag)
    const [fileId] = (await replay(get(`/v2/updates${pathOf(update)}/files`))).json<List>().value
    const file = await replay(get(`/v2/updates${pathOf(update)}/files/${fileId}`))
    assert.equal(file.json<UpdateFile>().fileName, 'toaster.swu')

    const deletion = await replay(`DELETE /deviceupdate/default/v2/updates${pathOf(update)}\nAccept: */*\n${request}`)
    assert.equal(deletion.status, 202)
    const deleted = await replay.untilEnded(get(String(deletion.headers.location).replace('/deviceupdate/default', '')))
    assert.equal(deleted.json<Operation>().resourceLocation, undefined)
    const gone = await replay(get(`/v2/updates${pathOf(update)}`))
    assert.equal(gone.status, 404)
    assert.equal(gone.headers['content-type'], 'application/problem+json; charset=utf-8')
    const { title, status, traceId } = gone.json<{ title: string; status: number; traceId: string }>()
    assert.deepEqual([title, status, traceId], ['Not Found', 404, gone.headers.traceparent])
  })
})

describe('Azure.IoT.DeviceUpdate for .NET, 1.0.0 (recorded traffic, 2022)', () => {
  const traceparent = '00-fab57abc005085c7e62dee6eb04014d4-dc69d16baefe0a3e-00'
  const request = `Accept: application/json
    traceparent: ${traceparent}
    User-Agent: azsdk-net-IoT.DeviceUpdate/1.0.0-alpha.20220809.1 (.NET 6.0.7; Microsoft Windows 10.0.22000)
    x-ms-client-request-id: 15b96ac56cc8d3cad5a684bab5cbff88
    x-ms-return-client-request-id: true`
  const get = (path: string) => `GET /deviceUpdate/default/updates${path}?api-version=2022-10-01\n${request}`

  test('imports a list, and reads what was recorded, under its own trace', async () => {
    const update = publishUpdate(source)
    const accepted = await replay(
      `POST /deviceUpdate/default/updates:import?api-version=2022-10-01\nContent-Type: application/json\n${request}`,
      JSON.stringify([update.input]),
    )
    assert.equal(accepted.status, 202, accepted.text)
    const location = String(accepted.headers['operation-location'])
    const operations = `^/deviceUpdate/default/updates/operations/${GUID}\\?api-version=2022-10-01$`
    assert.match(location, new RegExp(operations))
    assert.equal(accepted.headers.location, undefined)
    const ended = await replay.untilEnded(`GET ${location}\n${request}`)
    const operation = ended.json<Operation>()
    assert.deepEqual(operation.update?.updateId, update.updateId)
    assert.equal(operation.traceId, traceparent.split('-')[1])
    const result = await replay(`GET ${operation.resourceLocation}\n${request}`)
    assert.deepEqual(result.json<Update>().updateId, update.updateId)

    const { provider, name, version } = update.updateId
    const lists: [path: string, value: string[] | RegExp][] = [
      ['/providers', new RegExp(`"${provider}"`)],
      [`/providers/${provider}/names`, [name]],
      [`/providers/${provider}/names/${name}/versions`, [version]],
      [`${pathOf(update)}/files`, /^{"value":\["f[0-9a-f]{16}"\]}$/],
    ]
    for (const [path, value] of lists) {
      const answer = await replay(get(path))
      if (value instanceof RegExp) assert.match(answer.text, value)
      else assert.equal(answer.text, JSON.stringify({ value }))
      assert.equal(answer.headers.traceparent, traceparent)
      assert.equal(answer.headers.etag, undefined)
      assert.equal(answer.headers['cache-control'], undefined)
    }
    for (const path of ['/providers/foo/names', '/providers/foo/names/bar/versions', `${pathOf(update)}9/files`]) {
      const answer = await replay(get(path))
      assert.equal(answer.status, 404)
      assert.equal(answer.json<{ traceId: string }>().traceId, traceparent)
    }
  })
})

describe('AduCmdlets for PowerShell (their sources, 2021 to 2024)', () => {
  const agent = 'User-Agent: Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.22621.2506'

  /** As Windows PowerShell 5 writes JSON: two blanks behind a colon, lines end as on Windows, an ampersand as an escape. */
  function jsonOf(value: unknown): string {
    return JSON.stringify(value, undefined, 4)
      .replaceAll('&', String.raw`\u0026`)
      .replaceAll(/^( *"[^"]+":) /gm, '$1  ')
      .replaceAll('\n', '\r\n')
  }

  /** A manifest as `Out-File -Encoding utf8` leaves it, with a byte order mark, and its file, at the source. */
  function publish(manifest: { updateId: object }, name: string) {
    const bytes = Buffer.from(`\ufeff${jsonOf(manifest)}\r\n`)
    const folder = `/${name}`
    return {
      ImportManifest: {
        Url: `${source.at(`${folder}/importmanifest.json`, serveBytes(bytes)).href}?sv=2024&sig=a%2Fb`,
        SizeInBytes: bytes.byteLength,
        Hashes: { sha256: sha256Of(bytes) },
      },
      Files: [{ FileName: 'setup.exe', Url: `${source.at(`${folder}/setup.exe`, serveBytes(PAYLOAD)).href}?sig=b` }],
    }
  }

  const PAYLOAD = Buffer.from('MZ')
  const files = [{ filename: 'setup.exe', sizeInBytes: PAYLOAD.byteLength, hashes: { sha256: sha256Of(PAYLOAD) } }]
  const createdDateTime = '2021-06-08T18:05:11.1234567Z'

  /** The generations of the cmdlets: what they ask for, and how one input is written by them. */
  const GENERATIONS = [
    {
      title: 'manifest 3.0, a single input that the pipe made an object of',
      importAddress: '/updates?api-version=2021-06-01-draft&action=import',
      apiVersion: '2021-06-01-draft',
      manifestOf: (version: string) => ({
        updateId: { provider: 'Fabrikam', name: 'Toaster', version },
        updateType: 'microsoft/swupdate:1',
        installedCriteria: '5',
        compatibility: [{ DeviceManufacturer: 'Fabrikam', DeviceModel: 'Toaster' }],
        files,
        bundledUpdates: [],
        createdDateTime,
        manifestVersion: '3.0',
      }),
      bodyOf: (input: object) => input,
    },
    {
      title: 'manifest 4.0, a list',
      importAddress: '/updates?api-version=2021-06-01-preview&action=import',
      apiVersion: '2021-06-01-preview',
      manifestOf: (version: string) => manifestOfSteps('4.0', version),
      bodyOf: (input: object) => [input],
    },
    {
      title: 'manifest 5.0, an object around the list, in the draft of 2024 under a path in lower case',
      importAddress: '/updates:import?api-version=2024-07-01-draft',
      apiVersion: '2024-07-01-draft',
      manifestOf: (version: string) => manifestOfSteps('5.0', version),
      bodyOf: (input: object) => ({ importUpdateInput: [input], enableScan: true }),
    },
  ]

  function manifestOfSteps(manifestVersion: string, version: string) {
    return {
      updateId: { provider: 'Fabrikam', name: 'Toaster', version },
      isDeployable: true,
      compatibility: [{ manufacturer: 'Fabrikam', model: 'Toaster' }],
      instructions: {
        steps: [
          {
            type: 'inline',
            handler: 'microsoft/swupdate:1',
            files: ['setup.exe'],
            handlerProperties: { installedCriteria: '5' },
          },
        ],
      },
      files,
      createdDateTime,
      manifestVersion,
    }
  }

  for (const [index, { title, importAddress, apiVersion, manifestOf, bodyOf }] of GENERATIONS.entries()) {
    test(`Start-AduImportUpdate and Wait-AduUpdateOperation: ${title}`, async () => {
      const manifest = manifestOf(`${index + 1}.0`)
      const accepted = await replay(
        `POST /deviceupdate/default${importAddress}\n${agent}\nContent-Type: application/json`,
        jsonOf(bodyOf(publish(manifest, `powershell-${index}`))),
      )
      assert.equal(accepted.status, 202, accepted.text)
      const id = accepted.headers['operation-location']?.toString().split('/').at(-1)?.split('?')[0]
      const poll = `GET /deviceupdate/default/updates/operations/${id}?api-version=${apiVersion}\n${agent}`
      const ended = await replay.untilEnded(poll)
      const operation = ended.json<Operation>()
      assert.equal(operation.status, 'Succeeded', ended.text)
      // The cmdlets print the status and this.
      assert.match(String(operation.traceId), /^[0-9a-f]{32}$/)
      const { updateId } = operation.update ?? operation
      assert.deepEqual(updateId, manifest.updateId)
    })
  }

  test('Wait-AduUpdateOperation of a failed import finds the status and what to print', async () => {
    const input = publish(manifestOfSteps('4.0', '9.0'), 'powershell-failing')
    input.ImportManifest.SizeInBytes += 1
    const accepted = await replay(
      `POST /deviceupdate/default/updates?api-version=2021-06-01-preview&action=import
       ${agent}
       Content-Type: application/json`,
      jsonOf([input]),
    )
    const ended = await replay.untilEnded(`GET ${accepted.headers['operation-location']}\n${agent}`)
    const { status, error } = ended.json<{ status: string; error: OperationError }>()
    assert.equal(status, 'Failed')
    assert.equal(error.code, 'CannotProcessImportManifest')
  })
})

describe('az iot du update (the client in azure-iot-cli-extension)', () => {
  // Its releases speak the one, its sources the other by now.
  for (const apiVersion of ['2022-10-01', '2026-06-01']) {
    const get = (path: string, query = '') =>
      replay(`GET /deviceUpdate/default/updates${path}?api-version=${apiVersion}${query}\nAccept: application/json`)

    test(`import, list, show, file list, file show and delete with ${apiVersion}`, async () => {
      const update = publishUpdate(source)
      const { importManifest, files } = update.input
      // `--defer` gathers inputs, and sends them as one list.
      const child = publishUpdate(source, { isDeployable: false })
      const parent = publishUpdate(source, { files: [], references: [child.updateId] })
      const accepted = await replay(
        `POST /deviceUpdate/default/updates:import?api-version=${apiVersion}
         Content-Type: application/json
         Accept: application/json`,
        JSON.stringify([
          { importManifest, friendlyName: 'A friendly name', files },
          { importManifest: child.input.importManifest, files: child.input.files },
          { importManifest: parent.input.importManifest },
        ]),
      )
      assert.equal(accepted.status, 202, accepted.text)
      const location = String(accepted.headers['operation-location'])
      const ended = await replay.untilEnded(`GET ${location}\nAccept: application/json`)
      assert.equal(ended.json<Operation>().status, 'Succeeded', ended.text)
      const { resourceLocation } = ended.json<Operation>()
      assert.equal((await replay(`GET ${resourceLocation}\nAccept: application/json`)).status, 200)

      const { provider, name, version } = update.updateId
      const shown = (await get(pathOf(update))).json<Update>()
      assert.equal(shown.friendlyName, 'A friendly name')
      assert.ok((await get('/providers')).json<List>().value.includes(provider))
      assert.deepEqual((await get(`/providers/${provider}/names`)).json<List>().value, [name])
      const filter = '&filter=isDeployable%20eq%20true'
      const versions = await get(`/providers/${provider}/names/${name}/versions`, filter)
      assert.deepEqual(versions.json<List>().value, [version])
      const found = (await get('', `&search=${provider}${filter}`)).json<List<Update>>()
      assert.deepEqual(found.value, [shown])
      const [fileId] = (await get(`${pathOf(update)}/files`)).json<List>().value
      assert.equal((await get(`${pathOf(update)}/files/${fileId}`)).json<UpdateFile>().fileId, fileId)

      // Of a parent, child and all.
      for (const published of [update, parent]) {
        const deletion = await replay(
          `DELETE /deviceUpdate/default/updates${pathOf(published)}?api-version=${apiVersion}\nAccept: application/json`,
        )
        assert.equal(deletion.status, 202)
        const deleted = await replay.untilEnded(
          `GET ${deletion.headers['operation-location']}\nAccept: application/json`,
        )
        assert.equal(deleted.json<Operation>().status, 'Succeeded')
      }
      for (const published of [update, parent, child]) assert.equal((await get(pathOf(published))).status, 404)
    })
  }

  test("a link to the next page is sent with the first request's options once more", async () => {
    const options = { 'api-version': '2022-10-01', search: 'toaster many', filter: 'isDeployable eq true' }
    const versions: string[] = []
    let query: Record<string, string> = options
    for (;;) {
      const text = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      const page = await replay(`GET /deviceUpdate/many/updates?${text.join('&')}\nAccept: application/json`)
      const { value, nextLink } = page.json<List<Update>>()
      versions.push(...value.map(({ updateId }) => updateId.version))
      if (nextLink === undefined) break
      query = { ...options, ...Object.fromEntries(new URLSearchParams(nextLink.split('?')[1])) }
    }
    assert.deepEqual(versions, MANY_VERSIONS)
  })
})

test('the client for JavaScript that is written anew escapes the dash of api-version', async () => {
  for (const query of [
    'api%2Dversion=2026-06-01',
    'api%2Dversion=2026-06-01&search=nothing&filter=isDeployable%20eq%20true',
  ]) {
    const answer = await replay(`GET /deviceUpdate/default/updates?${query}\nAccept: application/json`)
    assert.equal(answer.status, 200, answer.text)
  }
  const wrong = await replay('GET /deviceUpdate/default/updates?api%2Dversion=tomorrow')
  assert.equal(wrong.status, 400)
})
