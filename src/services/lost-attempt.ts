/** Another worker holds the operation by now, or nobody: this attempt must change nothing more. */
export class LostAttempt extends Error {
  override readonly name = 'LostAttempt'
}
