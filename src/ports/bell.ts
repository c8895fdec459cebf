/**
 * Tells the workers of all nodes that there may be something to do, so that they look at once and not only when they next would. It says
 * nothing else: what is to be done stands in the database, and a ring that gets lost is harmless.
 */
export interface Bell {
  /** Rings on every node, this one included. Returns at once, and never throws. */
  ring(): void
  /** Calls `listener` at each ring, and whenever rings may have been missed. */
  onRing(listener: () => void): void
  close(): Promise<void>
}
