import type { Findings } from '../findings.ts'
import type { ManifestFile, ManifestStep, Reference } from '../import-manifest.ts'
import { type JsonNode, quote } from '../json-document.ts'
import { LIMITS } from '../limits.ts'
import { hasType, readFreeObject, readItems, readMembers, readText } from '../read-json-values.ts'
import type { UpdateId } from '../update-id.ts'
import { adviseOnStep } from './advise-on-step.ts'
import { readHandler } from './handler.ts'
import { readReference } from './read-reference.ts'

export interface StepContext {
  /** The update whose steps they are. */
  self: UpdateId
  /** The files of the manifest, which inline steps name. */
  files: readonly ManifestFile[]
  findings: Findings
}

/** Reads `instructions` (import schema 4.0). */
export function readSteps(instructions: JsonNode | undefined, context: StepContext): ReadStep[] {
  const { findings } = context
  const members = readMembers(instructions, { required: ['steps'] }, findings)
  return readItems(members.steps, { min: 1, max: LIMITS.stepsMax }, findings).map((node) => readStep(node, context))
}

/** A step, and what it references if it is no inline step. */
interface ReadStep {
  step: ManifestStep
  reference?: Reference
}

function readStep(node: JsonNode, context: StepContext): ReadStep {
  return stepType(node, context.findings) === 'reference'
    ? readReferenceStep(node, context)
    : readInlineStep(node, context)
}

/** A step without type is inline, unless it plainly is a reference whose type was forgotten. */
function stepType(node: JsonNode, findings: Findings): 'inline' | 'reference' {
  const members = new Map(node.members.map((member) => [member.name.toLowerCase(), member]))
  const looksLikeReference = members.has('updateid') && !members.has('handler')
  const guess = looksLikeReference ? 'reference' : 'inline'
  const type = members.get('type')
  if (type === undefined) {
    if (looksLikeReference)
      findings.error('MemberMissing', node, `${node.label} lacks "type". Add "type": "reference".`)
    return guess
  }
  if (!hasType(type, 'string', findings)) return guess
  const text = String(type.value).toLowerCase()
  if (text === 'inline' || text === 'reference') return text
  findings.error(
    'FormatWrong',
    type,
    `${type.label} is ${quote(String(type.value))}, but must be "inline" or "reference".`,
  )
  return guess
}

const ELSEWHERE_OF_INLINE = new Map([
  ['updateid', 'It belongs to steps with "type": "reference".'],
  ['installedcriteria', 'It belongs into "handlerProperties".'],
  ['updatetype', 'In a step it is called "handler".'],
])

function readInlineStep(node: JsonNode, { files, findings }: StepContext): ReadStep {
  const members = readMembers(
    node,
    {
      required: ['handler', 'files'],
      optional: ['type', 'description', 'handlerProperties'],
      elsewhere: (name) => ELSEWHERE_OF_INLINE.get(name),
    },
    findings,
  )
  const handler = readHandler(members.handler, {}, findings)
  const fileNames = readItems(members.files, { min: 1, max: LIMITS.stepFilesMax }, findings).map((item) => {
    return readStepFile(item, files, findings)
  })
  const handlerProperties = readFreeObject(members.handlerProperties, findings)
  adviseOnStep(node, { handler, files: fileNames, properties: members.handlerProperties }, findings)
  const description = readDescription(members.description, findings)
  return {
    step: {
      type: 'inline',
      ...description,
      handler,
      files: fileNames,
      ...(handlerProperties && { handlerProperties }),
    },
  }
}

function readReferenceStep(node: JsonNode, { self, findings }: StepContext): ReadStep {
  const members = readMembers(
    node,
    {
      required: ['updateId'],
      optional: ['type', 'description'],
      elsewhere: (name) =>
        /^(handler|files|handlerproperties)$/.test(name) ? 'It belongs to inline steps.' : undefined,
    },
    findings,
  )
  const description = readDescription(members.description, findings)
  const reference = readReference(members.updateId, self, findings)
  return { step: { type: 'reference', ...description, updateId: reference.updateId }, reference }
}

function readDescription(node: JsonNode | undefined, findings: Findings): { description?: string } {
  return node === undefined
    ? {}
    : { description: readText(node, { max: LIMITS.stepDescriptionLengthMax, isProse: true }, findings) }
}

/** The name of a file; what a name may be is checked where it is listed. */
function readStepFile(node: JsonNode, files: readonly ManifestFile[], findings: Findings): string {
  if (!hasType(node, 'string', findings)) return ''
  const name = String(node.value)
  const isListed = files.some((file) => file.fileName === name)
  // Where no file is listed at all, or one without name, that is the mistake to tell.
  const mayBeListed = files.length === 0 || files.some((file) => file.fileName === '')
  if (isListed || mayBeListed) return name
  const twin = files.find((file) => file.fileName.toLowerCase() === name.toLowerCase())
  const isRelated = files.some((file) => file.relatedFiles.some((related) => related.fileName === name))
  const hint = twin
    ? `It lists ${quote(twin.fileName)}; write both alike, letter case counts here.`
    : isRelated
      ? 'It is a related file; a step names the file that it helps to make.'
      : 'Add it there, or correct the name.'
  findings.error('StepFileUnknown', node, `${quote(name)} is not in the "files" of the manifest. ${hint}`)
  return name
}
