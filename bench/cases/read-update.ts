import type { Benchmark } from '../benchmark.ts'
import { BUDGETS } from '../budgets.ts'
import { alternate, ratios, spreadOf } from '../measure.ts'
import { prepareUpdateRace } from '../update-race.ts'
import { requestsPerSecond } from '../wrk.ts'

export const benchmark: Benchmark = {
  title: 'Get Update',
  method:
    'One update asked for by wrk over 32 connections of plain http, with a token on every request. Beside it a bare Fastify route in a ' +
    'process of its own that reads the same bytes from SQLite by a key of four parts, and checks nothing. In turns.',
  needs: ['wrk'],
  diskBytes: () => 256 * 1024 ** 2,

  async run({ folder, quick }) {
    await using race = await prepareUpdateRace(folder)
    const seconds = quick ? 2 : 4
    const rates = await alternate(quick ? 2 : 15, {
      aduana: () => requestsPerSecond(race.aduana.url, { ...race.aduana, seconds }),
      bare: () => requestsPerSecond(race.bare.url, { ...race.bare, seconds }),
    })
    return [
      {
        what: 'Get Update',
        unit: '/s',
        aduana: spreadOf(rates.aduana),
        peer: { name: 'bare Fastify route', spread: spreadOf(rates.bare) },
        ratio: spreadOf(ratios(rates.aduana, rates.bare)),
        budget: BUDGETS.readUpdate,
      },
    ]
  },
}
