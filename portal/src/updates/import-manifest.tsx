import { Button } from '@fluentui/react-button'
import { useCallback, useState } from 'react'
import type { UpdateId } from '../../../src/domain/update-id.ts'
import { useLoaded } from '../server/use-loaded.ts'
import { useServer } from '../server/use-server.ts'
import { CodeBlock } from '../show/code-block.tsx'
import { Loading } from '../show/loading.tsx'

/** The import manifest to the letter, once it is asked for. */
export function ImportManifest({ updateId }: { updateId: UpdateId }) {
  const [isShown, setIsShown] = useState(false)
  return (
    <>
      <Button aria-expanded={isShown} onClick={() => setIsShown(!isShown)}>
        {isShown ? 'Hide the import manifest' : 'Show the import manifest'}
      </Button>
      {isShown && <Shown {...updateId} />}
    </>
  )
}

function Shown({ provider, name, version }: UpdateId) {
  const { client } = useServer()
  const load = useCallback(
    () => client.getImportManifest({ provider, name, version }),
    [client, provider, name, version],
  )
  const manifest = useLoaded(load)
  return (
    <Loading of={manifest} what="the import manifest">
      {(text) => <CodeBlock text={text} label="Import manifest to the letter" />}
    </Loading>
  )
}
