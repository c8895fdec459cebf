// What Get Update is measured against: a route with the same path, in a process of its own, that does nothing but read a text from
// SQLite by its key and send it. Its arguments are the database and the path; it says where it listens.
import { DatabaseSync } from 'node:sqlite'
import Fastify from 'fastify'

const [databasePath = '', path = ''] = process.argv.slice(2)
const database = new DatabaseSync(databasePath, { readOnly: true })
const read = database.prepare(
  'select body from documents where instance = ? and provider = ? and name = ? and version = ?',
)

const app = Fastify()
app.get(path, (request, reply) => {
  const { instanceId, provider, name, version } = request.params as Record<string, string>
  const row = read.get(instanceId ?? '', provider ?? '', name ?? '', version ?? '')
  reply.header('content-type', 'application/json; charset=utf-8').send(row?.body)
})
console.log(await app.listen({ host: '127.0.0.1', port: 0 }))
