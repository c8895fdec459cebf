import type { CompletableCommand, Value } from './describe-commands.ts'

/** A script for bash, 3.2 and later. */
export function bashCompletion(commands: readonly CompletableCommand[]): string {
  return `# Completion of aduana for bash, made by: aduana completion bash
# Try it with  source <(aduana completion bash)  and put that line into ~/.bashrc to keep it.
_aduana() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} command= word
  local IFS=$'\\n'
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case $word in
      -*) ;;
      *) command=$word; break ;;
    esac
  done
  case "$command $previous" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$command" in
    '') ${reply([...commands.map(({ name }) => name), '--help', '--version'])} ;;
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _aduana aduana
`
}

/** What stands behind a flag. */
function valueCases({ name, options }: CompletableCommand): string[] {
  return options.flatMap(({ names, value }) =>
    value === undefined
      ? []
      : [`    ${names.map((flag) => `'${name} ${flag}'`).join('|')}) ${suggest(value)}; return ;;`],
  )
}

function commandCase({ name, options, argument }: CompletableCommand): string {
  const flags = reply(options.flatMap(({ names }) => names.filter((flag) => flag.startsWith('--'))))
  const other = argument === undefined ? ':' : suggest(argument.value)
  return `    ${name}) if [[ $current == -* ]]; then ${flags}; else ${other}; fi ;;`
}

function suggest(value: Value): string {
  if (value === 'anything') return ':'
  if (value === 'files') return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$current"))'
  if (value === 'folders') return 'compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$current"))'
  return reply(value.words)
}

/** A word a line: the script divides by line ends alone. */
function reply(words: readonly string[]): string {
  return `COMPREPLY=($(compgen -W '${words.join('\n')}' -- "$current"))`
}
