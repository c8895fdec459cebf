import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { auditEntryOf } from '../../domain/audit-entry.ts'
import { AppError } from '../../domain/errors.ts'
import type { EVENT_TYPES } from '../../domain/event.ts'
import type { JsonValue } from '../../domain/json-text.ts'
import { LIMITS } from '../../domain/limits.ts'
import { wireTime } from '../../domain/times.ts'
import { isWebhookSecret, newWebhookSecret, WEBHOOK_NAME, type Webhook } from '../../domain/webhook.ts'
import type { Database } from '../../ports/database.ts'
import type { Audit } from '../../services/audit.ts'
import { countDeliveries, listDeadLetters, retryDeadLetter } from '../../store/events/webhook-deliveries.ts'
import { deleteWebhook, findWebhook, listWebhooks, setWebhook, WEBHOOKS_MAX } from '../../store/events/webhooks.ts'
import { json } from '../calls/answers.ts'
import type { ApiRoute, Call } from '../calls/call.ts'
import { cutPage, nextLink, PAGE_SIZE, pageTokenReader } from '../calls/paging.ts'
import { describe, document, listed } from '../route-schemas.ts'
import { DeadLetter as DeadLetterDocument, Webhook as WebhookDocument, WebhookInput } from './webhook-schemas.ts'

const input = Compile(WebhookInput)

const readToken = pageTokenReader(
  Type.Object(
    { failedAt: Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER }), eventId: Type.String() },
    { additionalProperties: false },
  ),
)

const noBody = { description: 'Done. There is no body.', type: 'null' }

/** Whom an instance tells of its events: an administrator's to say. */
export function webhookRoutes({
  database,
  audit,
  allowsPlainWebhook: mayBePlain = () => false,
}: {
  database: Database
  audit: Audit
  /** Whether an address may be told without encryption; none, unless told. */
  allowsPlainWebhook?: ((url: URL) => boolean) | undefined
}): ApiRoute[] {
  async function webhookOf({ instance, params }: Call): Promise<Webhook> {
    const webhook = await findWebhook(database, { instance, name: params.webhook ?? '' })
    if (webhook === undefined) throw notFound()
    return webhook
  }

  async function documentOf(webhook: Webhook): Promise<Record<string, JsonValue>> {
    const { name, url, types, createdAt, changedAt, hasSecret, deliveredAt, failedAt, reason } = webhook
    const { waiting, failed } = await countDeliveries(database, webhook)
    return {
      name,
      url,
      types: types && [...types],
      hasSecret,
      createdDateTime: wireTime(createdAt),
      changedDateTime: wireTime(changedAt),
      lastDeliveredDateTime: deliveredAt === undefined ? undefined : wireTime(deliveredAt),
      lastFailedDateTime: failedAt === undefined ? undefined : wireTime(failedAt),
      lastFailure: reason,
      waiting,
      failed,
    } as Record<string, JsonValue>
  }

  return [
    {
      method: 'GET',
      path: '/webhooks',
      permission: 'webhooks/write',
      schema: describe(
        { operationId: 'Webhooks_List', summary: 'List webhooks, by their names' },
        listed(WebhookDocument),
      ),
      async handle({ instance }) {
        const webhooks = await listWebhooks(database, instance)
        return json({ value: await Promise.all(webhooks.map(documentOf)) })
      },
    },
    {
      method: 'PUT',
      path: '/webhooks/:webhook',
      permission: 'webhooks/write',
      schema: describe(
        {
          operationId: 'Webhooks_Set',
          summary: 'Make a webhook, or change it',
          description:
            'It is told of what happens from now on. The answer to the request that makes it has its secret, if the server has chosen that; no ' +
            'other answer has it. A webhook that is changed keeps its secret unless another one is given.',
        },
        { body: WebhookInput, ...document(WebhookDocument) },
      ),
      async handle(call) {
        const { instance, params, body } = call
        const name = params.webhook ?? ''
        if (!WEBHOOK_NAME.test(name)) {
          throw new AppError(
            'InvalidRequest',
            'A name has 1 to 36 lower-case letters, digits and dashes, and does not begin with a dash.',
            {
              target: 'name',
            },
          )
        }
        const { url, types, secret: given } = readInput(body, mayBePlain)
        const before = await findWebhook(database, { instance, name })
        const made = given === undefined && before?.hasSecret !== true ? newWebhookSecret() : undefined
        const entry = auditEntryOf(call.caller, { action: 'set-webhook', instance, target: name })
        const isSet = await setWebhook(database, { instance, name, url, types, secret: given ?? made }, entry)
        if (!isSet) {
          throw new AppError('InvalidRequest', `An instance has at most ${WEBHOOKS_MAX} webhooks. Delete one first.`)
        }
        await audit.recorded(entry)
        return json(
          { ...(await documentOf(await webhookOf(call))), ...(made !== undefined && { secret: made }) },
          NO_STORE,
        )
      },
    },
    {
      method: 'GET',
      path: '/webhooks/:webhook',
      permission: 'webhooks/write',
      schema: describe(
        { operationId: 'Webhooks_Get', summary: 'Get a webhook, and how it stands' },
        document(WebhookDocument),
      ),
      handle: async (call) => json(await documentOf(await webhookOf(call))),
    },
    {
      method: 'DELETE',
      path: '/webhooks/:webhook',
      permission: 'webhooks/write',
      schema: describe(
        { operationId: 'Webhooks_Delete', summary: 'Delete a webhook, with what it was still to be told' },
        { response: { 204: noBody } },
      ),
      async handle(call) {
        const { instance, params, caller } = call
        const { webhook: name = '' } = params
        const entry = auditEntryOf(caller, { action: 'delete-webhook', instance, target: name })
        if (!(await deleteWebhook(database, { instance, name }, entry))) throw notFound()
        await audit.recorded(entry)
        return { status: 204 }
      },
    },
    {
      method: 'GET',
      path: '/webhooks/:webhook/failures',
      permission: 'webhooks/write',
      schema: describe(
        {
          operationId: 'Webhooks_ListFailures',
          summary: 'List events that a webhook could not be told of, the newest first',
          description: 'After about a day of tries an event is given up. It stays here for as long as events are kept.',
        },
        listed(DeadLetterDocument),
      ),
      async handle(call) {
        const webhook = await webhookOf(call)
        const after = readToken(call.query.skipToken)
        const { shown, last } = cutPage(await listDeadLetters(database, webhook, { after, limit: PAGE_SIZE + 1 }))
        return json({
          value: shown.map(({ eventId, type, at, failedAt, tries, reason }) => ({
            id: eventId,
            type,
            dateTime: wireTime(at),
            failedDateTime: wireTime(failedAt),
            tries,
            reason,
          })),
          nextLink: last && nextLink(call, { failedAt: last.failedAt, eventId: last.eventId }),
        })
      },
    },
    {
      method: 'POST',
      path: '/webhooks/:webhook/failures/:eventId',
      permission: 'webhooks/write',
      schema: describe(
        { operationId: 'Webhooks_Retry', summary: 'Have an event tried again that was given up' },
        { response: { 204: noBody } },
      ),
      async handle(call) {
        const { instance, params } = call
        const { webhook: name = '', eventId: asked = '' } = params
        const eventId = asked.replace(/:retry$/i, '')
        if (eventId === asked)
          throw new AppError('NotFound', 'There is nothing to POST at this path; end it with :retry.')
        const target = `${name} ${eventId.slice(0, 200)}`
        const entry = auditEntryOf(call.caller, { action: 'retry-webhook', instance, target })
        if (!(await retryDeadLetter(database, { instance, name, eventId }, entry))) {
          throw new AppError('NotFound', 'There is no such failure of this webhook.')
        }
        await audit.recorded(entry)
        return { status: 204 }
      },
    },
  ]
}

