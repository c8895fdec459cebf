/** Primary result codes of SQLite: https://sqlite.org/rescode.html */
export const SQLITE = {
  busy: 5,
  readOnly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const

/** The primary result code of an error of SQLite, or undefined for any other error. */
export function sqliteCode(error: unknown): number | undefined {
  return error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined
}

const RESTORE = 'Stop Aduana and restore the data folder from a backup.'

/** Puts what a person has to know about a broken database file into a sentence. Other errors come back as they are. */
export function asSentence(error: unknown, path: string): unknown {
  switch (sqliteCode(error)) {
    case SQLITE.corrupt:
      return new Error(`The database ${path} is damaged. ${RESTORE}`, { cause: error })
    case SQLITE.notADatabase:
      return new Error(`${path} is not a database, or its beginning is overwritten. ${RESTORE}`, { cause: error })
    case SQLITE.cannotOpen:
    case SQLITE.readOnly:
      return new Error(
        `The database ${path} cannot be opened. Give it and its folder to the user that runs Aduana; the disk must not be full.`,
        { cause: error },
      )
    default:
      return error
  }
}
