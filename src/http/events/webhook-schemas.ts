import Type from 'typebox'
import { EVENT_TYPES } from '../../domain/event.ts'
import { LIMITS } from '../../domain/limits.ts'
import { dateTime } from '../schemas.ts'

const eventTypes = Type.Optional(
  Type.Array(Type.Enum([...EVENT_TYPES], { type: 'string' }), {
    minItems: 1,
    maxItems: EVENT_TYPES.length,
    description: 'Which events it is told of; all, unless given.',
  }),
)

export const WebhookInput = Type.Object(
  {
    url: Type.String({
      minLength: 1,
      maxLength: LIMITS.urlLengthMax,
      description: 'Where events are posted to, with https.',
    }),
    types: eventTypes,
    secret: Type.Optional(
      Type.String({
        maxLength: 200,
        description:
          'whsec_ and 24 to 64 bytes in base64, to sign with (Standard Webhooks). The server makes one, unless given.',
      }),
    ),
  },
  { title: 'WebhookInput', additionalProperties: false, description: 'Whom to tell of events.' },
)

export const Webhook = Type.Object(
  {
    name: Type.String(),
    url: Type.String(),
    types: eventTypes,
    secret: Type.Optional(
      Type.String({ description: 'Only in the answer to the request that made it: keep it, it is not shown again.' }),
    ),
    hasSecret: Type.Boolean({ description: 'False after a restore: then nothing is sent until it is set again.' }),
    createdDateTime: dateTime('When it was made.'),
    changedDateTime: dateTime('When it was last set.'),
    lastDeliveredDateTime: Type.Optional(dateTime('When it last took an event.')),
    lastFailedDateTime: Type.Optional(dateTime('When a try last failed.')),
    lastFailure: Type.Optional(Type.String({ description: 'Why, for people.' })),
    waiting: Type.Integer({ minimum: 0, description: 'Events that it is still to be told of.' }),
    failed: Type.Integer({ minimum: 0, description: 'Events that were given up.' }),
  },
  { $id: 'Webhook', description: 'Who is told of events, and how that goes.' },
)

export const DeadLetter = Type.Object(
  {
    id: Type.String({ description: 'Of the event.' }),
    type: Type.Enum([...EVENT_TYPES], { type: 'string' }),
    dateTime: dateTime('When it happened.'),
    failedDateTime: dateTime('When the last try failed.'),
    tries: Type.Integer({ minimum: 1 }),
    reason: Type.String({ description: 'Why the last try failed, for people.' }),
  },
  { $id: 'DeadLetter', description: 'An event that a webhook could not be told of.' },
)
