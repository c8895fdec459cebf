import type { Findings } from '../findings.ts'
import { type JsonNode, quote } from '../json-document.ts'
import { nearestName } from '../nearest-name.ts'
import { KNOWN_HANDLERS } from './known-handlers.ts'

interface Step {
  handler: string
  files: readonly string[]
  properties: JsonNode | undefined
}

/** Advises where the reference agent would accept a step but fail to install it. Nothing of it stops an import. */
export function adviseOnStep(node: JsonNode, { handler, files, properties }: Step, findings: Findings): void {
  const known = KNOWN_HANDLERS.get(handler)
  const near = known === undefined && nearHandler(handler)
  if (near) {
    findings.advise(node, `${quote(handler)} is not known to the reference agent. Did you mean ${quote(near)}?`)
  }
  const wanted = known?.properties ?? []
  const given = properties?.members ?? []
  // The agent looks for installedCriteria whatever the handler is.
  for (const name of new Set([...wanted.map(({ name }) => name), 'installedCriteria'])) {
    const property = given.find((member) => member.name === name)
    const twin = given.find((member) => member.name.toLowerCase() === name.toLowerCase())
    const { isRequired = false, isFileName = false, values } = wanted.find((one) => one.name === name) ?? {}
    if (property === undefined && twin !== undefined) {
      findings.advise(twin, `The agent compares letter case: write "${name}" instead of ${quote(twin.name)}.`)
    } else if (property === undefined && isRequired) {
      findings.advise(
        properties ?? node,
        `${handler} needs "${name}" in "handlerProperties", or devices will fail. Add it.`,
      )
    } else if (property !== undefined && isFileName && !files.some((file) => file === property.value)) {
      findings.advise(property, `${property.label} must be one of the step's "files", or devices will fail.`)
    } else if (property !== undefined && values?.every((value) => value !== property.value)) {
      findings.advise(property, `${property.label} must be ${values.map(quote).join(' or ')}.`)
    }
  }
  if (known?.files.right(files) === false) {
    const names = files.map(quote).join(', ') || 'none'
    findings.advise(node, `${handler} takes ${known.files.words}; this step has ${names}.`)
  }
}

/** A known handler of which this is a slip. Another version of it is none: newer agents have more of them. */
function nearHandler(handler: string): string | undefined {
  const typeOf = (id: string) => id.replace(/:\d+$/, '')
  const type = typeOf(handler)
  const ids = [...KNOWN_HANDLERS.keys()]
  if (ids.some((id) => typeOf(id) === type)) return undefined
  const near = nearestName(type, ids.map(typeOf))
  return ids.find((id) => typeOf(id) === near)
}
