import { AppError } from './errors.ts'
import { Findings } from './findings.ts'
import { type JsonNode, quote, readJsonDocument } from './json-document.ts'
import { nearestName } from './nearest-name.ts'
import { EVERY_INSTANCE, type Principal, ROLES, type Role, roleNamed } from './permissions.ts'
import { hasType, readMembers, readText, refuseRepeatedMembers } from './read-json-values.ts'
import { type Identity, instancesInBoth } from './token-identity.ts'

/** A role that the operator gives to callers whose tokens do not carry it. */
export interface RoleAssignment {
  role: Role
  /** Where the role holds: in these instances, or in `EVERY_INSTANCE`. */
  instances: readonly string[]
  /** Whose tokens it is for: the same id from another issuer is somebody else. */
  issuer: string
  subjects: readonly string[]
  applications: readonly string[]
  groups: readonly string[]
}

/** What an assignment may speak of. */
export interface Assignable {
  /** Every spelling of the external issuers that this server trusts, with the name that principals carry. */
  issuers: ReadonlyMap<string, string>
  instances: ReadonlySet<string>
}

/** Room for twenty thousand ids; whoever has more people has groups. */
const BYTES_MAX = 1024 * 1024
const TEXT_LENGTH_MAX = 512

/**
 * Reads role assignments from the bytes of a JSON document:
 *
 *     { "assignments": [{
 *       "role": "Device Update Reader",     name, name without blanks, or id
 *       "instances": ["blue"],              or "*" for every one
 *       "subjects": ["…"],                  `oid` or `sub`, to the letter
 *       "applications": ["…"],              client ids of applications that call in their own name
 *       "groups": ["…"],
 *       "issuer": "https://…"               may be left out where only one external issuer is trusted
 *     }] }
 *
 * At least one of subjects, applications and groups names somebody. Never throws on account of the bytes: every mistake
 * is in `errors`, in the order of the document, each with its JSON Pointer as target.
 */
export function readRoleAssignments(
  bytes: Uint8Array,
  assignable: Assignable,
): { assignments: readonly RoleAssignment[]; errors: readonly AppError[] } {
  let root: JsonNode
  try {
    root = readJsonDocument(bytes, { what: 'assignments file', bytesMax: BYTES_MAX })
  } catch (error) {
    if (error instanceof AppError) return { assignments: [], errors: [error] }
    throw error
  }
  const findings = new Findings()
  refuseRepeatedMembers(root, findings)
  const members = readMembers(root, { required: ['assignments'], optional: ['$schema'] }, findings)
  const assignments = itemsOf(members.assignments, findings).map((node) => readAssignment(node, assignable, findings))
  return { assignments, errors: findings.errors() }
}

/** The caller with every role: those that the token gives, and those assigned. None holds where the issuer's tokens do not. */
export function principalOf(identity: Identity, assignments: readonly RoleAssignment[]): Principal {
  const { subject, issuer, grants, instances } = identity
  const assigned = assignments
    .filter((assignment) => isMeant(identity, assignment))
    .flatMap(({ role, instances: where }) => instancesInBoth(where, instances).map((instance) => ({ role, instance })))
  return { subject, issuer, grants: [...grants, ...assigned] }
}

function isMeant(identity: Identity, assignment: RoleAssignment): boolean {
  if (assignment.issuer !== identity.issuer) return false
  const { subjects, applications, groups } = assignment
  return (
    identity.subjects.some((subject) => subjects.includes(subject)) ||
    (identity.application !== undefined && applications.includes(identity.application)) ||
    identity.groups.some((group) => groups.includes(group))
  )
}

function readAssignment(node: JsonNode, { issuers, instances }: Assignable, findings: Findings): RoleAssignment {
  const members = readMembers(
    node,
    { required: ['role', 'instances'], optional: ['subjects', 'applications', 'groups', 'issuer'] },
    findings,
  )
  const who = [members.subjects, members.applications, members.groups]
  const [subjects = [], applications = [], groups = []] = who.map((list) => readIds(list, findings))
  if (node.type === 'object' && who.every((list) => list === undefined || list.items.length === 0)) {
    findings.error('MemberMissing', node, `${node.label} names nobody. List "subjects", "applications" or "groups".`)
  }
  return {
    role: readRole(members.role, findings),
    instances: readInstances(members.instances, instances, findings),
    issuer:
      members.issuer === undefined
        ? onlyIssuer(node, issuers, findings)
        : readIssuer(members.issuer, issuers, findings),
    subjects,
    applications,
    groups,
  }
}

function readRole(node: JsonNode | undefined, findings: Findings): Role {
  const text = readText(node, { max: TEXT_LENGTH_MAX }, findings)
  const role = roleNamed(text)
  if (role !== undefined) return role
  if (node !== undefined && text !== '') {
    const known = ROLES.map(({ name }) => name).join(', ')
    findings.error('FormatWrong', node, `${quote(text)} is no role. Write one of ${known}, or its id.`)
  }
  return { id: '', name: '', permissions: new Set() }
}

function readInstances(node: JsonNode | undefined, known: ReadonlySet<string>, findings: Findings): string[] {
  if (node === undefined) return []
  if (node.value === EVERY_INSTANCE) return [EVERY_INSTANCE]
  if (node.type === 'string') {
    findings.error('TypeWrong', node, `${node.label} must be a list, such as ["blue"], or "*" for every instance.`)
    return []
  }
  const items = itemsOf(node, findings)
  if (node.type === 'array' && items.length === 0) {
    findings.error('CountWrong', node, `${node.label} is empty. List at least one, or write "*" for every instance.`)
  }
  return items.map((item) => {
    const text = readText(item, { max: TEXT_LENGTH_MAX }, findings)
    if (text !== '' && !known.has(text)) findings.error('FormatWrong', item, () => unknownInstance(text, known))
    return text
  })
}

function unknownInstance(text: string, known: ReadonlySet<string>): string {
  if (text === EVERY_INSTANCE) return 'For every instance write "*" itself, without square brackets.'
  const near = nearestName(text, [...known])
  return `There is no instance ${quote(text)}. ${near ? `Did you mean ${quote(near)}?` : 'Make it with --instance.'}`
}

function onlyIssuer(node: JsonNode, issuers: ReadonlyMap<string, string>, findings: Findings): string {
  const [only = '', ...others] = new Set(issuers.values())
  if (others.length > 0 && node.type === 'object') {
    const known = [only, ...others].join(', ')
    findings.error(
      'MemberMissing',
      node,
      `${node.label} lacks "issuer", since several are trusted. Add one of ${known}.`,
    )
  }
  return only
}

function readIssuer(node: JsonNode, issuers: ReadonlyMap<string, string>, findings: Findings): string {
  if (!hasType(node, 'string', findings)) return ''
  const name = issuers.get(String(node.value))
  if (name === undefined) {
    const known = [...new Set(issuers.values())].join(', ')
    findings.error('FormatWrong', node, `${quote(String(node.value))} is no trusted issuer. Write one of ${known}.`)
  }
  return name ?? ''
}

function readIds(node: JsonNode | undefined, findings: Findings): string[] {
  return itemsOf(node, findings).map((item) => readText(item, { max: TEXT_LENGTH_MAX }, findings))
}

/** All of them: one that is left out would be somebody without the role. */
function itemsOf(node: JsonNode | undefined, findings: Findings): readonly JsonNode[] {
  return node !== undefined && hasType(node, 'array', findings) ? node.items : []
}
