import { formatTime } from './format.ts'

/** A moment in the visitor's time zone; to the second, in UTC, on hover. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={at}>
      {formatTime(at)}
    </time>
  )
}
