/** Sends messages to the addresses of webhooks. */
export interface WebhookSender {
  /**
   * Posts a message, once, and waits for the status of the answer. Throws `DeliveryFailed` where none came in time, or another than 2xx;
   * redirects are not followed, and what the answer says is not read. Ends with the signal, by throwing its reason.
   */
  send(message: {
    url: string
    headers: Readonly<Record<string, string>>
    body: string
    signal: AbortSignal
  }): Promise<void>
  close(): Promise<void>
}

/** A message was not taken. Its sentence is for whoever manages the webhook, and names no more of the address than the host. */
export class DeliveryFailed extends Error {
  override readonly name = 'DeliveryFailed'
}
