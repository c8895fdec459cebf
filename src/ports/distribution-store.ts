/** A file as a distribution store gets it. */
export interface NewCopy {
  /** Where it shall lie: `contentPath` of its name. */
  path: string
  /** How those who download it shall save it (`contentHeaders`), where the store keeps such things. */
  fileName: string
  sizeInBytes: number
  /** In hex. The bytes are checked on their way; a store that checks on its own side may do so, too. */
  sha256: string
}

export interface StoredCopy {
  path: string
  sizeInBytes: number
  /** When its last byte was written: milliseconds since 1970. */
  storedAt: number
}

/**
 * A place that devices download from, such as the bucket behind a CDN or a folder behind a web server. It may be away, and may lose or get
 * anything while nobody looks; every method throws then, and is simply called again later.
 */
export interface DistributionStore {
  /**
   * Writes a copy, in the place of what may be there. It is seen only when it is whole and durable; where the bytes throw, end early or
   * do not end in time, this throws and nothing of them stays to be seen. Several may write the same copy at the same time.
   */
  put(copy: NewCopy, bytes: AsyncIterable<Uint8Array>): Promise<void>
  /** The size in bytes of what is there, or undefined if nothing is. */
  size(path: string): Promise<number | undefined>
  /**
   * Everything whose path has the form of a copy's (`readContentPath`), whoever put it there, in the order of the content ids: in as little
   * memory as the store can. Throws where it cannot be sure to see all; a store that was emptied has an empty list.
   */
  list(): AsyncIterable<StoredCopy>
  /** Deletes a copy; deleting one that is not there is no error. */
  delete(path: string): Promise<void>
}

/** A distribution store under the name that it is configured with. */
export interface NamedStore {
  name: string
  store: DistributionStore
}
