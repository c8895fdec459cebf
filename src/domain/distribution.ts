import { randomBytes } from 'node:crypto'

/**
 * How far the copy of a file is at a distribution store: to be copied, there, or no longer wanted there. That something is `Present`
 * rests on the last copying or check.
 */
export const COPY_STATES = ['Waiting', 'Present', 'Dropping'] as const

export type CopyState = (typeof COPY_STATES)[number]

/** What a copy is called, in every store and at the server itself. */
export interface ContentName {
  /** 32 hex digits that nobody can guess and that no other file ever has. */
  contentId: string
  fileName: string
}

export function newContentId(): string {
  return randomBytes(16).toString('hex')
}

/** Where a copy lies in a distribution store. It never changes, and nothing else ever lies there. */
export function contentPath({ contentId, fileName }: ContentName): string {
  return `${contentId}/${fileName}`
}

/** The name behind a path; undefined for a path that cannot be one of a copy, so that what others keep beside them is left alone. */
export function readContentPath(path: string): ContentName | undefined {
  // Folders and addresses give `.` and `..` a meaning of their own.
  const [, contentId, fileName] = /^([0-9a-f]{32})\/(?!\.{1,2}$)([^/]+)$/.exec(path) ?? []
  return contentId === undefined || fileName === undefined ? undefined : { contentId, fileName }
}

/** The same as a part of an address. */
export function contentUrlPath({ contentId, fileName }: ContentName): string {
  return `${contentId}/${encodeURIComponent(fileName)}`
}
