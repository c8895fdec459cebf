import { constants, type FileHandle, open, statfs } from 'node:fs/promises'
import type { Block } from '../../ports/block.ts'
import type { FileWrite } from './file-writes-thread.ts'

/**
 * File systems of this machine's own disks, as `statfs` names them: ext4 and XFS. Others, such as NFS, take direct writes too, but wait for
 * each of them until it is on their disk.
 */
const DIRECT_FILE_SYSTEMS: ReadonlySet<number> = new Set([0xef53, 0x58465342])

/** Memory, place and length have to be multiples of it: the largest that disks and file systems ask for. */
const DIRECT_BYTES = 4096

/** A file that blocks are written to. */
export interface BlockFile {
  /**
   * Writes a block at a place of the file, and answers how many bytes of it are in the page cache now, where they wait for the disk. Throws
   * an error with the `code` of the operating system; then some of the bytes may be there.
   */
  write(block: Block, position: number): Promise<number>
  /** Lets go of what was opened here. */
  close(): Promise<void>
}

/**
 * Writes past the page cache what may be written so: the disk fetches these bytes itself, which takes a sixth of the processor's time and leaves
 * nothing to wait for at the end (decision 21). The rest, and everything where the file system refuses that, goes by `descriptor`.
 */
export function openBlockFile(
  descriptor: number,
  path: string,
  {
    write,
    mayBeDirect,
    refused,
  }: { write: (asked: FileWrite) => Promise<void>; mayBeDirect: () => Promise<boolean>; refused: () => void },
): BlockFile {
  let direct: FileHandle | undefined

  /** Answers how many of the first bytes are written. */
  async function writeDirectly(block: Block, position: number): Promise<number> {
    const bytes = directBytesOf(block, position)
    if (bytes === 0 || !(await mayBeDirect())) return 0
    try {
      direct ??= await open(path, constants.O_WRONLY | constants.O_DIRECT)
      await write({ descriptor: direct.fd, block: block.subarray(0, bytes), position, isDirect: true })
      return bytes
    } catch (error) {
      if (!isRefusal(error)) throw error
      refused()
      return 0
    }
  }

  return {
    async write(block, position) {
      const directBytes = await writeDirectly(block, position)
      const rest = block.subarray(directBytes)
      if (rest.length > 0) await write({ descriptor, block: rest, position: position + directBytes })
      return rest.length
    },
    async close() {
      await direct?.close()
    },
  }
}

/** How many bytes of a block may go past the page cache. */
function directBytesOf({ byteOffset, length }: Block, position: number): number {
  const isPossible = byteOffset % DIRECT_BYTES === 0 && position % DIRECT_BYTES === 0
  return isPossible ? length - (length % DIRECT_BYTES) : 0
}

/** Some file systems refuse to open a file so, others to take the bytes. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EINVAL' || error.code === 'EOPNOTSUPP')
}

/** Whether it is worth trying to write past the page cache in a folder. Where that cannot be told it is not. */
export async function takesDirectWrites(folder: string): Promise<boolean> {
  if (process.platform !== 'linux') return false
  return await statfs(folder).then(
    ({ type }) => DIRECT_FILE_SYSTEMS.has(type),
    () => false,
  )
}
