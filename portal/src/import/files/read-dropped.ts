import type { FileAtPath } from './picked-file.ts'

/** What was dropped, folders with everything in them. Must be called before the event is over. */
export function readDropped({ items, files }: DataTransfer): Promise<FileAtPath[]> {
  const entries = [...items].flatMap((item) => (item.kind === 'file' ? (item.webkitGetAsEntry() ?? []) : []))
  // What a script drops has files and no entries.
  if (entries.length === 0) return Promise.resolve(chosenFiles(files))
  return Promise.all(entries.map((entry) => readEntry(entry, ''))).then((found) => found.flat())
}

/** What was chosen by a form field for files, or for a folder. */
export function chosenFiles(files: Iterable<File>): FileAtPath[] {
  return [...files].map((file) => ({ path: file.webkitRelativePath || file.name, file })).filter(isWanted)
}

async function readEntry(entry: FileSystemEntry, folder: string): Promise<FileAtPath[]> {
  const path = `${folder}${entry.name}`
  // Not every browser has the classes of these by name.
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject))
    return [{ path, file }].filter(isWanted)
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader()
  const found: FileAtPath[] = []
  for (;;) {
    // A browser answers some of them at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0) return found
    for (const inner of some) found.push(...(await readEntry(inner, `${path}/`)))
  }
}

/** What systems put into folders by themselves is not meant. */
function isWanted({ path }: FileAtPath): boolean {
  return !/(^|\/)(\.DS_Store|Thumbs\.db|desktop\.ini|\.git\/.*)$/.test(path)
}
