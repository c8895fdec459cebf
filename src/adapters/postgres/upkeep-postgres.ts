import type { Database, Row } from '../../ports/database.ts'
import type { DatabaseUpkeep } from '../../ports/upkeep.ts'

/** The oldest that is tested. */
const VERSION_MIN = 15
/** An import asks some dozens of times. */
const SLOW_MS = 200
const ASKED_TIMES = 5

const IN_OUR_SCHEMA = 'relnamespace = to_regnamespace(current_schema())'

/**
 * Looks into a PostgreSQL, beside nodes at work too. Pages and indexes are read where the extension `amcheck` is installed and may be used.
 * `database` must have time for statements that read all of it.
 */
export function openPostgresUpkeep(database: Database): DatabaseUpkeep {
  async function answerMs(): Promise<number> {
    let bestMs = Number.POSITIVE_INFINITY
    for (let asked = 0; asked < ASKED_TIMES; asked += 1) {
      const askedAt = performance.now()
      await database.query('select 1')
      bestMs = Math.min(bestMs, performance.now() - askedAt)
    }
    return bestMs
  }

  async function listInvalidIndexes(): Promise<string[]> {
    const rows = await database.query(
      `select relname from pg_class join pg_index on indexrelid = pg_class.oid
        where ${IN_OUR_SCHEMA} and not (indisvalid and indisready) order by relname`,
    )
    return rows.map(
      ({ relname }) => `The index ${relname} is not valid, so it is not used: "reindex index ${relname}".`,
    )
  }

  async function listCountedDamages(): Promise<string[]> {
    const [row] = await database.query(
      'select checksum_failures from pg_stat_database where datname = current_database() and checksum_failures > 0',
    )
    if (row === undefined) return []
    return [
      `PostgreSQL has met ${row.checksum_failures} damaged pages in this database. See its log; when that is mended, "select pg_stat_reset()".`,
    ]
  }

  /** Reads every index, and with `isDeep` every row. Undefined where this user may not. */
  async function readAll(
    damagesMax: number,
    isDeep: boolean,
  ): Promise<{ damages: string[]; what: string } | undefined> {
    const damages: string[] = []
    const relations = await database.query(
      `select pg_class.oid, relname, relkind from pg_class left join pg_index on indexrelid = pg_class.oid
        where ${IN_OUR_SCHEMA} and (relkind = 'r' or relkind = 'i' and indisvalid and relam = (select oid from pg_am where amname = 'btree'))
        order by relkind, relname`,
    )
    try {
      for (const { oid = 0, relname, relkind } of relations) {
        if (relkind === 'i') {
          const damage = await damageOf(database.query('select bt_index_check($1::oid::regclass, $2)', [oid, isDeep]))
          if (damage !== undefined) damages.push(`The index ${relname} is damaged: ${damage}.`)
        } else if (isDeep) {
          const rows = await database.query('select msg from verify_heapam($1::oid::regclass) limit $2', [
            oid,
            damagesMax,
          ])
          damages.push(...rows.map(({ msg }) => `The table ${relname} is damaged: ${msg}.`))
        }
      }
    } catch (error) {
      if (sqlState(error) === '42501') return undefined
      throw error
    }
    const what = isDeep ? 'Every row and every index was read.' : 'Every index was read.'
    return { damages: damages.slice(0, damagesMax), what }
  }

  return {
    remedy:
      'This cannot be repaired here: rebuild a damaged index with "reindex index", restore damaged tables from a backup.',

    async look({ damagesMax, isDeep }) {
      const [server = {}] = await database.query(
        `select current_setting('server_version') as version, current_setting('server_version_num')::int / 10000 as major,
                current_setting('server_encoding') as encoding, pg_is_in_recovery() as is_standby,
                to_regclass('migrations') is null as is_foreign,
                exists (select 1 from pg_extension where extname = 'amcheck') as has_amcheck`,
      )
      refuseUnfit(server)
      const ms = await answerMs()
      const warnings = [...(await listInvalidIndexes()), ...(await listCountedDamages())]
      if (Number(server.major) < VERSION_MIN) {
        warnings.push(`PostgreSQL ${server.version} is older than ${VERSION_MIN}, the oldest that is known to do.`)
      }
      if (ms > SLOW_MS) {
        warnings.push(`It takes ${Math.round(ms)} ms to answer the simplest question. Bring it nearer to the nodes.`)
      }
      const answered = `PostgreSQL ${server.version} answers within ${ms.toFixed(1)} ms.`
      const read = server.has_amcheck ? await readAll(damagesMax, isDeep) : undefined
      if (read !== undefined) return { summary: `${answered} ${read.what}`, damages: read.damages, warnings, notes: [] }
      const note =
        'Pages and indexes were not read: that needs "create extension amcheck" in this database, and the right to use it.'
      return { summary: answered, damages: [], warnings, notes: [note] }
    },

    async brokenReferences(limit) {
      const rows = await database.query(
        `select conname, relname from pg_constraint join pg_class on conrelid = pg_class.oid
          where ${IN_OUR_SCHEMA} and contype = 'f' and (not convalidated or exists
            (select 1 from pg_trigger where tgconstraint = pg_constraint.oid and tgenabled = 'D'))
          order by conname limit $1`,
        [limit],
      )
      return rows.map(
        ({ conname, relname }) =>
          `PostgreSQL was told not to check the reference ${conname}, so rows may name what is not there: ` +
          `"alter table ${relname} enable trigger all" and "alter table ${relname} validate constraint ${conname}".`,
      )
    },
  }
}

function refuseUnfit({ version, encoding, is_standby, is_foreign }: Row): void {
  if (is_standby)
    throw new Error(`The PostgreSQL ${version} that answers is a standby, which only reads. Name the primary.`)
  if (encoding !== 'UTF8') throw new Error(`The database has the encoding ${encoding}. Make one with UTF8.`)
  if (is_foreign)
    throw new Error('There is no catalogue of Aduana in this database. Name the right one with --database.')
}

/** What is damaged, in the words of the server; undefined if the check went well. */
async function damageOf(check: Promise<unknown>): Promise<string | undefined> {
  try {
    await check
    return undefined
  } catch (error) {
    const { cause } = error as Error
    if (sqlState(error)?.startsWith('XX') && cause instanceof Error) return cause.message
    throw error
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function sqlState(error: unknown): string | undefined {
  return Object((error as Error).cause).code
}
