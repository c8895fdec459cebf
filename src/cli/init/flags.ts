/** A flag of `aduana init`: from this table come its help, its reading and what messages call it. */
export interface InitFlag {
  placeholder: string
  description: string
  /** May be given several times, each with several words, and the order of these flags means something. */
  isGroup?: true
  /** What the Azure CLI calls it; taken as well. */
  alias?: string
}

export const INIT_FLAGS = {
  provider: { placeholder: 'TEXT', description: 'who makes the update', alias: 'update-provider' },
  name: { placeholder: 'TEXT', description: 'name of the update', alias: 'update-name' },
  version: { placeholder: 'VERSION', description: 'its version, such as 1.0 or 2026.11.8', alias: 'update-version' },
  description: { placeholder: 'TEXT', description: 'what people read about it' },
  'is-deployable': {
    placeholder: 'true|false',
    description: 'false for a child, which is installed only by the update that references it (default: true)',
  },
  compat: {
    placeholder: 'KEY=VALUE...',
    description: 'properties of the devices it is for; again for another kind of device',
    isGroup: true,
  },
  handler: {
    placeholder: 'HANDLER',
    description: 'what installs it, if it has only one step: see aduana init handlers',
  },
  property: {
    placeholder: 'KEY=VALUE...',
    description: 'what the handler needs to know; belongs to the nearest --step before it',
    isGroup: true,
  },
  step: {
    placeholder: 'KEY=VALUE...',
    description:
      'a step of several: handler=, properties= (JSON), description=, files= (names); or updateId.provider=, updateId.name=, updateId.version= to install another update',
    isGroup: true,
  },
  file: {
    placeholder: 'PATH...',
    description:
      'file of the nearest --step before it; or path=, downloadHandler=, properties= (JSON), for a single one',
    isGroup: true,
  },
  'related-file': {
    placeholder: 'PATH...',
    description: 'file that helps to make the nearest --file before it, such as a delta; or path=, properties= (JSON)',
    isGroup: true,
  },
  'manifest-version': { placeholder: 'VERSION', description: '5.0, 4.0 or 2.0 (default: 5.0)' },
  output: { placeholder: 'FILE', description: 'write the manifest there (default: standard output)' },
} as const satisfies Record<string, InitFlag>

export type FlagName = keyof typeof INIT_FLAGS

/** A flag with the words that follow it. */
export interface FlagGroup {
  flag: FlagName
  words: string[]
}
