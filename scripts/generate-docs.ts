// Writes the reference pages that are made from code: `npm run docs`. A test keeps them equal to the code.
import { writeFile } from 'node:fs/promises'
import { createProgram } from '../src/cli/main.ts'
import {
  CLIENT_SETTINGS,
  DOCTOR_SETTINGS,
  LINK_SETTINGS,
  MOVE_DATABASE_SETTINGS,
  MOVE_STORE_SETTINGS,
  TOKEN_SETTINGS,
} from '../src/config/command-settings.ts'
import { environmentName, type Settings } from '../src/config/read-settings.ts'
import { SERVE_SETTINGS } from '../src/config/serve-settings.ts'
import { ERROR_CODES } from '../src/domain/error-codes.ts'
import { statusOf } from '../src/http/calls/problems.ts'
import { startAppInMemory } from '../tests/support/app-in-memory.ts'

const PLACES = {
  answer: [
    'Answers to a request',
    'Sent at once, with the HTTP status beside the code. The body is both a problem document and an `error` envelope.',
  ],
  operation: [
    'Failed operations',
    'The code in `error.code` of an operation whose `status` is `Failed`; asking for the operation still answers 200.',
  ],
  inner: [
    'Inner errors of failed operations',
    'The code in `error.innererror.code` (also sent as `innerError`), as clients of the original service expect it.',
  ],
  source: [
    'Causes',
    'The code in `error.innererror.innerError.code`: what really happened to a source or to its bytes.',
  ],
  finding: [
    'Mistakes in a document',
    'The code of an entry in `error.details`, and of a line of `aduana check`. `target` is the JSON Pointer of the place.',
  ],
} as const

/** The page about every error code. */
export function errorsPage(): string {
  const sections = Object.entries(PLACES).map(([place, [title, intro]]) => {
    const rows = Object.entries(ERROR_CODES)
      .filter(([, text]) => text.place === place)
      .map(([code, { cause, remedy }]) => {
        const status = place === 'answer' ? ` (${statusOf(code as keyof typeof ERROR_CODES)})` : ''
        return `| \`${code}\`${status} | ${cause} | ${remedy} |`
      })
    return [`## ${title}`, '', intro, '', '| code | cause | remedy |', '|---|---|---|', ...rows, ''].join('\n')
  })
  return [
    '# Error codes',
    '',
    'Made by `npm run docs` from `src/domain/error-codes.ts`. A code never changes its meaning; the sentence that comes with it may.',
    '',
    ...sections,
  ].join('\n')
}

