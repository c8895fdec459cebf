import { withoutControls } from './terminal/without-controls.ts'

/** One line for people on standard output. */
export function print(line: string): void {
  console.log(withoutControls(line))
}

/** One document on a line of its own, for programs; a terminal that happens to read it takes no harm either. */
export function printJson(document: object): void {
  console.log(withoutControls(JSON.stringify(document)))
}

/** One line for people that is no result: standard output is for what a command answers. */
export function tell(line: string): void {
  console.error(withoutControls(line))
}
