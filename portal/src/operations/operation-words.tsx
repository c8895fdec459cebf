import { Badge } from '@fluentui/react-badge'
import type { Operation, OperationSummary } from '../../../src/client/api-types.ts'
import { formatUpdateId } from '../../../src/domain/update-id.ts'

const KINDS: Readonly<Record<OperationSummary['kind'], string>> = {
  import: 'Import',
  delete: 'Deletion',
  check: 'Check',
}

/** What an operation does, as people say it. */
export function kindWord(kind: OperationSummary['kind']): string {
  return KINDS[kind] ?? kind
}

/** What an operation is about, as far as that is known. */
export function subjectOf({ updates }: Pick<OperationSummary, 'updates'>): string | undefined {
  const [first, ...others] = updates.map(({ updateId }) => formatUpdateId(updateId))
  if (first === undefined) return undefined
  return others.length === 0 ? first : `${first} and ${others.length} more`
}

const STATUSES: Readonly<
  Record<Operation['status'], { word: string; color: 'success' | 'danger' | 'brand' | 'informative' }>
> = {
  NotStarted: { word: 'Not started', color: 'informative' },
  Running: { word: 'In progress', color: 'brand' },
  Succeeded: { word: 'Succeeded', color: 'success' },
  Failed: { word: 'Failed', color: 'danger' },
}

export function statusWord(status: Operation['status']): string {
  return STATUSES[status].word
}

export function Status({ status }: { status: Operation['status'] }) {
  const { word, color } = STATUSES[status]
  return (
    <Badge appearance="tint" color={color}>
      {word}
    </Badge>
  )
}
