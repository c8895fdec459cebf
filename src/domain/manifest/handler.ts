import type { Findings } from '../findings.ts'
import type { JsonNode } from '../json-document.ts'
import { LIMITS } from '../limits.ts'
import { readText } from '../read-json-values.ts'

/** Import schema 4.0, inlineStep.handler; import manifest 2.0, UpdateType. */
const FORM = {
  accepts: (text: string) => /^\S+\/\S+:\d{1,5}$/.test(text),
  words: 'of the form {provider}/{type}:{version}, such as microsoft/script:1',
}

/** Reads the name of what installs a payload, or (with another `max`) of what downloads it, on the device. */
export function readHandler(
  node: JsonNode | undefined,
  { max = LIMITS.handlerLengthMax }: { max?: number },
  findings: Findings,
): string {
  return readText(node, { min: LIMITS.handlerLengthMin, max, form: FORM }, findings)
}
