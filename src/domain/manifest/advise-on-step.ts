import type { Findings } from '../findings.ts'
import { type JsonNode, quote } from '../json-document.ts'

interface Step {
  handler: string
  files: readonly string[]
  properties: JsonNode | undefined
}

interface HandlerNeeds {
  properties: readonly string[]
  /** Which of `properties` name a file of the step. */
  fileProperties?: readonly string[]
  /** How many files the handler takes, as words, and whether these are right. */
  files?: { words: string; right: (names: readonly string[]) => boolean }
}

/** What the handlers of the reference agent need. A service cannot know what others do, and real manifests leave it out. */
const NEEDS = new Map<string, HandlerNeeds>([
  [
    'microsoft/apt:1',
    {
      properties: ['installedCriteria'],
      files: { words: 'exactly one file, the APT manifest', right: (names) => names.length === 1 },
    },
  ],
  [
    'microsoft/swupdate:1',
    {
      properties: ['installedCriteria'],
      files: {
        words: 'exactly one file, which ends in .swu',
        right: (names) => names.length === 1 && names.every((name) => name.toLowerCase().endsWith('.swu')),
      },
    },
  ],
  [
    'microsoft/swupdate:2',
    {
      properties: ['installedCriteria', 'swuFileName', 'scriptFileName'],
      fileProperties: ['swuFileName', 'scriptFileName'],
    },
  ],
  ['microsoft/script:1', { properties: ['scriptFileName'], fileProperties: ['scriptFileName'] }],
])

/** Advises where the reference agent would accept a step but fail to install it. Nothing of it stops an import. */
export function adviseOnStep(node: JsonNode, { handler, files, properties }: Step, findings: Findings): void {
  const needs = NEEDS.get(handler)
  const given = properties?.members ?? []
  // The agent looks for installedCriteria whatever the handler is.
  for (const name of new Set([...(needs?.properties ?? []), 'installedCriteria'])) {
    const property = given.find((member) => member.name === name)
    const twin = given.find((member) => member.name.toLowerCase() === name.toLowerCase())
    if (property === undefined && twin !== undefined) {
      findings.advise(twin, `The agent compares letter case: write "${name}" instead of ${quote(twin.name)}.`)
    } else if (property === undefined && needs?.properties.includes(name)) {
      findings.advise(
        properties ?? node,
        `${handler} needs "${name}" in "handlerProperties", or devices will fail. Add it.`,
      )
    } else if (
      property !== undefined &&
      needs?.fileProperties?.includes(name) &&
      !files.some((file) => file === property.value)
    ) {
      findings.advise(property, `${property.label} must be one of the step's "files", or devices will fail.`)
    }
  }
  if (needs?.files?.right(files) === false) {
    const names = files.map(quote).join(', ') || 'none'
    findings.advise(node, `${handler} takes ${needs.files.words}; this step has ${names}.`)
  }
}
