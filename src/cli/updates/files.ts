import { connect } from '../connect.ts'
import { printJson, tell } from '../output.ts'
import { formatBytes } from '../terminal/amounts.ts'
import { lookOf } from '../terminal/look.ts'
import { startTable } from '../terminal/table.ts'
import { everyFile } from './every-file.ts'
import { scanWord } from './list.ts'
import { parseUpdateName } from './update-name.ts'

/** `aduana files`: the files of one update, with what a manifest says of them. */
export async function files(
  text: string,
  flags: Record<string, string | string[] | undefined>,
  { json = false }: { json?: boolean },
): Promise<void> {
  const updateId = parseUpdateName(text)
  const { client } = await connect(flags, { role: 'Device Update Content Reader' })
  const found = everyFile(await client.getUpdateWithContent(updateId))
  const table = startTable(['FILE', '>SIZE', 'SCAN', 'SHA-256', 'RELATED TO'], {
    print: console.log,
    look: lookOf(process.stdout),
  })
  for (const file of found) {
    if (json) printJson(file)
    else {
      const { fileName, sizeInBytes, scanResult, hashes, relatedTo = '' } = file
      table.add(fileName, formatBytes(sizeInBytes), scanWord(scanResult), hashes.sha256 ?? '', relatedTo)
    }
  }
  table.end()
  if (found.length === 0 && !json) tell(`${text} has no files of its own: its steps install other updates.`)
}
