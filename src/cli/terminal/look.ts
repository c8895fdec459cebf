import { styleText } from 'node:util'

/** What a stream can show. */
export interface Look {
  /** Signs, bars and questions for people instead of lines for scripts. */
  isTerminal: boolean
  isColoured: boolean
  /** How wide a line may be; `Infinity` where nothing is cut off. */
  columns: number
}

/** `NO_COLOR` and `FORCE_COLOR` are as no-color.org and force-color.org describe them; the first one wins. */
export function lookOf(stream: NodeJS.WriteStream, environment: NodeJS.ProcessEnv = process.env): Look {
  const isTerminal = stream.isTTY === true
  const { NO_COLOR: none, FORCE_COLOR: forced, TERM: term } = environment
  const isForced = forced !== undefined && forced !== '' && forced !== '0' && forced !== 'false'
  const isColoured = !none && (isForced || (isTerminal && term !== 'dumb' && !forced))
  return {
    isTerminal,
    isColoured,
    columns: isTerminal && stream.columns > 0 ? stream.columns : Number.POSITIVE_INFINITY,
  }
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'gray'

/** The text in a style, or as it is where there are no colours. */
export function painted(style: Style, text: string, { isColoured }: Pick<Look, 'isColoured'>): string {
  return isColoured ? styleText(style, text, { validateStream: false }) : text
}
