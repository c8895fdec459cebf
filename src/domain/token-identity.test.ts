import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Claims, identityOf, instancesInBoth } from './token-identity.ts'

const AUDIENCE = 'https://aduana.example'
const TENANT = '8eaef023-2b34-4da1-9baa-8bc8c9d6a490'
const OID = '690222be-ff1a-4d56-abd1-7e4f7d38e474'
const APP = '6e74172b-be56-4843-9ff4-e66a39bb12e3'

/** As Entra's documentation shows access tokens: of a user and of an application, version 1.0 and 2.0. */
const entraUserV1 = { ver: '1.0', tid: TENANT, oid: OID, sub: 'pairwise', appid: APP, scp: 'user_impersonation' }
const entraUserV2 = { ver: '2.0', tid: TENANT, oid: OID, sub: 'pairwise', azp: APP, scp: 'user_impersonation' }
const entraAppV1 = { ver: '1.0', tid: TENANT, oid: OID, sub: OID, appid: APP }
const entraAppV2 = { ver: '2.0', tid: TENANT, oid: OID, sub: OID, azp: APP, idtyp: 'app' }
/** As Keycloak 26 makes them. */
const keycloakUser = { typ: 'Bearer', sub: 'f:1', azp: 'portal', scope: 'openid profile', preferred_username: 'ana' }
const keycloakService = {
  typ: 'Bearer',
  sub: 'f:2',
  azp: 'Build-Server',
  client_id: 'Build-Server',
  scope: 'profile',
  preferred_username: 'service-account-build-server',
}

function read(claims: Claims, instances: 'claim' | readonly string[] = ['*']) {
  return identityOf(claims, { issuer: 'urn:example', audiences: [AUDIENCE, 'aduana'], instances })
}

function rolesOf(claims: Claims): string[] {
  return read({ sub: 'ana', ...claims }).grants.map(({ role, instance }) => `${role.name} in ${instance}`)
}

test("a caller is known by sub and Entra's oid, and called by the oid where there is one", () => {
  const { subject, subjects, issuer } = read(entraUserV2)
  assert.deepEqual({ subject, subjects, issuer }, { subject: OID, subjects: [OID, 'pairwise'], issuer: 'urn:example' })
  assert.deepEqual(read({ ...keycloakUser, oid: OID }).subjects, ['f:1'])
  assert.throws(() => read({ sub: 7 }), { code: 'Unauthenticated' })
})

test('roles are taken by name, name without blanks or id from where Entra and Keycloak write them', () => {
  const reader = ['Device Update Reader in *']
  assert.deepEqual(rolesOf({ roles: ['Device Update Reader'] }), reader)
  assert.deepEqual(rolesOf({ roles: ['DeviceUpdateReader', 'Owner', 7] }), reader)
  assert.deepEqual(rolesOf({ roles: ['e9dba6fb-3d52-4cf0-bce3-f06ce71b9e0f'] }), reader)
  assert.deepEqual(rolesOf({ realm_access: { roles: ['offline_access', 'DeviceUpdateReader'] } }), reader)
  assert.deepEqual(rolesOf({ resource_access: { aduana: { roles: ['DeviceUpdateReader'] } } }), reader)
})

test('roles that Keycloak gives for another client open nothing', () => {
  const roles = ['DeviceUpdateAdministrator']
  for (const client of ['account', 'portal', 'Aduana', '__proto__', 'toString']) {
    assert.deepEqual(rolesOf({ resource_access: { [client]: { roles } } }), [], client)
  }
})

test('claims of another form give no roles', () => {
  for (const strange of [null, 7, 'DeviceUpdateReader', { roles: 'DeviceUpdateReader' }, { aduana: null }, [['x']]]) {
    assert.deepEqual(rolesOf({ roles: strange, realm_access: strange, resource_access: strange, groups: strange }), [])
  }
})

test('roles hold where the issuer may give them', () => {
  const roles = ['DeviceUpdateReader']
  const where = (claims: Claims, instances: 'claim' | readonly string[]) =>
    read({ sub: 'ana', roles, ...claims }, instances).grants.map(({ instance }) => instance)
  assert.deepEqual(where({ instances: ['green'] }, ['blue']), ['blue'])
  assert.deepEqual(where({ instances: ['green'] }, 'claim'), ['green'])
  assert.deepEqual(where({}, 'claim'), [])
})

