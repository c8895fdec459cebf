/**
 * What a span tells besides its name and its time. Never a token, the query of a URL, or the id of content: whoever reads traces need not
 * be able to download anything.
 */
export type Attributes = Readonly<Record<string, string | number | boolean>>

export interface NewSpan {
  /** One of few: what differs from one to the next is in the attributes. */
  name: string
  /** How it stands to others: it answers a request, asks somebody else, or does what was asked for earlier. None of these, unless told. */
  kind?: 'server' | 'client' | 'consumer'
  attributes?: Attributes
  /** The `traceparent` (W3C Trace Context) of what it is a part of: the span around it, unless told. */
  parent?: string | undefined
}

/** A part of a trace, while it lasts. */
export interface Span {
  /** Its own `traceparent`, for what goes on under it elsewhere. Undefined where nothing is traced. */
  readonly traceparent: string | undefined
  set(attributes: Attributes): void
  /** What it stands for has failed. Told are the stable codes of the error, not its sentence: that names files and addresses. */
  fail(error: unknown): void
}

export interface OpenSpan extends Span {
  /** Does the work in it: what begins meanwhile is a part of it. */
  run<T>(work: () => T): T
  /** Ends it; with an error, as failed. */
  end(failure?: { error: unknown }): void
}

/** Tells somebody else how long what took, and as part of what. Nothing here waits, throws or can fail what it tells of. */
export interface Tracing {
  /** Does the work in a span: what begins meanwhile is a part of it. An error of the work is told and thrown on. */
  inSpan<T>(span: NewSpan, work: (span: Span) => Promise<T>): Promise<T>
  /** Begins a span that somebody else ends. */
  begin(span: NewSpan): OpenSpan
}

const NO_SPAN: OpenSpan = { traceparent: undefined, run: (work) => work(), set() {}, fail() {}, end() {} }

/** Tells nobody anything. */
export const UNTRACED: Tracing = {
  inSpan: (_span, work) => work(NO_SPAN),
  begin: () => NO_SPAN,
}
