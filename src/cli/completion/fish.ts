import type { CompletableCommand, Value } from './describe-commands.ts'

/** A script for fish. */
export function fishCompletion(commands: readonly CompletableCommand[]): string {
  return `# Completion of aduana for fish, made by: aduana completion fish
# To keep it: aduana completion fish > ~/.config/fish/completions/aduana.fish
complete -c aduana -f
${commands.flatMap(linesOf).join('\n')}
`
}

function linesOf({ name, description, options, argument }: CompletableCommand): string[] {
  const behind = `complete -c aduana -n '__fish_seen_subcommand_from ${name}'`
  return [
    `complete -c aduana -n __fish_use_subcommand -a ${name} -d ${quoted(description)}`,
    ...options.map(({ names, description: words, value }) => {
      const flags = names
        .map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`))
        .join(' ')
      return `${behind} ${flags}${value === undefined ? '' : ` -r ${suggest(value)}`} -d ${quoted(words)}`
    }),
    ...(argument === undefined || argument.value === 'anything' ? [] : [`${behind} ${suggest(argument.value)}`]),
  ]
}

function suggest(value: Value): string {
  if (value === 'anything') return '-f'
  if (value === 'files') return '-F'
  return value === 'folders' ? "-f -a '(__fish_complete_directories)'" : `-f -a ${quoted(value.words.join(' '))}`
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`
}
