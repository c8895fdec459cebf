import { parseArgs } from 'node:util'
import { type FlagGroup, type FlagName, INIT_FLAGS, type InitFlag } from './flags.ts'

/**
 * The flags in the order in which they stand, each with its words: `--compat a=1 b=2 --compat a=3` are two groups, and a
 * `--file` comes after its `--step`. Flags without a value are not among them.
 */
export function groupFlags(args: readonly string[]): FlagGroup[] {
  const names = new Map<string, FlagName>()
  for (const [flag, { alias }] of Object.entries<InitFlag>(INIT_FLAGS)) {
    names.set(flag, flag as FlagName)
    if (alias !== undefined) names.set(alias, flag as FlagName)
  }
  const options = Object.fromEntries(
    [...names.keys()].map((name) => [name, { type: 'string', multiple: true } as const]),
  )
  const { tokens } = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true })
  const groups: FlagGroup[] = []
  for (const token of tokens) {
    if (token.kind === 'option') {
      const flag = names.get(token.name)
      if (flag !== undefined) groups.push({ flag, words: [token.value ?? ''] })
    } else if (token.kind === 'positional') groups.at(-1)?.words.push(token.value)
  }
  return groups
}
