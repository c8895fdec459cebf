import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newPostgresDatabase, sharedPostgres } from '../../../tests/support/open-database.ts'
import { noPostgres } from '../../../tests/support/postgres.ts'
import { checkPostgres } from './check-postgres.ts'

const options = { skip: noPostgres }

test('a database that is empty or one of Aduana is fit', options, async () => {
  const server = await sharedPostgres()
  await checkPostgres(server.url(await server.createDatabase()))
  await checkPostgres(server.url(await newPostgresDatabase()))
})

test('a database of somebody else is left as it is, but may have a schema for Aduana', options, async () => {
  const server = await sharedPostgres()
  const name = await server.createDatabase()
  await server.ask('create table migrations (id int)', name)
  await assert.rejects(checkPostgres(server.url(name)), /has tables in its schema public, but none of Aduana/)
  const own = `${server.url(name)}?options=-csearch_path%3Daduana`
  await assert.rejects(checkPostgres(own), /has no schema to make tables in/)
  await server.ask('create schema aduana', name)
  await checkPostgres(own)
})

test('a database that cannot keep every text is refused', options, async () => {
  const server = await sharedPostgres()
  const name = await server.createDatabase("template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C'")
  await assert.rejects(checkPostgres(server.url(name)), /has the encoding LATIN1/)
})
