/** Who asks, from where, and in which trace. */
export interface Caller {
  subject: string
  issuer: string
  /** The network address of the caller. */
  address: string
  /** 32 hex digits. */
  traceId: string
  /** The request itself in that trace (W3C Trace Context): what it begins goes on under it. */
  traceparent?: string
}
