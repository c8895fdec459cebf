import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAppInMemory } from '../../../tests/support/app-in-memory.ts'
import { seedEveryState, toaster } from '../../../tests/support/seed-every-state.ts'

const { provider, name, version } = toaster('5.0')
const UPDATE = `/updates/providers/${provider}/names/${name}/versions/${version}`

for (const path of [`/deviceUpdate/default${UPDATE}/files?api-version=2022-10-01`, `/aduana/v1/default${UPDATE}`]) {
  test(`an update that is deleted while ${path} is answered is not found, never without its files`, async () => {
    await using app = await startAppInMemory()
    await seedEveryState(app.database, { traceId: '1'.repeat(32), instanceWithMany: 'default' })
    assert.equal((await app.ask(path)).status, 200)

    const { query } = app.database
    app.database.query = async (sql, params) => {
      const rows = await query(sql, params)
      if (/^\s*select \* from updates/.test(sql)) {
        app.database.query = query
        await query('delete from update_references where parent_id = $1 or child_id = $1', [rows[0]?.id ?? ''])
        await query('delete from updates where id = $1', [rows[0]?.id ?? ''])
      }
      return rows
    }
    assert.equal((await app.ask(path)).status, 404)
    assert.equal(app.database.query, query, 'it was deleted meanwhile')
  })
}
