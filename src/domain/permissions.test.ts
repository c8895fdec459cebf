import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVERY_INSTANCE, permissionsIn, ROLES, roleNamed } from './permissions.ts'

test('each role has the data actions that the documentation of its original lists', () => {
  const everything =
    'updates/read updates/write updates/delete management/read management/write management/delete webhooks/write'
  assert.deepEqual(Object.fromEntries(ROLES.map(({ name, permissions }) => [name, [...permissions].join(' ')])), {
    'Device Update Administrator': everything,
    'Device Update Content Administrator': 'updates/read updates/write updates/delete',
    'Device Update Content Reader': 'updates/read',
    'Device Update Deployments Administrator': 'updates/read management/read management/write management/delete',
    'Device Update Deployments Reader': 'updates/read management/read',
    'Device Update Reader': 'updates/read management/read',
    'ADU FullAccessAdmin': everything,
  })
})

test('a role is found by its name, its name without blanks and its id, in any letter case', () => {
  for (const text of [
    'Device Update Content Reader',
    'DeviceUpdateContentReader',
    'device update content reader',
    'd1ee9a80-8b14-47f0-bdc2-f4a351625a7b',
    'D1EE9A80-8B14-47F0-BDC2-F4A351625A7B',
  ]) {
    assert.equal(roleNamed(text)?.name, 'Device Update Content Reader', text)
  }
  assert.equal(roleNamed('ADUFullAccessAdmin')?.name, 'ADU FullAccessAdmin')
})

test('other texts are no role', () => {
  for (const text of ['', ' ', 'Owner', 'Device Update', 'Device Update Readers'])
    assert.equal(roleNamed(text), undefined)
})

test('a role in one instance opens nothing in another, and several roles add up', () => {
  const [contentAdministrator, deploymentsReader] = [
    roleNamed('Device Update Content Administrator')!,
    roleNamed('Device Update Deployments Reader')!,
  ]
  const principal = {
    subject: 'ana',
    issuer: 'urn:example',
    grants: [
      { role: contentAdministrator, instance: 'one' },
      { role: deploymentsReader, instance: 'one' },
      { role: deploymentsReader, instance: 'two' },
    ],
  }
  assert.deepEqual([...permissionsIn(principal, 'one')].toSorted(), [
    'management/read',
    'updates/delete',
    'updates/read',
    'updates/write',
  ])
  assert.deepEqual([...permissionsIn(principal, 'two')].toSorted(), ['management/read', 'updates/read'])
  assert.equal(permissionsIn(principal, 'three').size, 0)
})

test('a role in every instance holds in each of them', () => {
  const role = roleNamed('Device Update Content Reader')!
  const principal = { subject: 'ana', issuer: 'urn:example', grants: [{ role, instance: EVERY_INSTANCE }] }
  for (const instance of ['one', 'two']) assert.deepEqual(permissionsIn(principal, instance), role.permissions)
})
