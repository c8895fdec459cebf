import { startServer } from '../aduana.ts'
import type { Benchmark } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { shell } from '../child.ts'
import { alternate, ratios, spreadOf, timeMs } from '../measure.ts'
import { startNginx } from '../peers.ts'
import { importUpdate, publish } from '../publish.ts'
import { serveFile, sourceFile } from '../source-bytes.ts'

const MiB = 1024 * 1024

const sizeInBytes = (quick: boolean) => (quick ? 256 : 1024) * MiB

export const benchmark: Benchmark = {
  title: 'Download of content',
  method:
    'A file of 1 GiB, fetched with curl from the content address of Aduana and from nginx with sendfile, in turns, over plain http. ' +
    'Both read from the page cache.',
  needs: ['curl', 'nginx'],
  diskBytes: (quick) => 2 * sizeInBytes(quick),

  async run({ folder, cache, quick }) {
    const file = await sourceFile(cache, sizeInBytes(quick))
    await using server = await startNginx(folder)
    await using aduana = await startServer(folder)
    await serveFile(file, server.root, 'big.bin')
    const client = await aduana.client()
    const updateId = { provider: 'Contoso', name: 'Toaster', version: '1.0' }
    await importUpdate(client, await publish({ ...server, updateId, files: [{ ...file, fileName: 'big.bin' }] }))
    const [content] = (await client.getUpdateWithContent(updateId)).files
    const rate = async (url: string) => {
      const ms = await timeMs(() => shell('curl -sSf -o /dev/null "$URL"', { URL: url }))
      return (file.sizeInBytes / MiB / ms) * 1000
    }

    const rates = await alternate(quick ? 3 : 9, {
      aduana: () => rate(content?.contentUrl ?? ''),
      nginx: () => rate(`${server.origin}/big.bin`),
    })
    return [
      {
        what: 'download of one file',
        unit: 'MiB/s',
        aduana: spreadOf(rates.aduana),
        peer: { name: 'nginx with sendfile', spread: spreadOf(rates.nginx) },
        ratio: spreadOf(ratios(rates.aduana, rates.nginx)),
        budget: BUDGETS.content,
      },
    ]
  },
}
