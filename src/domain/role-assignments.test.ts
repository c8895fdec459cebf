import assert from 'node:assert/strict'
import { test } from 'node:test'
import { principalOf, readRoleAssignments } from './role-assignments.ts'
import type { Identity } from './token-identity.ts'

const ISSUER = 'https://id.example'
const OTHER = 'https://other.example'
const assignable = { issuers: new Map([[ISSUER, ISSUER]]), instances: new Set(['blue', 'green']) }
const several = { ...assignable, issuers: new Map([...assignable.issuers, [OTHER, OTHER], ['urn:alias', OTHER]]) }
const ana: Identity = {
  subject: 'oid-ana',
  issuer: ISSUER,
  subjects: ['oid-ana', 'sub-ana'],
  application: undefined,
  groups: ['ops', '/factory/ops'],
  grants: [],
  instances: ['*'],
}

function read(assignments: unknown, where = assignable) {
  return readRoleAssignments(Buffer.from(JSON.stringify({ assignments })), where)
}

/** What `identity` gets by one assignment of the role of readers in blue. */
function grantsFor(identity: Identity, assignment: object, where = assignable): string[] {
  const { assignments, errors } = read([{ role: 'Device Update Reader', instances: ['blue'], ...assignment }], where)
  assert.deepEqual(errors, [])
  return principalOf(identity, assignments).grants.map(({ role, instance }) => `${role.name} in ${instance}`)
}

const READER = ['Device Update Reader in blue']

test('a role is given by oid, sub, application or group, to the letter', () => {
  assert.deepEqual(grantsFor(ana, { subjects: ['oid-ana'] }), READER)
  assert.deepEqual(grantsFor(ana, { subjects: ['eve', 'sub-ana'] }), READER)
  assert.deepEqual(grantsFor(ana, { groups: ['/factory/ops'] }), READER)
  assert.deepEqual(grantsFor({ ...ana, application: 'ci' }, { applications: ['ci'] }), READER)
  assert.deepEqual(grantsFor(ana, { subjects: ['oid-ana'], groups: ['ops'] }), READER, 'once is enough')

  assert.deepEqual(grantsFor(ana, { subjects: ['OID-ANA', 'ops'], groups: ['oid-ana'], applications: ['ci'] }), [])
  assert.deepEqual(grantsFor({ ...ana, application: 'ci' }, { subjects: ['ci'] }), [])
})

test('assigned roles come on top of those that the token gives', () => {
  const { assignments } = read([{ role: 'DeviceUpdateContentReader', instances: '*', subjects: ['oid-ana'] }])
  const own = { role: assignments[0]!.role, instance: 'green' }
  assert.deepEqual(principalOf({ ...ana, grants: [own] }, assignments), {
    subject: 'oid-ana',
    issuer: ISSUER,
    grants: [own, { role: own.role, instance: '*' }],
  })
})

test('the same id from another issuer is somebody else', () => {
  const bob = { ...ana, issuer: OTHER }
  assert.deepEqual(grantsFor(bob, { subjects: ['oid-ana'] }), [])
  assert.deepEqual(grantsFor(bob, { subjects: ['oid-ana'], issuer: ISSUER }, several), [])
  assert.deepEqual(grantsFor(bob, { subjects: ['oid-ana'], issuer: 'urn:alias' }, several), READER)
})

test('an assigned role holds only where the issuer may speak at all', () => {
  const inGreen = { ...ana, instances: ['green'] }
  assert.deepEqual(grantsFor(inGreen, { subjects: ['oid-ana'] }), [])
  assert.deepEqual(grantsFor(inGreen, { subjects: ['oid-ana'], instances: '*' }), ['Device Update Reader in green'])
})

test('many ids are all read', () => {
  const subjects = [...Array.from({ length: 5000 }, (_, n) => `user-${n}`), 'oid-ana']
  assert.deepEqual(grantsFor(ana, { subjects }), READER)
})

test('every mistake is reported with its place and what to do', () => {
  const good = { role: 'Device Update Reader', instances: ['blue'], subjects: ['ana'] }
  const cases: [object, [string, RegExp][]][] = [
    [
      { role: 'Device Updat Reader' },
      [['/role', /"Device Updat Reader" is no role\. Write one of Device Update Admin/]],
    ],
    [{ role: 7 }, [['/role', /must be a text/]]],
    [{ role: undefined }, [['', /lacks "role"/]]],
    [{ instances: undefined }, [['', /lacks "instances"/]]],
    [{ instances: 'blue' }, [['/instances', /must be a list, such as \["blue"\], or "\*"/]]],
    [{ instances: [] }, [['/instances', /is empty/]]],
    [
      { instances: ['blu', '*', 'nowhere'] },
      [
        ['/instances/0', /There is no instance "blu"\. Did you mean "blue"\?/],
        ['/instances/1', /write "\*" itself, without square brackets/],
        ['/instances/2', /There is no instance "nowhere"\. Make it with --instance\./],
      ],
    ],
    [{ subjects: undefined }, [['', /names nobody/]]],
    [{ subjects: [], groups: [] }, [['', /names nobody/]]],
    [
      { subjects: 'ana' },
      [
        ['', /names nobody/],
        ['/subjects', /must be an array/],
      ],
    ],
    [
      { groups: ['ops', 7, ''] },
      [
        ['/groups/1', /must be a text/],
        ['/groups/2', /is empty/],
      ],
    ],
    [
      { issuer: 'https://nowhere.example' },
      [['/issuer', /is no trusted issuer\. Write one of https:\/\/id\.example\./]],
    ],
    [{ issuer: null }, [['/issuer', /must be a text/]]],
    [{ group: ['ops'] }, [['/group', /Did you mean "groups"\?/]]],
  ]
  for (const [flaw, expected] of cases) {
    const { errors } = read([good, { ...good, ...flaw }])
    const context = JSON.stringify(flaw)
    assert.deepEqual(
      errors.map(({ target }) => target),
      expected.map(([pointer]) => `/assignments/1${pointer}`),
      context,
    )
    for (const [i, [, message]] of expected.entries()) assert.match(errors[i]?.message ?? '', message, context)
  }
})

test('where several issuers are trusted, an assignment must name one', () => {
  const { errors } = read([{ role: 'Device Update Reader', instances: '*', subjects: ['ana'] }], several)
  assert.equal(errors.length, 1)
  assert.match(
    errors[0]!.message,
    /lacks "issuer", since several are trusted.*https:\/\/id\.example, https:\/\/other\.example/,
  )
})

test('what is no list of assignments is refused, too', () => {
  const cases: [string, RegExp][] = [
    ['', /is empty/],
    ['{', /is not JSON/],
    ['[]', /must be an object/],
    ['{}', /lacks "assignments"/],
    ['{"assignments": {}}', /must be an array/],
    ['{"assignments": [7]}', /must be an object/],
    ['{"assignments": [], "assignments": []}', /stands again/],
    ['{"assignments": [], "users": []}', /"users" is not known here/],
    [' '.repeat(1024 * 1024 + 1), /may have 1048576 at most/],
  ]
  for (const [text, message] of cases) {
    const { errors } = readRoleAssignments(Buffer.from(text), assignable)
    assert.equal(errors.length, 1, text.slice(0, 50))
    assert.match(errors[0]!.message, message)
  }
  assert.deepEqual(readRoleAssignments(Buffer.from('{"$schema": "x", "assignments": []}'), assignable), {
    assignments: [],
    errors: [],
  })
})
