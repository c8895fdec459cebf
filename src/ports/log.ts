/** The part of a logger that services use: what it is about as facts, and a sentence without them. */
export interface Log {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}
