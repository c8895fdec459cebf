import { writeSync } from 'node:fs'
import type { Block } from '../../ports/block.ts'
import { answerInGroups } from '../threads/answer-in-groups.ts'
import { stepBack } from '../threads/step-back.ts'
import { type FileFault, faultOf } from './file-fault.ts'

/** What goes to an open file. */
export interface FileWrite {
  descriptor: number
  block: Block
  /** Where in the file. */
  position: number
  /** The disk fetches the bytes itself. */
  isDirect?: true
}

/** The kernel copies that much without letting anybody else at the processor, where it is not told to (`PREEMPT_NONE`). */
const COPY_BYTES = 256 * 1024

stepBack()
answerInGroups<FileWrite, FileFault | undefined>({
  // One by one: whoever waits needs the block for what comes next.
  weigh: () => 1,
  weightMax: 1,
  answer: (group) => group.map(write),
})

function write({ descriptor, block, position, isDirect }: FileWrite): FileFault | undefined {
  const callBytes = isDirect ? block.length : COPY_BYTES
  try {
    // The kernel may take less than it was given.
    for (let written = 0; written < block.length; ) {
      const bytes = Math.min(callBytes, block.length - written)
      written += writeSync(descriptor, block, written, bytes, position + written)
    }
    return undefined
  } catch (error) {
    return faultOf(error)
  }
}