test('a user of Entra must have agreed to user_impersonation', () => {
  for (const scp of ['user_impersonation', 'User.Read user_impersonation', `${AUDIENCE}/user_impersonation`]) {
    assert.equal(read({ ...entraUserV1, scp }).subject, OID)
  }
  for (const scp of ['', 'access_as_user', 'user_impersonation2', 'USER_IMPERSONATION', ['openid'], 7, null]) {
    assert.throws(() => read({ ...entraUserV2, scp }), { code: 'PermissionMissing', target: 'user_impersonation' })
  }
  assert.equal(read({ sub: 'ana', scp: ['user_impersonation'] }).subject, 'ana')
})

test('the scopes of Keycloak, and applications without scopes, are not asked for user_impersonation', () => {
  for (const claims of [keycloakUser, keycloakService, entraAppV1, entraAppV2]) assert.ok(read(claims))
})

test('an application is known as such only where no user is behind the token', () => {
  const cases: [Claims, string | undefined][] = [
    [entraAppV1, APP],
    [entraAppV2, APP],
    [entraUserV1, undefined],
    [entraUserV2, undefined],
    [{ ...entraAppV2, idtyp: 'user' }, undefined],
    [keycloakService, 'Build-Server'],
    [{ ...keycloakService, client_id: undefined, clientId: 'Build-Server' }, 'Build-Server'],
    [{ ...keycloakService, client_id: undefined }, undefined],
    [{ ...keycloakService, preferred_username: 'ana' }, undefined],
    [keycloakUser, undefined],
    [{ ...keycloakUser, preferred_username: 'service-account-portal' }, undefined],
    [{ sub: 'ci', client_id: 'ci' }, 'ci'],
    [{ sub: 'ana', client_id: 'ci', scope: 'user_impersonation' }, undefined],
    [{ sub: 'ana' }, undefined],
  ]
  for (const [claims, application] of cases) {
    assert.equal(read(claims).application, application, JSON.stringify(claims))
  }
})

test('a job of GitHub Actions or GitLab is known by the sub of the token that it gets by itself', () => {
  const sub = 'repo:contoso/firmware:environment:release'
  const github = { sub, repository: 'contoso/firmware', ref: 'refs/tags/v1', environment: 'release', jti: 'j' }
  const gitlab = { sub: 'project_path:contoso/firmware:ref_type:branch:ref:main', ref: 'main', user_login: 'ana' }
  for (const claims of [github, gitlab]) {
    const { subjects, application, groups, grants } = read(claims)
    assert.deepEqual(
      { subjects, application, groups, grants },
      {
        subjects: [claims.sub],
        application: undefined,
        groups: [],
        grants: [],
      },
    )
  }
})

test('ID tokens and logout tokens are refused, access tokens that look a little like them are not', () => {
  const { appid, scp, ...entraId } = entraUserV1
  for (const claims of [
    { ...keycloakUser, typ: 'ID' },
    { ...keycloakUser, typ: 'Logout' },
    { ...entraId, roles: ['DeviceUpdateReader'] },
    { sub: 'ana', nonce: 'n' },
    { sub: 'ana', at_hash: 'h' },
    { sub: 'ana', c_hash: 'h' },
  ]) {
    assert.throws(() => read(claims), { code: 'Unauthenticated', message: /is an ID token/ }, JSON.stringify(claims))
  }
  // Keycloak before 24 repeats the nonce of the sign-in in access tokens.
  assert.equal(read({ ...keycloakUser, nonce: 'n' }).subject, 'f:1')
})

test('instances in both lists are those that each allows', () => {
  assert.deepEqual(instancesInBoth(['blue', 'green'], ['green', 'red']), ['green'])
  assert.deepEqual(instancesInBoth(['*'], ['green']), ['green'])
  assert.deepEqual(instancesInBoth(['green'], ['*']), ['green'])
  assert.deepEqual(instancesInBoth(['*'], ['*']), ['*'])
  assert.deepEqual(instancesInBoth(['*'], []), [])
})
