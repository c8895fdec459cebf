/**
 * What a caller may do (data actions of the original service's roles: updates and management, each read, write,
 * delete). `webhooks/write` is Aduana's own, and says whom an instance tells of its events.
 */
export type Permission =
  | 'updates/read'
  | 'updates/write'
  | 'updates/delete'
  | 'management/read'
  | 'management/write'
  | 'management/delete'
  | 'webhooks/write'

export interface Role {
  /** The role definition's GUID; empty for the private preview's role, which had none. */
  id: string
  name: string
  permissions: ReadonlySet<Permission>
}

const UPDATES_ALL: Permission[] = ['updates/read', 'updates/write', 'updates/delete']
const MANAGEMENT_ALL: Permission[] = ['management/read', 'management/write', 'management/delete']
/** Of the administrators of an instance alone: where events go is no question of content. */
const EVERYTHING: Permission[] = [...UPDATES_ALL, ...MANAGEMENT_ALL, 'webhooks/write']

/** The built-in roles of Azure for Device Update, and the single role of its private preview. */
export const ROLES: readonly Role[] = [
  role('02ca0879-e8e4-47a5-a61e-5c618b76e64a', 'Device Update Administrator', EVERYTHING),
  role('0378884a-3af5-44ab-8323-f5b22f9f3c98', 'Device Update Content Administrator', UPDATES_ALL),
  role('d1ee9a80-8b14-47f0-bdc2-f4a351625a7b', 'Device Update Content Reader', ['updates/read']),
  role('e4237640-0e3d-4a46-8fda-70bc94856432', 'Device Update Deployments Administrator', [
    'updates/read',
    ...MANAGEMENT_ALL,
  ]),
  role('49e2f5d2-7741-4835-8efa-19e1fe35e47f', 'Device Update Deployments Reader', ['updates/read', 'management/read']),
  role('e9dba6fb-3d52-4cf0-bce3-f06ce71b9e0f', 'Device Update Reader', ['updates/read', 'management/read']),
  role('', 'ADU FullAccessAdmin', EVERYTHING),
]

function role(id: string, name: string, permissions: Permission[]): Role {
  return { id, name, permissions: new Set(permissions) }
}

/** Finds a role by its name, with or without blanks, or by its GUID; letter case makes no difference. */
export function roleNamed(text: string): Role | undefined {
  const wanted = text.toLowerCase().replaceAll(' ', '')
  if (wanted === '') return undefined
  return ROLES.find(({ id, name }) => id === wanted || name.toLowerCase().replaceAll(' ', '') === wanted)
}

/** Stands for every instance where instances are listed; no instance can be called that. */
export const EVERY_INSTANCE = '*'

/** A role that somebody has in one instance, or in `EVERY_INSTANCE`. */
export interface Grant {
  role: Role
  instance: string
}

/** Who calls: what a verified token says, and what the operator assigned. */
export interface Principal {
  subject: string
  issuer: string
  /** Roles hold only in the instances that they are given for. */
  grants: readonly Grant[]
}

/** What a principal may do in an instance; empty where it has no role there. Worked out once for each principal. */
export function permissionsIn(principal: Principal, instance: string): ReadonlySet<Permission> {
  let known = workedOut.get(principal)
  if (known === undefined) {
    known = new Map()
    workedOut.set(principal, known)
  }
  let permissions = known.get(instance)
  if (permissions === undefined) {
    const grants = principal.grants.filter((grant) => [instance, EVERY_INSTANCE].includes(grant.instance))
    permissions = new Set(grants.flatMap(({ role }) => [...role.permissions]))
    known.set(instance, permissions)
  }
  return permissions
}

const workedOut = new WeakMap<Principal, Map<string, ReadonlySet<Permission>>>()