/** Its answer has a secret. */
const NO_STORE = { 'cache-control': 'no-store' }

function notFound(): AppError {
  return new AppError('NotFound', 'There is no webhook of this name.')
}

function readInput(body: unknown, mayBePlain: (url: URL) => boolean) {
  const details = input
    .Errors(body)
    .slice(0, LIMITS.findingsMax)
    .map(
      ({ instancePath, message }) =>
        new AppError('FormatWrong', `${instancePath || 'the body'} ${message}.`, { target: instancePath }),
    )
  if (details.length > 0) throw refused('The body is not that of a webhook; see the details.', '', details)
  const { url: text, types, secret } = body as { url: string; types?: (typeof EVENT_TYPES)[number][]; secret?: string }
  const url = URL.parse(text)
  if (url === null || !/^https?:$/.test(url.protocol) || url.hash !== '') {
    throw refused('url must be an address that begins with https, without a fragment.', '/url')
  }
  if (url.username !== '' || url.password !== '') {
    throw refused('url has a user or password in it. The receiver knows the server by the signature.', '/url')
  }
  if (url.protocol === 'http:' && !mayBePlain(url)) {
    throw refused(
      'url must begin with https: what is told could be read on its way. The operator may allow a host with --allow-webhook.',
      '/url',
    )
  }
  if (secret !== undefined && !isWebhookSecret(secret)) {
    throw refused(
      'secret must be whsec_ and 24 to 64 bytes in base64 behind it. Without one the server makes it.',
      '/secret',
    )
  }
  return { url: url.href, types: types === undefined ? undefined : [...new Set(types)], secret }
}

function refused(message: string, target: string, details: readonly AppError[] = []): AppError {
  return new AppError('InvalidRequest', message, { ...(target !== '' && { target }), details })
}
