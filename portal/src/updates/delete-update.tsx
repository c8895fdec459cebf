import { Button } from '@fluentui/react-button'
import {
  Dialog,
  DialogActions,
  DialogBody,
  DialogContent,
  DialogSurface,
  DialogTitle,
  DialogTrigger,
} from '@fluentui/react-dialog'
import { useCallback, useState } from 'react'
import { useLocation } from 'wouter'
import { formatUpdateId, type UpdateId } from '../../../src/domain/update-id.ts'
import { useLoaded } from '../server/use-loaded.ts'
import { useServer } from '../server/use-server.ts'
import { formatBytes } from '../show/format.ts'
import { Loading } from '../show/loading.tsx'
import { Problem } from '../show/problem.tsx'
import { type DeletionPlan, planDeletion } from './deletion-plan.ts'
import { UpdateLinks } from './references.tsx'

/** The way to delete an update: it says first what would go with it, and refuses where others need it. */
export function DeleteUpdate({ updateId }: { updateId: UpdateId }) {
  const [isOpen, setIsOpen] = useState(false)
  return (
    <Dialog open={isOpen} onOpenChange={(_event, { open }) => setIsOpen(open)}>
      <DialogTrigger disableButtonEnhancement>
        <Button>Delete</Button>
      </DialogTrigger>
      <DialogSurface>{isOpen && <Question {...updateId} />}</DialogSurface>
    </Dialog>
  )
}

function Question({ provider, name, version }: UpdateId) {
  const { client } = useServer()
  const [, navigate] = useLocation()
  const [problem, setProblem] = useState<unknown>()
  const [isSending, setIsSending] = useState(false)
  const load = useCallback(() => planDeletion(client, { provider, name, version }), [client, provider, name, version])
  const plan = useLoaded(load)
  const mayGo = plan.loaded.kind === 'ready' && plan.loaded.value.parents.length === 0
  const erase = async () => {
    setIsSending(true)
    setProblem(undefined)
    try {
      const { operationId } = await client.deleteUpdate({ provider, name, version })
      navigate(`/operations/${operationId}`)
    } catch (error) {
      setProblem(error)
      setIsSending(false)
    }
  }
  const title = formatUpdateId({ provider, name, version })
  return (
    <DialogBody>
      <DialogTitle>{plan.loaded.kind === 'ready' && !mayGo ? `${title} is in use` : `Delete ${title}?`}</DialogTitle>
      <DialogContent>
        <Loading of={plan} what="what would be deleted">
          {(known) => <Plan plan={known} />}
        </Loading>
        {problem !== undefined && <Problem error={problem} title="It cannot be deleted" />}
      </DialogContent>
      <DialogActions>
        {mayGo && (
          <Button appearance="primary" onClick={erase} disabledFocusable={isSending}>
            Delete
          </Button>
        )}
        <DialogTrigger disableButtonEnhancement>
          <Button>{mayGo ? 'Cancel' : 'Close'}</Button>
        </DialogTrigger>
      </DialogActions>
    </DialogBody>
  )
}

function Plan({ plan: { parents, alsoDeleted, kept, sizeInBytes } }: { plan: DeletionPlan }) {
  if (parents.length > 0) {
    return (
      <>
        <p>It cannot be deleted, since these updates reference it. Delete them first:</p>
        <UpdateLinks updates={parents} />
      </>
    )
  }
  return (
    <>
      <p>
        Devices can no longer download it, and it cannot be brought back but by another import. Its files have{' '}
        {formatBytes(sizeInBytes)} in all.
      </p>
      {alsoDeleted.length > 0 && (
        <>
          <p>These updates go with it, since nothing else references them:</p>
          <UpdateLinks updates={alsoDeleted} />
        </>
      )}
      {kept.length > 0 && (
        <>
          <p>These stay, since others reference them, too:</p>
          <UpdateLinks updates={kept} />
        </>
      )}
    </>
  )
}
