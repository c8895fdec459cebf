// Serves the files of a folder where nginx is not installed, in a process of its own. Its argument is the folder; it says where it listens.
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename, join } from 'node:path'

const [root = ''] = process.argv.slice(2)
const server = createServer((request, response) => {
  const path = join(root, basename(request.url ?? ''))
  response.setHeader('content-length', statSync(path).size)
  createReadStream(path, { highWaterMark: 1024 * 1024 }).pipe(response)
})
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
