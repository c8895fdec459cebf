/** A name that comes from a manifest, a file or a scanner must not move the cursor of a terminal. */
export function withoutControls(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
