import { useParams } from 'wouter'
import type { OperationWithProgress } from '../../../src/client/api-types.ts'
import { Fact, Facts } from '../show/data-list.tsx'
import { Loading } from '../show/loading.tsx'
import { Page } from '../show/page.tsx'
import { Section } from '../show/section.tsx'
import { Time } from '../show/time.tsx'
import { Trail } from '../show/trail.tsx'
import { UpdateLinks } from '../updates/references.tsx'
import { Failure } from './failure.tsx'
import { FilesProgress } from './files-progress.tsx'
import { kindWord, Status, statusWord, subjectOf } from './operation-words.tsx'
import { useOperation } from './use-operation.ts'

/** One operation, live. */
export default function OperationPage() {
  const { operationId = '' } = useParams<{ operationId: string }>()
  const operation = useOperation(operationId)
  const title = operation.loaded.kind === 'ready' ? titleOf(operation.loaded.value) : 'Operation'
  return (
    <>
      <Trail to="/operations" title="Operations" here={operationId} />
      <Page title={title}>
        <Loading of={operation} what="the operation">
          {(value) => <Parts operation={value} />}
        </Loading>
      </Page>
    </>
  )
}

function titleOf(operation: OperationWithProgress): string {
  return `${kindWord(operation.kind)} of ${subjectOf(operation) ?? 'an update'}`
}

function Parts({ operation }: { operation: OperationWithProgress }) {
  const { kind, status, updates, files, error, createdDateTime, lastActionDateTime, operationId } = operation
  // What was deleted has no page any more.
  const isThere = kind === 'import' && status === 'Succeeded'
  const ids = updates.map(({ updateId }) => updateId)
  return (
    <>
      {/* Screen readers tell the changes, and not each byte. */}
      <p role="status">{announcement(operation)}</p>
      {error !== undefined && <Failure error={error} />}
      <Facts>
        <Fact title="Status">
          <Status status={status} />
        </Fact>
        {isThere && (
          <Fact title={ids.length === 1 ? 'Update' : 'Updates'}>
            <UpdateLinks updates={ids} />
          </Fact>
        )}
        <Fact title="Asked for on">
          <Time at={createdDateTime} />
        </Fact>
        <Fact title="Last change">
          <Time at={lastActionDateTime} />
        </Fact>
        <Fact title="Operation id">{operationId}</Fact>
      </Facts>
      {files.length > 0 && (
        <Section title="Files">
          <FilesProgress files={files} hasFailed={status === 'Failed'} />
        </Section>
      )}
    </>
  )
}

function announcement({ kind, status, files }: OperationWithProgress): string {
  const done = files.filter(({ phase }) => phase === 'Done').length
  if (status === 'NotStarted') return 'It waits for its turn.'
  if (status === 'Running') {
    if (kind === 'delete') return 'The update is being deleted.'
    return files.length === 0
      ? 'The import manifest is being fetched and checked.'
      : `${done} of ${files.length} files are done.`
  }
  if (status === 'Failed') return 'It failed, and has changed nothing.'
  return kind === 'import'
    ? 'The update is imported.'
    : kind === 'delete'
      ? 'The update is deleted.'
      : statusWord(status)
}
