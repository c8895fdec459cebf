import type { Database } from '../../ports/database.ts'
import type { DatabaseUpkeep } from '../../ports/upkeep.ts'
import { listMisfits } from '../../store/blobs/inspect-blobs.ts'
import { isHalfCopied } from '../../store/copy-catalogue.ts'
import { schemaKnown, schemaOf } from '../../store/migrate.ts'
import type { Step } from './step.ts'

const FINDINGS_MAX = 100

/** Whether the database can be used and is sound as it is stored. */
export function checkDatabase(upkeep: DatabaseUpkeep, { isDeep }: { isDeep: boolean }): Step {
  return {
    name: 'database',
    title: 'Database',
    needs: [],
    async run(pen) {
      const { summary, damages, warnings, notes } = await upkeep.look({ damagesMax: FINDINGS_MAX, isDeep })
      for (const note of notes) pen.note(note)
      for (const warning of warnings) pen.warn(warning)
      for (const damage of damages) pen.problem(damage)
      if (damages.length > 0) pen.problem(upkeep.remedy)
      return summary
    },
  }
}

/** Whether database and program are of the same version. */
export function checkSchema(database: () => Database): Step {
  return {
    name: 'schema',
    title: 'Schema',
    needs: ['database'],
    async run(pen) {
      const [found, known] = [await schemaOf(database()), schemaKnown()]
      if (found > known) {
        pen.problem(
          `The database was written by a newer Aduana: schema ${found}, this one knows ${known}. Use that version.`,
        )
      }
      if (found < known) {
        pen.problem(
          `The database is of an older Aduana: schema ${found}, this one needs ${known}. Make a backup; ` +
            'the next start of a server brings it up to date.',
        )
      }
      if (found === known && (await isHalfCopied(database()))) {
        pen.problem(
          'A catalogue is being moved into this database, or that broke off: run "aduana move-database" again.',
        )
      }
      return `Version ${found}.`
    },
  }
}

/** Whether the rows fit together: nothing names what is not there, and sizes agree. */
export function checkRows(database: () => Database, upkeep: DatabaseUpkeep): Step {
  return {
    name: 'rows',
    title: 'Rows',
    needs: ['database', 'schema'],
    async run(pen) {
      const flaws = [...(await upkeep.brokenReferences(FINDINGS_MAX)), ...(await listMisfits(database(), FINDINGS_MAX))]
      for (const flaw of flaws) pen.problem(flaw)
      if (flaws.length > 0) pen.problem(upkeep.remedy)
      return 'Those of every update, file and blob were compared.'
    },
  }
}
