/** Another worker holds the operation by now, or nobody: this attempt must change nothing more. */
export class LostAttempt extends Error {
  override readonly name = 'LostAttempt'
}

/** The server is stopping; the operation goes on later, from where it is. */
export class Parked extends Error {
  override readonly name = 'Parked'
}
