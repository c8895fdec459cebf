import type { CompletableCommand, CompletableOption, Value } from './describe-commands.ts'

/** A script for zsh: sourced, or as the file `_aduana` in a folder of `$fpath`. */
export function zshCompletion(commands: readonly CompletableCommand[]): string {
  return `#compdef aduana
# Completion of aduana for zsh, made by: aduana completion zsh
# Try it with  source <(aduana completion zsh)  and put that line into ~/.zshrc, below compinit, to keep it.
_aduana() {
  if (( CURRENT == 2 )); then
    local -a commands
    commands=(
${commands.map(({ name, description }) => `      ${quoted(`${name}:${description}`)}`).join('\n')}
    )
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${commands.map(commandCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _aduana ]]; then _aduana "$@"; else compdef _aduana aduana; fi
`
}

function commandCase({ name, options, argument }: CompletableCommand): string {
  const specs = options.flatMap(optionSpecs)
  if (argument !== undefined) specs.push(quoted(`*:${argument.placeholder}:${action(argument.value)}`))
  return `    ${name}) _arguments -S -s ${specs.join(' ')} ;;`
}

function optionSpecs({ names, description, value, placeholder }: CompletableOption): string[] {
  // In brackets; a colon would end it.
  const words = description.replaceAll(/[[\]]/g, '\\$&').replaceAll(':', '\\:')
  const behind = value === undefined ? '' : `:${placeholder.replaceAll(':', '\\:')}:${action(value)}`
  return names.map((flag) => quoted(`*${flag}[${words}]${behind}`))
}

function action(value: Value): string {
  if (value === 'anything') return ' '
  if (value === 'files') return '_files'
  return value === 'folders' ? '_files -/' : `(${value.words.join(' ')})`
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
