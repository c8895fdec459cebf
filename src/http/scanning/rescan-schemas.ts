import Type from 'typebox'
import { INFECTED_UPDATES_MAX } from '../../services/scanning/rescan-progress.ts'
import { dateTime, updateId } from '../schemas.ts'

export const RescanInput = Type.Object(
  {
    everything: Type.Optional(
      Type.Boolean({ default: false, description: 'Scan again what was scanned with the signatures in force, too.' }),
    ),
  },
  { title: 'RescanInput', description: 'What to scan again. May be left out.' },
)

export const Rescan = Type.Object(
  {
    wantedDateTime: dateTime('When the rescan was asked for: what was scanned before is scanned again.'),
    endedDateTime: Type.Optional(dateTime('When nothing was left to do; absent while something may be.')),
    total: Type.Integer({ minimum: 0, description: 'How many contents the files of the instance have.' }),
    remaining: Type.Integer({ minimum: 0, description: 'Contents that are still to be scanned.' }),
    infected: Type.Integer({ minimum: 0, description: 'Contents that are known to be infected. They are not served.' }),
    notScanned: Type.Integer({
      minimum: 0,
      description: 'Contents that could not be scanned again, or never were. An earlier verdict stays in force.',
    }),
    infectedUpdates: Type.Array(updateId, {
      maxItems: INFECTED_UPDATES_MAX,
      description: 'Updates with infected files; the first ones, where there are many.',
    }),
    problems: Type.Array(Type.String(), { description: 'What is wrong with the scanner just now, for people.' }),
  },
  { $id: 'Rescan', description: 'How far the rescan is that was asked for last.' },
)
