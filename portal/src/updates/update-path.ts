import type { UpdateId } from '../../../src/domain/update-id.ts'

/** The address of an update's page in its instance. */
export function updatePath({ provider, name, version }: UpdateId): string {
  return `/updates/${[provider, name, version].map(encodeURIComponent).join('/')}`
}
