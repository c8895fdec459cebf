import { writeSync } from 'node:fs'
import type { Block } from '../../ports/block.ts'
import { answerInGroups } from '../threads/answer-in-groups.ts'
import { stepBack } from '../threads/step-back.ts'
import { type FileFault, faultOf } from './file-fault.ts'

/** What goes to the end of an open file. */
export interface FileWrite {
  descriptor: number
  block: Block
}

/** The kernel copies that much without letting anybody else at the processor, where it is not told to (`PREEMPT_NONE`). */
const CALL_BYTES = 256 * 1024

stepBack()
answerInGroups<FileWrite, FileFault | undefined>({
  // One by one: whoever waits needs the block for what comes next.
  weigh: () => 1,
  weightMax: 1,
  answer: (group) => group.map(write),
})

function write({ descriptor, block }: FileWrite): FileFault | undefined {
  try {
    // The kernel may take less than it was given.
    for (let written = 0; written < block.length; ) {
      written += writeSync(descriptor, block, written, Math.min(CALL_BYTES, block.length - written))
    }
    return undefined
  } catch (error) {
    return faultOf(error)
  }
}
