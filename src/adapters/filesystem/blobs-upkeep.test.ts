import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeUpkeepContract } from '../../../tests/contracts/store-upkeep.contract.ts'
import { openFilesystemBlobs } from './blobs-filesystem.ts'
import { openFilesystemUpkeep } from './blobs-upkeep.ts'

storeUpkeepContract('folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'aduana-upkeep-'))
  return {
    store: await openFilesystemBlobs({ folder }),
    other: await openFilesystemBlobs({ folder, node: 'other' }),
    upkeep: openFilesystemUpkeep({ folder }),
    ofNothing: openFilesystemUpkeep({ folder: join(folder, 'nothing') }),
    readDamaged: (name) => readFile(join(folder, 'damaged', name)),
    dispose: () => rm(folder, { recursive: true }),
  }
})
