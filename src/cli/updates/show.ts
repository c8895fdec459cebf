import type { Step, UpdateWithContent } from '../../client/api-types.ts'
import { formatUpdateId } from '../../domain/update-id.ts'
import { connect } from '../connect.ts'
import { printJson } from '../output.ts'
import { count, formatBytes, formatMoment } from '../terminal/amounts.ts'
import { type Look, lookOf, painted } from '../terminal/look.ts'
import { withoutControls } from '../terminal/without-controls.ts'
import { everyFile } from './every-file.ts'
import { scanWord } from './list.ts'
import { parseUpdateName } from './update-name.ts'

const LABEL_WIDTH = 15

/** `aduana show`: what is known about one update. */
export async function show(
  text: string,
  flags: Record<string, string | string[] | undefined>,
  { json = false }: { json?: boolean },
): Promise<void> {
  const updateId = parseUpdateName(text)
  const { client } = await connect(flags, { role: 'Device Update Content Reader' })
  const update = await client.getUpdateWithContent(updateId)
  if (json) printJson(update)
  else for (const line of linesOf(update, lookOf(process.stdout))) console.log(line)
}

/** The update as lines for people: its name, and below it a line for each thing that is known. */
export function linesOf(update: UpdateWithContent, look: Pick<Look, 'isColoured'>): string[] {
  const files = everyFile(update)
  const sizeInBytes = files.reduce((sum, file) => sum + file.sizeInBytes, 0)
  const facts: [label: string, text: string | undefined][] = [
    ['friendly name', update.friendlyName],
    ['description', update.description],
    ['deployable', update.isDeployable === false ? 'no, only as a part of another one' : 'yes'],
    ['malware scan', scanWord(update.scanResult)],
    ['imported', formatMoment(update.importedDateTime)],
    ['made', formatMoment(update.createdDateTime)],
    ['manifest', update.manifestVersion],
    ['update type', update.updateType],
    ['installed if', update.installedCriteria],
    ...update.compatibility.map((properties): [string, string] => [
      'for devices',
      Object.entries(properties)
        .map(([name, value]) => `${name}=${value}`)
        .join(', '),
    ]),
    ...(update.instructions?.steps ?? []).map((step, i): [string, string] => [`step ${i + 1}`, stepWords(step)]),
    // Since 4.0 the steps say so.
    ...(update.instructions === undefined ? (update.references ?? []) : []).map((part): [string, string] => [
      'bundles',
      formatUpdateId(part),
    ]),
    ...(update.referencedBy ?? []).map((parent): [string, string] => ['part of', formatUpdateId(parent)]),
    ['files', files.length === 0 ? 'none' : `${count(files.length, 'file')}, ${formatBytes(sizeInBytes)}`],
  ]
  return [
    painted('bold', withoutControls(formatUpdateId(update.updateId)), look),
    ...facts
      .filter(([, text]) => text)
      .map(([label, text]) => `  ${label.padEnd(LABEL_WIDTH)} ${withoutControls(text ?? '')}`),
  ]
}

function stepWords({ updateId, handler = '', files = [], description }: Step): string {
  const what = updateId === undefined ? `${handler} ${files.join(', ')}`.trim() : `install ${formatUpdateId(updateId)}`
  return description === undefined ? what : `${what} (${description})`
}