/** The page about every setting. */
export function configurationPage(): string {
  const table = (settings: Settings) =>
    [
      '| flag | variable | default | what it is |',
      '|---|---|---|---|',
      ...Object.entries(settings).map(
        ([flag, { placeholder, description, default: value }]) =>
          `| \`--${flag} ${placeholder}\` | \`${environmentName(flag)}\` | ${value === undefined ? '' : `\`${value}\``} | ${description} |`,
      ),
    ].join('\n')
  return `# Configuration

Made by \`npm run docs\` from \`src/config\`. Flags win over variables, variables over the file. A repeatable setting is a comma-separated
list in a variable. Unknown flags, \`ADUANA_\` variables and members of the file are errors, and all mistakes are reported at once.

## aduana serve

${table(SERVE_SETTINGS)}

\`--config FILE\` (\`ADUANA_CONFIG\`) names a file with one JSON object, whose members are the flags without dashes in front:

\`\`\`json
{ "data": "/var/lib/aduana", "instance": ["blue", "green"], "sweep-after": "7d" }
\`\`\`

## aduana token

${table(TOKEN_SETTINGS)}

## aduana link

It prints one line, a link that opens [the portal signed in](operations.md#open-the-portal-signed-in).

${table(LINK_SETTINGS)}

## aduana doctor

Give it what the server is given. \`--deep\`, \`--repair\` and \`--json\` are described in [operations.md](operations.md#doctor).

${table(DOCTOR_SETTINGS)}

## aduana move-store

See [many-nodes.md](many-nodes.md#moving-to-another-store).

${table(MOVE_STORE_SETTINGS)}

## aduana move-database

See [many-nodes.md](many-nodes.md#moving-from-one-machine-to-several).

${table(MOVE_DATABASE_SETTINGS)}

## aduana rescan

It speaks to a running server. \`--all\`, \`--no-wait\`, \`--json\` and the exit codes are in \`aduana rescan --help\`. \`ADUANA_TOKEN\` is the token that it
sends; without it, the local issuer in \`--data\` makes one.

${table(CLIENT_SETTINGS)}
`
}

/** The page about every command. */
export function commandsPage(): string {
  const program = createProgram()
  const help = program.createHelp()
  const sections = help.visibleCommands(program).flatMap((command) => {
    if (command.name() === 'help') return []
    const behind = command.registeredArguments.map((argument) => {
      const name = argument.variadic ? `${argument.name()}...` : argument.name()
      return argument.required ? `<${name}>` : `[${name}]`
    })
    const rows = [
      ...command.registeredArguments.map((argument): [string, string] => [argument.name(), argument.description]),
      ...help
        .visibleOptions(command)
        .filter((option) => option.long !== '--help')
        .map((option): [string, string] => [option.flags, option.description]),
    ]
    const subcommands = command.commands.map((sub): [string, string] => [
      `${command.name()} ${sub.name()}`,
      sub.description(),
    ])
    return [
      `## aduana ${command.name()}`,
      '',
      `\`${['aduana', command.name(), '[options]', ...behind].join(' ')}\``,
      '',
      `${command.description()}.`.replace(/^./, (letter) => letter.toUpperCase()),
      '',
      '| | |',
      '|---|---|',
      ...[...rows, ...subcommands].map(([name, words]) => `| \`${cell(name)}\` | ${cell(words)} |`),
      '',
    ]
  })
  return [
    '# Commands',
    '',
    'Made by `npm run docs` from the definition of the commands. `aduana COMMAND --help` says the same with examples; the variable behind a flag',
    'is in brackets. How to use them stands in [command-line.md](command-line.md).',
    '',
    ...sections,
  ].join('\n')
}

interface ApiDescription {
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, { tags?: string[]; summary?: string; responses: Record<string, unknown> }>>
}

/** The page about every address of the API. */
export async function apiPage(): Promise<string> {
  await using app = await startAppInMemory()
  const { tags, paths } = (await app.ask('/openapi.json', { role: '' })).json<ApiDescription>()
  const routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, route]) => ({ path, method: method.toUpperCase(), ...route })),
  )
  const sections = tags.flatMap(({ name, description }) => {
    const rows = routes
      .filter((route) => route.tags?.includes(name))
      .map(({ path, method, summary = '', responses }) => {
        const good = Object.keys(responses).filter((status) => /^[23]/.test(status))
        return `| \`${method}\` | \`${path}\` | ${cell(summary)} | ${good.join(', ')} |`
      })
    return [
      `## ${name}`,
      '',
      description,
      '',
      '| | address | what it does | answers |',
      '|---|---|---|---|',
      ...rows,
      '',
    ]
  })
  return [
    '# API',
    '',
    'Made by `npm run docs` from the description that every server has at `/openapi.json`, and shows to people at `/docs`: there are the documents, the',
    'parameters and the permissions, too. What goes wrong is answered with a code of [errors.md](errors.md).',
    '',
    ...sections,
  ].join('\n')
}

/** The page about every metric. */
export async function metricsPage(): Promise<string> {
  await using app = await startAppInMemory()
  const { text } = await app.ask('/metrics')
  const types = new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]))
  const rows = [...text.matchAll(/^# HELP (aduana_\S+) (.*)$/gm)].map(
    ([, name = '', help = '']) => `| \`${name}\` | ${types.get(name)} | ${cell(help)} |`,
  )
  return [
    '# Metrics',
    '',
    'Made by `npm run docs` from what a server answers at `/metrics`. Beside these there are those of the process (`process_…`, `nodejs_…`). What to make of',
    'them stands in [deploying.md](deploying.md); alerts and a dashboard are in [deploy](../deploy).',
    '',
    '| name | type | what it is |',
    '|---|---|---|',
    ...rows.sort(),
    '',
  ].join('\n')
}

/** A text that does not end the cell of a table. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

/** Every generated page, by its path in the project. */
export const PAGES: Readonly<Record<string, () => string | Promise<string>>> = {
  'docs/errors.md': errorsPage,
  'docs/configuration.md': configurationPage,
  'docs/commands.md': commandsPage,
  'docs/api.md': apiPage,
  'docs/metrics.md': metricsPage,
}

if (import.meta.main) {
  for (const [path, page] of Object.entries(PAGES)) {
    await writeFile(new URL(`../${path}`, import.meta.url), await page())
    console.log(path)
  }
}
