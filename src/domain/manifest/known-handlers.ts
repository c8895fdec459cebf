/** What is known about a step handler of the reference agent: for advice on manifests, and for those who write them. */
export interface KnownHandler {
  /** What it does with a step, in one sentence. */
  summary: string
  files: {
    /** Follows "takes". */
    words: string
    /** Whether these names are what it takes, as far as names can tell. */
    right: (names: readonly string[]) => boolean
  }
  /** What it looks for in `handlerProperties`; letter case counts. */
  properties: readonly HandlerProperty[]
}

export interface HandlerProperty {
  name: string
  /** What it is for, in one sentence. */
  words: string
  /** Without it devices fail. */
  isRequired: boolean
  /** It names a file of the step. */
  isFileName?: true
  /** The only values that the handler knows. */
  values?: readonly string[]
}

const installedCriteria = (words: string, isRequired: boolean): HandlerProperty => ({
  name: 'installedCriteria',
  words,
  isRequired,
})

const scriptFileName = (words: string): HandlerProperty => ({
  name: 'scriptFileName',
  words,
  isRequired: true,
  isFileName: true,
})

const SCRIPT_OPTIONS: readonly HandlerProperty[] = [
  { name: 'arguments', words: 'What the script is called with, before what the agent adds.', isRequired: false },
  {
    name: 'apiVersion',
    words: 'How the agent names the action: --action-install (1.0, the default) or --action install (1.1).',
    isRequired: false,
    values: ['1.0', '1.1'],
  },
]

const isSwu = (name: string) => name.toLowerCase().endsWith('.swu')

/** The handlers of the reference agent. A service cannot know what others do, and they may have any properties. */
export const KNOWN_HANDLERS: ReadonlyMap<string, KnownHandler> = new Map<string, KnownHandler>([
  [
    'microsoft/apt:1',
    {
      summary: 'Installs Debian packages by apt-get, as an APT manifest lists them.',
      files: { words: 'exactly one file, the APT manifest', right: (names) => names.length === 1 },
      properties: [
        installedCriteria(
          'Any text; the agent remembers it, and an update whose text it has is not installed again. The custom is NAME-VERSION of the APT manifest.',
          true,
        ),
      ],
    },
  ],
  [
    'microsoft/script:1',
    {
      summary: 'Runs a script as root, once for each action (download, install, apply, cancel, is-installed).',
      files: { words: 'a script and whatever it needs', right: () => true },
      properties: [
        scriptFileName('The script among the files of the step.'),
        installedCriteria('Handed to the script, which decides whether the update is installed.', false),
        ...SCRIPT_OPTIONS,
      ],
    },
  ],
  [
    'microsoft/swupdate:1',
    {
      summary: 'Gives an image to SWUpdate and reboots.',
      files: {
        words: 'exactly one file, which ends in .swu',
        right: (names) => names.length === 1 && names.every(isSwu),
      },
      properties: [
        installedCriteria('What the first line of /etc/adu-version says once the image is installed.', true),
      ],
    },
  ],
  [
    'microsoft/swupdate:2',
    {
      summary: 'Runs a script that gives an image to SWUpdate.',
      files: { words: 'an image (.swu) and a script', right: () => true },
      properties: [
        installedCriteria('Handed to the script, which decides whether the update is installed.', true),
        { name: 'swuFileName', words: 'The image among the files of the step.', isRequired: true, isFileName: true },
        scriptFileName('The script among the files of the step.'),
        ...SCRIPT_OPTIONS,
      ],
    },
  ],
  [
    'microsoft/simulator:1',
    {
      summary: 'Pretends to install, with results that a file on the device names. Nothing is downloaded.',
      files: { words: 'any files', right: () => true },
      properties: [
        installedCriteria(
          'Looked up under "isInstalled" in du-simulator-data.json in the temporary folder of the device.',
          false,
        ),
      ],
    },
  ],
])
