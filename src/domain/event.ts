import type { JsonValue } from './json-text.ts'
import { wireTime } from './times.ts'
import { formatUpdateId, type UpdateId } from './update-id.ts'

/** What may have happened. A type never changes its meaning; there may be more of them. */
export const EVENT_TYPES = [
  'aduana.operation.accepted',
  'aduana.operation.succeeded',
  'aduana.operation.failed',
  'aduana.update.imported',
  'aduana.update.deleted',
  'aduana.update.infected',
] as const
export type EventType = (typeof EVENT_TYPES)[number]

/** Something that has happened in an instance, and is told at least once to whoever wants to know. */
export interface Event {
  /** The same whenever it is told. */
  id: string
  /** Events are told in this order, which no later event comes before. */
  number: number
  instance: string
  type: EventType
  /** Milliseconds since 1970. */
  at: number
  operationId?: string
  kind?: string
  /** What it is about; of an operation, the update that it shows. */
  updateId?: UpdateId
  facts: Readonly<Record<string, JsonValue>>
}

/** The event as everybody is told of it (CloudEvents 1.0, JSON format). */
export function cloudEventOf(event: Event): JsonValue {
  const { id, instance, type, at, operationId, kind, updateId, facts } = event
  const isOfUpdate = type.startsWith('aduana.update.')
  return {
    specversion: '1.0',
    id,
    source: `/aduana/v1/${instance}`,
    type,
    subject: isOfUpdate && updateId ? formatUpdateId(updateId) : operationId,
    time: wireTime(at),
    datacontenttype: 'application/json',
    data: { instance, operationId, kind, updateId: updateId && { ...updateId }, ...facts },
  }
}
