/**
 * A name that comes from a manifest, a file, a scanner or a server must not move the cursor of a terminal, nor turn the
 * order of what is read.
 */
export function withoutControls(line: string): string {
  return line.replaceAll(
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
